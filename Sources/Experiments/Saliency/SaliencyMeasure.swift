import Analysis
import Compute
import Corpus
import Detection
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// What full detectors look at in an answer's line: `kglab saliency`, `saliency` in a study.
package struct SaliencyMeasure: Measure {
  package static let name = "saliency"
  package static let key = "saliency"
  package static let version = 1
  package static let tables = [ResultTable.saliency, .tokenSaliency]
  package static let settingNames =
    ModelSelection.settingNames + ["detectors", "answers", "replacements", "seed", "resamples"]

  /// What decides the numbers beside the run and its detectors.
  package struct Settings: Codable, Hashable, Sendable {
    /// Names of full detectors of whole answers, such as "full-10k", or of their folders.
    package var detectors: [String] = []
    /// Answers that are looked at.
    package var answerCount = 200
    /// Tokens that are tried in each place, of all.
    package var replacementCount = 16
    package var seed: UInt64 = 0
    /// Resamples of the subjects behind intervals.
    package var resampleCount = 1_000

    package init() {}

    enum CodingKeys: String, CodingKey {
      case detectors, seed
      case answerCount = "answers"
      case replacementCount = "replacements"
      case resampleCount = "resamples"
    }

    /// The numbers with their ranges, by their names in a study and as options.
    package static let ranges:
      [(
        name: String, path: any WritableKeyPath<Settings, Int> & Sendable, range: ClosedRange<Int>
      )] = [
        ("answers", \.answerCount, 1...1_000_000),
        ("replacements", \.replacementCount, 1...100_000),
        ("resamples", \.resampleCount, 1...1_000_000),
      ]
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    settings = Settings()
    settings.detectors = try node.required("detectors", example: "[full-10k]").distinct {
      try $0.text()
    }
    if let value = node.optional("seed") {
      settings.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    for (name, path, range) in Settings.ranges {
      if let value = node.optional(name) {
        settings[keyPath: path] = try value.integer(in: range)
      }
    }
  }

  package func inputs(among measures: [any Measure]) throws -> [any Measure] {
    try AttackMeasure.inputs(of: settings.detectors, among: measures, key: Self.key)
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let answers = Double(min(settings.answerCount, graph.queryCount))
    // Some ten tokens of names in a line.
    let texts = answers * Double(10 * settings.replacementCount * settings.detectors.count)
    return .inference(run, sequences: 6 * texts, rowsOnDisk: 10 * answers)
  }

  private func identity(of subject: MeasuredRun) throws -> SaliencyIdentity {
    let hash = subject.record.weightsHash ?? ""
    return SaliencyIdentity(
      settings: settings,
      detectors: try settings.detectors.map {
        try AttackDetectors.key(
          of: AttackDetectors.folder(of: $0, in: subject.folder, weightsHash: hash))
      })
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let database = try RunDatabase.read(in: subject.folder),
      let identity = try? identity(of: subject)
    else { return nil }
    return try database.summary(Self.self, of: identity, as: SaliencySummary.self)?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .objectShare && $0.answers == .all }.map {
      "\($0.detector) \(Readable.percent($0.value)) on the object"
    }.joined(separator: ", ")
  }

  /// Looks at a run's detectors into its run.sqlite, or reads back what is there.
  ///
  /// Throws `LabError` for a detector that is not there or reads no text, and `LabError.interrupted` when stopped, after
  /// which nothing is stored.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> SaliencySummary {
    let identity = try identity(of: subject)
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(Self.self, of: identity, as: SaliencySummary.self)
    {
      return summary
    }
    let (run, graph) = (try subject.open(), try subject.graph())
    var (rates, tokens): ([SaliencyRate], [TokenSaliencyRow]) = ([], [])
    for (place, name) in settings.detectors.enumerated() {
      let count = Double(settings.detectors.count)
      let part = work.part(Double(place) / count...Double(place + 1) / count, name + ": ")
      let judged = try JudgedAnswers(
        AttackDetectors.folder(
          of: name, in: run.url, weightsHash: subject.record.weightsHash ?? ""),
        of: run, graph: graph, seed: settings.seed)
      let looked = try look(name, judged, run, graph, part)
      tokens += looked.rows
      rates += SaliencyRate.all(
        looked.answers, of: name,
        parameters: judged.network.model.configuration.nonEmbeddingParameterCount,
        Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount))
    }
    let summary = SaliencySummary(
      key: try Self.storedKey(of: identity), identity: identity, rates: rates)
    try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash
    ).store(Self.self, identity: identity, summary: summary) { measurement, database in
      try ResultTable.saliency.insert(rates, of: measurement, in: database)
      try ResultTable.tokenSaliency.insert(tokens, of: measurement, in: database)
    }
    return summary
  }

  /// The saliency of every answer, by the workers; each draws from a stream of its own.
  private func look(
    _ name: String, _ judged: JudgedAnswers, _ run: RunFolder, _ graph: KnowledgeGraph, _ work: Work
  ) throws -> (answers: [SalientAnswer], rows: [TokenSaliencyRow]) {
    let text = try TripleText(
      graph: graph, tokenizer: run.tokenizer, wording: run.record.configuration.corpus.wording)
    let end = run.tokenizer.slotToken ?? Int32(run.tokenizer.vocabularySize)
    let allowed = Array(Int32(SpecialToken.allCases.count)..<end)
    let answers = Array(judged.answers.prefix(settings.answerCount))
    let texts = answers.map { answer in
      let query = graph.queries[answer.query]
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      return SaliencyText(
        tokens: prompt + answer.answer.tokens + [SpecialToken.end.rawValue],
        answerStart: prompt.count)
    }
    let longest = texts.map(\.tokens.count).max() ?? 0
    guard longest <= judged.network.model.configuration.contextLength else {
      throw LabError(
        "an answer with its question has \(longest) tokens, more than the detector \(name) reads; train one for this run"
      )
    }
    let pool = try WorkerPool(workerCount: work.workers)
    let models = try (0..<work.workers).map { _ in try DetectorLogits(judged.network) }
    let size = 8
    let starts = Array(stride(from: 0, to: texts.count, by: size))
    let parts = try pool.map(pieces: starts.count) { worker, piece -> [TokenSaliency]? in
      if work.shouldStop() { return nil }
      let part = starts[piece]..<min(starts[piece] + size, texts.count)
      return try TokenSaliency.of(
        Array(texts[part]), models[worker], allowed: allowed,
        replacements: settings.replacementCount,
        streams: part.map { Seed(settings.seed).stream("saliency/\(answers[$0].query)") })
    }
    var found: [SalientAnswer] = []
    var rows: [TokenSaliencyRow] = []
    for part in parts {
      guard let part else {
        throw LabError.interrupted("stopped while \(name) was looked at; nothing is stored")
      }
      for saliency in part {
        let (answer, text) = (answers[found.count], texts[found.count])
        found.append(
          SalientAnswer(
            subject: answer.subject, isHallucination: answer.isHallucination, saliency: saliency))
        rows += text.places.enumerated().map { index, place in
          TokenSaliencyRow(
            detector: name, queryID: answer.query, place: place, part: saliency.parts[index],
            token: run.tokenizer.text(of: text.tokens[place]),
            isHallucination: answer.isHallucination, gradient: saliency.gradient[index],
            occlusion: saliency.occlusion[index])
        }
      }
    }
    return (found, rows)
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let figure = try SaliencyFigure(results: results, command: command).figure()
    return figure.data.rows.isEmpty
      ? [] : [ReportSection("What detectors look at", [.figure(figure)])]
  }
}
