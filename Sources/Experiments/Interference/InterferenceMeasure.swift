import Analysis
import Compute
import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// Whose fact a wrong answer is, by the tangent kernel of the model: `interference` in a study.
package struct InterferenceMeasure: Measure {
  package static let name = "interference"
  package static let key = "interference"
  package static let version = 1
  package static let tables = [ResultTable.interference, .rankedAnswers]
  package static let settingNames =
    ModelSelection.settingNames + ["answers", "candidates", "facts", "seed", "resamples"]

  /// What decides the numbers beside the run.
  package struct Settings: Codable, Hashable, Sendable {
    /// Wrong answers that are ranked, at most.
    package var answerCount = 200
    /// Objects that each is ranked among, itself included.
    package var candidateCount = 20
    /// Facts of each object whose gradients are taken, drawn where there are more.
    package var factCount = 4
    package var seed: UInt64 = 0
    /// Resamples of the subjects behind intervals.
    package var resampleCount = 1_000

    package init() {}

    enum CodingKeys: String, CodingKey {
      case seed
      case answerCount = "answers"
      case candidateCount = "candidates"
      case factCount = "facts"
      case resampleCount = "resamples"
    }

    /// The numbers with their ranges, by their names in a study.
    package static let ranges:
      [(
        name: String, path: any WritableKeyPath<Settings, Int> & Sendable, range: ClosedRange<Int>
      )] = [
        ("answers", \.answerCount, 1...1_000_000),
        ("candidates", \.candidateCount, 2...10_000),
        ("facts", \.factCount, 1...10_000),
        ("resamples", \.resampleCount, 1...1_000_000),
      ]
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = Settings()
    if let value = node.optional("seed") {
      settings.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    for (name, path, range) in Settings.ranges {
      if let value = node.optional(name) {
        settings[keyPath: path] = try value.integer(in: range)
      }
    }
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let answers = Double(min(settings.answerCount, graph.queryCount))
    let gradients = answers * Double(settings.candidateCount * (1 + settings.factCount))
    // A gradient is three forward passes; texts share nothing, which `inference` takes them to do
    // sixfold. Finding enough wrong answers asks some ten times as many questions.
    var cost = TaskCost.inference(
      run, sequences: 18 * gradients + 10 * answers, rowsOnDisk: answers)
    // Clearing, copying and multiplying a gradient.
    cost.seconds += gradients * Double(run.parameterCount) * 1e-8
    cost.memoryMiB += Double(run.parameterCount * (settings.factCount + 4)) * 4 / 1_048_576
    return cost
  }

  private func identity(of subject: MeasuredRun) -> InterferenceIdentity {
    InterferenceIdentity(
      weightsHash: subject.record.weightsHash ?? "",
      graphHash: subject.record.configuration.graphHash, settings: settings)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?
      .summary(Self.self, of: identity(of: subject), as: InterferenceSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .first && $0.against.isEmpty }.map {
      "first by \($0.scorer) \(Readable.percent($0.value))"
    }.joined(separator: ", ")
  }

  /// Ranks wrong answers into the run's run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` where no answer can be ranked, and `LabError.interrupted` when stopped,
  /// after which nothing is stored.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> InterferenceSummary {
    let identity = identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: InterferenceSummary.self)
    {
      return summary
    }
    let (run, graph) = (try subject.open(), try subject.graph())
    let wrong = try wrongAnswers(run, graph, work.part(0...0.2))
    let ranked = try rank(wrong.found, run, graph, work.part(0.2...1))
    guard !ranked.isEmpty else {
      throw LabError(
        "\(subject.folder.path): of \(wrong.asked.grouped) greedy answers none is a wrong object that training says of "
          + "another subject beside others; there is nothing to rank")
    }
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    let summary = InterferenceSummary(
      key: try Self.storedKey(of: identity), identity: identity, askedCount: wrong.asked,
      wrongCount: wrong.found.count, rates: InterferenceRate.all(ranked, bootstrap))
    try RunDatabase.open(in: subject.folder, graphHash: identity.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.interference.insert(summary.rates, of: measurement, in: database)
      try ResultTable.rankedAnswers.insert(
        ranked.flatMap { RankedAnswerRow.rows($0, graph) }, of: measurement, in: database)
    }
    return summary
  }

  /// The first wrong objects among greedy answers to the questions in a drawn order.
  private func wrongAnswers(
    _ run: RunFolder, _ graph: KnowledgeGraph, _ work: Work
  ) throws -> (found: [(query: Int, object: Int32)], asked: Int) {
    let corpus = run.record.configuration.corpus
    let scorer = try FactScorer(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, wording: corpus.wording,
      workers: work.workers)
    var order = graph.queries.indices.filter { graph.queries[$0].rank < corpus.fraction }
    var stream = Seed(settings.seed).stream("interference/questions")
    stream.shuffle(&order)
    var found: [(query: Int, object: Int32)] = []
    var asked = 0
    for start in stride(from: 0, to: order.count, by: 256) where found.count < settings.answerCount
    {
      let part = Array(order[start..<min(start + 256, order.count)])
      guard let scores = try scorer.scores(of: part, unless: work.shouldStop) else {
        throw LabError.interrupted("stopped while questions were asked; nothing is stored")
      }
      for score in scores where found.count < settings.answerCount {
        asked += 1
        if score.greedy.verdict == .wrongObject, let object = score.greedy.object {
          found.append((score.query, object))
        }
      }
      work.report(
        Double(found.count) / Double(settings.answerCount), "\(asked.grouped) questions asked")
    }
    return (found, asked)
  }

  /// The ranks of all that can be ranked, by the workers; each answer draws from a stream of its
  /// own.
  private func rank(
    _ answers: [(query: Int, object: Int32)], _ run: RunFolder, _ graph: KnowledgeGraph,
    _ work: Work
  ) throws -> [RankedWrongAnswer] {
    let corpus = run.record.configuration.corpus
    let (model, text) = (
      try run.loadModel(),
      try TripleText(graph: graph, tokenizer: run.tokenizer, wording: corpus.wording)
    )
    let taught = TaughtObjects(graph, fraction: corpus.fraction)
    let trials = try (0..<work.workers).map { _ in
      InterferenceTrial(
        graph: graph, text: text, taught: taught,
        kernel: try EmpiricalKernel(model, maximumTokens: model.configuration.contextLength),
        settings: settings)
    }
    let pool = try WorkerPool(workerCount: work.workers)
    var ranked: [RankedWrongAnswer] = []
    for start in stride(from: 0, to: answers.count, by: 16) {
      if work.shouldStop() {
        throw LabError.interrupted("stopped while facts were ranked; nothing is stored")
      }
      let part = answers[start..<min(start + 16, answers.count)]
      let found = pool.map(pieces: part.count) { worker, piece in
        let answer = part[part.startIndex + piece]
        return trials[worker].ranks(query: answer.query, given: answer.object)
      }
      ranked += found.compactMap(\.self)
      work.report(
        Double(start + part.count) / Double(answers.count),
        "\(start + part.count) of \(answers.count) wrong answers")
    }
    return ranked
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let report = InterferenceFigure(results: results, command: command)
    let figure = try report.figure()
    return figure.data.rows.isEmpty
      ? []
      : [
        ReportSection(
          "Which fact a wrong answer is borrowed from",
          [.figure(figure)] + [try report.table().map(Block.table)].compactMap(\.self))
      ]
  }
}
