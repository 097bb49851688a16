import Analysis
import Compute
import Corpus
import Detection
package import Evaluation
import Foundation
import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// What full detectors look at in an answer's line: `kglab saliency`, `saliency` in a study.
package struct SaliencyMeasure: ListedMeasure, StoredMeasure {
  package static let name = "saliency"
  package static let key = "saliency"
  package static let version = 2
  package static let header = ResultTable.saliencyHeader
  package static let tables = [ResultTable.saliency, .tokenSaliency]

  /// What decides the numbers beside the run and its detectors.
  package struct Settings: StudySettings {
    /// Names of full detectors of whole answers, such as "full-10k", or of their folders.
    package var detectors: [String] = []
    /// Whether what the last round of the study's hardening made of each is looked at beside it;
    /// nil for not.
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

    package static let all: [StudySetting<Settings>] = [
      StudySetting("detectors", \.detectors, example: "[full-10k]") {
        try $0.distinct { try $0.text() }
      },
      StudySetting("hardened", \.isHardened) { try $0.boolean() ? true : nil }, .seed(\.seed),
      StudySetting("answers", \.answerCount, in: 1...1_000_000),
      StudySetting("replacements", \.replacementCount, in: 1...100_000),
      .resamples(\.resampleCount, atLeast: 1),
    ]
  }

  package var selection = ModelSelection()
  package var settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

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

  /// Those of a run, each before what hardening made of it; throws `LabError` for one that is not
  /// there.
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

  package func identity(of subject: MeasuredRun) throws -> SaliencyIdentity {
    SaliencyIdentity(
      settings: settings,
      detectors: try detectors(of: subject).map { try AttackDetectors.key(of: $0.folder) })
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let summary = try self.summary(of: subject, work)
    return summary.rates.filter { $0.quantity == .objectShare && $0.answers == .all }.map {
      "\($0.detector) \(Readable.percent($0.value)) on the object"
    }.joined(separator: ", ")
  }

  /// Looks at a run's detectors; throws `LabError` for one that is not there or reads no text.
  package func measured(
    _ subject: MeasuredRun, _ identity: SaliencyIdentity, key: String, _ work: Work
  ) throws -> SaliencySummary {
    let detectors = try detectors(of: subject)
    let (run, graph) = (try subject.open(), try subject.graph())
    let (database, id) = try begun(subject, identity, key: key)
    let bootstrap = Bootstrap(seed: Seed(settings.seed), replicates: settings.resampleCount)
    var rates: [SaliencyRate] = []
    var found: [String: [Int: SalientAnswer]] = [:]
    for (place, detector) in detectors.enumerated() {
      let part = work.part(place, of: detectors.count, detector.name + ": ")
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
    return SaliencySummary(key: key, identity: identity, rates: rates)
  }

  package static func rows(of summary: SaliencySummary) -> [ResultRows] {
    [ResultRows(.saliency, summary.rates)]
  }

  /// Answers that one worker looks at side by side; their numbers are a function of them alone.
  private static let unitSize = 8

  /// Stores the saliency of the answers that is not stored yet, a unit for each worker at a time;
  /// each answer draws from a stream of its own.
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
    let done = try database.salientAnswerCount(of: id, name)
    guard done < texts.count else { return }
    let pool = try WorkerPool(workerCount: work.workers)
    let models = try (0..<work.workers).map { _ in try DetectorLogits(judged.network) }
    try work.inUnits(
      of: texts.count, from: done, size: Self.unitSize,
      "answers that \(name) looks at, which are stored", on: pool
    ) { worker, items -> [TokenSaliencyRow]? in
      if work.shouldStop() { return nil }
      let unit = try TokenSaliency.of(
        Array(texts[items]), models[worker], allowed: allowed,
        replacements: settings.replacementCount,
        streams: items.map { Seed(settings.seed).stream("saliency/\(answers[$0].query)") })
      return zip(items, unit).flatMap { number, saliency in
        texts[number].places.enumerated().map { index, place in
          TokenSaliencyRow(
            detector: name, queryID: answers[number].query, place: place,
            part: saliency.parts[index], token: run.tokenizer.text(of: texts[number].tokens[place]),
            isHallucination: answers[number].isHallucination, gradient: saliency.gradient[index],
            occlusion: saliency.occlusion[index])
        }
      }
    } store: { rows in
      try database.write { try ResultTable.tokenSaliency.insert(rows, of: id, in: $0) }
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
