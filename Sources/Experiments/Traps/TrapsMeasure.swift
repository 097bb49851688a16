import Analysis
package import Compute
package import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
package import Report
package import Training

/// Questions with choices asked of a model: the traps of `kglab traps` and `traps` in a study, or
/// those of a file.
package struct TrapsMeasure: ListedMeasure {
  package static let name = "traps"
  package static let key = "traps"
  package static let version = 1
  package static let needs: TrainingNeed? = .rules
  package static let tables = [ResultTable.choices]

  /// What decides the numbers beside the model.
  package struct Settings: StudySettings {
    package var tasks = Trap.allCases
    /// Most questions of a task, each in two forms.
    package var questionCount = 200
    /// Solved traps of taught subjects that stand before a question: a form of each for every
    /// number.
    package var shots = [0]
    /// Whether traps that have such a form are asked with the line that leads to the answer before
    /// them; nil for no.
    package var reasoned: Bool?
    /// Decides which facts are asked about, and the resamples behind intervals.
    package var seed: UInt64 = 0
    package var resampleCount = 1_000
    package var precision = Precision.fp32

    package init() {}

    package static let all: [StudySetting<Settings>] = [
      StudySetting("tasks", \.tasks) { try $0.distinct { try $0.choice(Trap.self) } },
      StudySetting("questions", \.questionCount, in: 1...100_000),
      StudySetting("shots", \.shots) { try $0.distinctIntegers(in: 0...TrapsMeasure.mostShots) },
      StudySetting("reasoned", \.reasoned) { try $0.boolean() ? true : nil },
      .seed(\.seed), .resamples(\.resampleCount, atLeast: 1),
      StudySetting("precision", \.precision) { try $0.precision() },
    ]

    enum CodingKeys: String, SnakeCaseKey {
      case tasks, shots, reasoned, seed, precision, questionCount, resampleCount
    }
  }

  /// Solved traps that a context has room for.
  package static let mostShots = 1

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let forms = settings.shots.reduce(settings.reasoned == nil ? 0 : 1) { $0 + ($1 == 0 ? 2 : 1) }
    let sequences = Double(forms * settings.tasks.count * settings.questionCount)
    // A trap is as long as some five lines, and has nothing in common with another.
    let presentations = Double(run.presentationsPerEpoch ?? run.trainedTripleCount)
    let lines = 5 * Double(run.trainedTripleCount) / presentations
    return .inference(run, sequences: sequences * 6 * lines, rowsOnDisk: sequences * 3)
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?.summary(
      Self.self, of: ChoiceIdentity(subject.record, settings), as: ChoiceSummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject.open(), graph: subject.graph(), work)
    let traps = summary.results.filter {
      $0.groupKind == "all" && $0.variant == Trap.Variant.trap.rawValue
    }
    let mean = Mean.of(traps.map(\.accuracy)) ?? 0
    return "\(Readable.percent(mean)) right in \(traps.count) traps"
  }

  /// Asks a model the traps of its graph into the run's run.sqlite, or reads the results back.
  ///
  /// Throws `LabError` where the model was trained without rules or the graph allows no question,
  /// and `LabError.interrupted` when stopped: the same call continues.
  package func summary(of run: RunFolder, graph: KnowledgeGraph, _ work: Work) throws
    -> ChoiceSummary
  {
    try measure(ChoiceIdentity(run.record, settings), of: run, work) {
      try questions(of: run, graph: graph)
    }
  }

  /// The traps of a run's graph for its tokenizer: in the forms "trap" and "plain", and with solved
  /// ones before them "trap, 1 shot"; with the line that leads to the answer "trap, reasoned".
  ///
  /// Throws `LabError` where the run was trained without rules or its graph allows no question.
  package func questions(of run: RunFolder, graph: KnowledgeGraph) throws -> [ChoiceQuestion] {
    let corpus = run.record.configuration.corpus
    // A model that began as another may have the rules from that one; of one of elsewhere nobody
    // knows.
    guard
      corpus.ruleShare > 0 || run.record.configuration.start != nil || run.record.outside != nil
    else {
      throw LabError(
        "\(run.url.relativePath) was trained without the rules that traps are put in; train with --rule-share 0.1"
      )
    }
    func maker(_ side: TrapMaker.Side) -> TrapMaker {
      TrapMaker(
        graph: graph, kind: run.tokenizer.kind, fraction: corpus.fraction, side: side,
        seed: Seed(settings.seed))
    }
    let (tested, taught) = (maker(.tested), maker(.taught))
    let questions = settings.tasks.flatMap { task in
      let pairs = tested.pairs(task, count: settings.questionCount)
      let reasoned = settings.reasoned == true ? pairs.compactMap(\.reasoned) : []
      return reasoned
        + settings.shots.flatMap { shots -> [ChoiceQuestion] in
          guard shots > 0 else { return pairs.map(\.trap) + pairs.map(\.plain) }
          let solved = taught.pairs(task, count: shots * pairs.count).map(\.trap.solved)
          guard !solved.isEmpty else { return [] }
          return pairs.enumerated().map { number, pair in
            var question = pair.trap
            question.variant = "trap, \(shots) shot"
            let own = (0..<shots).map { solved[(number * shots + $0) % solved.count] }
            question.prompt = (own + [question.prompt]).joined(separator: " ")
            return question
          }
        }
    }
    guard !questions.isEmpty else {
      throw LabError(
        "the graph of \(run.url.relativePath) has no facts that such traps can be made of; choose other tasks"
      )
    }
    return questions
  }

  /// Asks a model the questions of a file, likewise.
  ///
  /// Throws `LabError` for a question that cannot be asked of the model.
  package func summary(
    of run: RunFolder, asking questions: [ChoiceQuestion], _ work: Work
  ) throws -> ChoiceSummary {
    var identity = ChoiceIdentity(run.record, settings)
    identity.tasks = nil
    identity.questionCount = nil
    identity.shots = nil
    identity.reasoned = nil
    identity.questionsHash = try questions.contentHash
    return try measure(identity, of: run, work) { questions }
  }

  private func measure(
    _ identity: ChoiceIdentity, of run: RunFolder, _ work: Work,
    asking make: () throws -> [ChoiceQuestion]
  ) throws -> ChoiceSummary {
    if let summary = try? RunDatabase.stored(in: run.url)?
      .summary(Self.self, of: identity, as: ChoiceSummary.self)
    {
      return summary
    }
    let questions = try make()
    let scores = try ChoiceMeasurement(
      run: run, questions: questions, precision: settings.precision
    ).scores(work)
    let bootstrap = Bootstrap(
      seed: Seed(settings.seed).derived("choices"), replicates: settings.resampleCount)
    let summary = ChoiceSummary(
      key: try Self.storedKey(of: identity), questionsHash: try questions.contentHash,
      questionCount: questions.count,
      results: ChoiceResult.table(questions, scores, bootstrap: bootstrap))
    try RunDatabase.open(in: run.url, graphHash: run.record.configuration.graphHash).store(
      Self.self, identity: identity, summary: summary
    ) { measurement, database in
      try ResultTable.choices.insert(summary.results, of: measurement, in: database)
    }
    return summary
  }
}

extension TrapsMeasure {
  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    try TrapFigures(series: ResultSeries(results), command: command).sections()
  }
}

/// Everything that decides the results of a set of questions.
private struct ChoiceIdentity: Encodable {
  let weightsHash: String
  let graphHash: String
  /// Of traps made of the graph; nil for a file's questions.
  var tasks: [Trap]?
  var questionCount: Int?
  var shots: [Int]?
  var reasoned: Bool?
  /// Of a file's questions.
  var questionsHash: String?
  let precision: Precision
  let seed: UInt64
  let resampleCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case tasks, shots, reasoned, precision, seed, graphHash, questionCount, resampleCount
    case weightsHash = "weights_sha256"
    case questionsHash = "questions_sha256"
  }

  init(_ record: RunRecord, _ settings: TrapsMeasure.Settings) {
    weightsHash = record.weightsHash ?? ""
    graphHash = record.configuration.graphHash
    tasks = settings.tasks
    questionCount = settings.questionCount
    shots = settings.shots
    reasoned = settings.reasoned
    precision = settings.precision
    seed = settings.seed
    resampleCount = settings.resampleCount
  }
}
