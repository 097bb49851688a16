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
  package static let version = 2
  package static let tables = [ResultTable.saliency, .tokenSaliency]
  package static let settingNames =
    ModelSelection.settingNames + [
      "detectors", "hardened", "answers", "replacements", "seed", "resamples",
    ]

  /// What decides the numbers beside the run and its detectors.
  package struct Settings: Codable, Hashable, Sendable {
    /// Names of full detectors of whole answers, such as "full-10k", or of their folders.
    package var detectors: [String] = []
    /// Whether what the last round of the study's hardening made of each is looked at beside it; nil for not.
    package var isHardened: Bool?
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
      case isHardened = "hardened"
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
    if let value = node.optional("hardened"), try value.boolean() { settings.isHardened = true }
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
    let trained = try AttackMeasure.inputs(
      of: settings.detectors, among: measures, key: Self.key)
    guard settings.isHardened == true else { return trained }
    let hardening = measures.lazy.compactMap { $0 as? HardeningMeasure }.first
    let missing = settings.detectors.first {
      !(hardening?.settings.victims.contains($0) ?? false)
    }
    guard let hardening, missing == nil else {
      throw LabError(
        "\(Self.key) asks for hardened detectors, but the study hardens no \(missing ?? ""); name it in victims of "
          + "hardening, or leave hardened out")
    }
    return trained + [hardening]
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    let answers = Double(min(settings.answerCount, graph.queryCount))
    // Some ten tokens of names in a line.
    let count = settings.detectors.count * (settings.isHardened == true ? 2 : 1)
    let texts = answers * Double(10 * settings.replacementCount * count)
    return .inference(run, sequences: 6 * texts, rowsOnDisk: 10 * answers * Double(count))
  }

  /// A detector that is looked at.
  private struct Looked {
    /// As results name it.
    let name: String
    let folder: URL
    /// The name of the one that it was hardened from; nil for one as it was trained.
    var origin: String?
  }

  /// Those of a run, each before what hardening made of it; throws `LabError` for one that is not there.
  private func detectors(of subject: MeasuredRun) throws -> [Looked] {
    let training = subject.inputs.lazy.compactMap { $0 as? HardeningMeasure }.first?.settings
      .training
    return try settings.detectors.flatMap { name in
      let own = Looked(
        name: name,
        folder: try AttackDetectors.folder(
          of: name, in: subject.folder, weightsHash: subject.record.weightsHash ?? ""))
      guard settings.isHardened == true, let training else { return [own] }
      let folder = try Hardening.folder(
        ofRound: training.rounds, of: own.folder, training)
      return [
        own,
        Looked(name: "\(name), round \(training.rounds)", folder: folder, origin: name),
      ]
    }
  }

  private func identity(
    of subject: MeasuredRun, _ detectors: [Looked]
  ) throws -> (SaliencyIdentity, key: String) {
    let identity = SaliencyIdentity(
      settings: settings, detectors: try detectors.map { try AttackDetectors.key(of: $0.folder) })
    return (identity, try Self.storedKey(of: identity))
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    guard let database = try RunDatabase.read(in: subject.folder),
      let key = try? identity(of: subject, detectors(of: subject)).key
    else { return nil }
    return try database.summary(SaliencySummary.self, in: ResultTable.saliencyHeader, key: key)?.key
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
  /// which the same call continues.
  package func summary(of subject: MeasuredRun, _ work: Work) throws -> SaliencySummary {
    let detectors = try detectors(of: subject)
    let (identity, key) = try identity(of: subject, detectors)
    let header = ResultTable.saliencyHeader
    if let summary = try? RunDatabase.stored(in: subject.folder)?
      .summary(SaliencySummary.self, in: header, key: key)
    {
      return summary
    }
    let (run, graph) = (try subject.open(), try subject.graph())
    let database = try RunDatabase.open(
      in: subject.folder, graphHash: subject.record.configuration.graphHash)
    let id = try database.begin(header, Self.tables, identity: identity, key: key)
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    var rates: [SaliencyRate] = []
    var found: [String: [Int: SalientAnswer]] = [:]
    for (place, detector) in detectors.enumerated() {
      let count = Double(detectors.count)
      let part = work.part(
        Double(place) / count...Double(place + 1) / count, detector.name + ": ")
      let judged = try JudgedAnswers(detector.folder, of: run, graph: graph, seed: settings.seed)
      let parameters = judged.network.model.configuration.nonEmbeddingParameterCount
      try look(detector.name, judged, run, graph, in: database, id, part)
      let answers = try database.salientAnswers(of: id, detector.name, on: graph)
      found[detector.name] = answers
      let all = answers.sorted { $0.key < $1.key }.map(\.value)
      rates += SaliencyRate.all(all, of: detector.name, parameters: parameters, bootstrap)
      if let origin = detector.origin, let before = found[origin] {
        rates += SaliencyRate.differences(
          answers, of: detector.name, from: before, of: origin, parameters: parameters, bootstrap)
      }
    }
    let summary = SaliencySummary(key: key, identity: identity, rates: rates)
    try database.complete(header, id, with: summary) {
      try ResultTable.saliency.insert(rates, of: id, in: $0)
    }
    return summary
  }

  /// Answers that one worker looks at side by side; their numbers are a function of them alone.
  private static let unitSize = 8

  /// Stores the saliency of the answers that is not stored yet, a unit for each worker at a time; each answer draws from a
  /// stream of its own.
  private func look(
    _ name: String, _ judged: JudgedAnswers, _ run: RunFolder, _ graph: KnowledgeGraph,
    in database: RunDatabase, _ id: Int64, _ work: Work
  ) throws {
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
    var next = try database.salientAnswerCount(of: id, name)
    guard next < texts.count else { return }
    let pool = try WorkerPool(workerCount: work.workers)
    let models = try (0..<work.workers).map { _ in try DetectorLogits(judged.network) }
    while next < texts.count {
      let starts = Array(
        stride(from: next, to: texts.count, by: Self.unitSize).prefix(work.workers))
      let units = try pool.map(pieces: starts.count) { worker, piece -> [TokenSaliency]? in
        if work.shouldStop() { return nil }
        let part = starts[piece]..<min(starts[piece] + Self.unitSize, texts.count)
        return try TokenSaliency.of(
          Array(texts[part]), models[worker], allowed: allowed,
          replacements: settings.replacementCount,
          streams: part.map { Seed(settings.seed).stream("saliency/\(answers[$0].query)") })
      }
      for unit in units {
        guard let unit else {
          throw LabError.interrupted(
            "stopped after \(next) of \(texts.count) answers that \(name) looks at, which are stored"
          )
        }
        let rows = zip(next..., unit).flatMap { number, saliency in
          texts[number].places.enumerated().map { index, place in
            TokenSaliencyRow(
              detector: name, queryID: answers[number].query, place: place,
              part: saliency.parts[index],
              token: run.tokenizer.text(of: texts[number].tokens[place]),
              isHallucination: answers[number].isHallucination, gradient: saliency.gradient[index],
              occlusion: saliency.occlusion[index])
          }
        }
        try database.write { try ResultTable.tokenSaliency.insert(rows, of: id, in: $0) }
        next += unit.count
      }
      work.report(Double(next) / Double(texts.count), "\(next) of \(texts.count) answers")
    }
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let figures = SaliencyFigures(results: results, command: command)
    let drawn = try [figures.figure(), figures.hardened()].filter { !$0.data.rows.isEmpty }
    return drawn.isEmpty ? [] : [ReportSection("What detectors look at", drawn.map(Block.figure))]
  }
}
