import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// What is attacked of a run, its model or one of its detectors, with the examples.
package struct AttackTarget {
  /// "model", or a detector's name.
  let name: String
  /// Hash of the weights, or of the detector's record.
  let key: String
  let parameterCount: Int
  let examples: [AttackedExample]
  /// Tokens after `<X>`.
  let length: Int
  /// The entity that each query's wrong answer is; empty for a detector.
  let objects: [Int: Int32]
  let searches: [AttackSearch]
  let tokenizer: any Tokenizer
  /// A victim for one worker, and what proposes texts where an attack needs that.
  let victim: () throws -> any AttackVictim
  let proposer: () throws -> (any TextProposer)?

  /// The name of a run's model among victims.
  package static let model = "model"

  /// Asks a unit without an attack and attacks what the victim is right about; nil where
  /// `shouldStop` said so.
  func attack(
    _ unit: [AttackedExample], _ victim: some AttackVictim, _ proposer: (any TextProposer)?,
    unless shouldStop: () -> Bool
  ) throws -> (examples: [AttackExampleRow], steps: [AttackStepRow])? {
    let clean = try victim.outcomes(of: unit.map { AttackedText($0, field: []) })
    let right = zip(unit, clean).filter { !$1.isWrong }.map(\.0)
    var steps: [AttackStepRow] = []
    for search in searches {
      guard let found = try search.steps(on: right, victim, proposer, unless: shouldStop) else {
        return nil
      }
      for (example, own) in zip(right, found) {
        steps += own.map { step in
          AttackStepRow(
            victim: name, attack: search.kind, queryID: example.query, iteration: step.iteration,
            text: tokenizer.decode(step.content) ?? "",
            tokenIDs: step.content.map(String.init).joined(separator: " "), answer: step.answer,
            isSuccess: step.isSuccess, loss: step.loss, flops: step.flops)
        }
      }
    }
    let rows = zip(unit, clean).map { example, outcome in
      AttackExampleRow(
        victim: name, queryID: example.query, answer: outcome.answer, isRight: !outcome.isWrong,
        targetID: objects[example.query],
        isHallucination: name == Self.model ? nil : example.isHallucination)
    }
    return (rows, steps)
  }
}

/// Makes targets of a run.
struct AttackTargets {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let settings: AttackSettings
  let text: TripleText
  let length: Int
  private let proposer: (any AskedModel)?

  private var place: String { run.url.relativePath }
  private var tokenizer: any Tokenizer { run.tokenizer }

  /// `proposing` is the run whose model proposes texts, where an attack needs that; by default the
  /// attacked one.
  ///
  /// Throws `LabError` for a model without a slot, or a proposing one of other tokens.
  init(
    _ run: RunFolder, graph: KnowledgeGraph, _ settings: AttackSettings,
    proposing: RunFolder? = nil
  ) throws {
    let corpus = run.record.configuration.corpus
    guard run.tokenizer.slotToken != nil, let slot = corpus.slot ?? run.outsideSlot else {
      throw LabError(
        "the model in \(run.url.relativePath) has no slot to put texts into: train it with a share of lines that have "
          + "one, such as --slot-share 0.3")
    }
    self.run = run
    self.graph = graph
    self.settings = settings
    length = settings.length ?? slot.length
    if let proposing = proposing ?? (settings.kinds.contains(where: \.hasProposer) ? run : nil) {
      guard try proposing.tokenizerHash() == run.tokenizerHash() else {
        throw LabError(
          "\(proposing.url.relativePath) has other tokens than \(run.url.relativePath), so that its model cannot propose "
            + "texts to it; give --proposals a run of the same graph, tokenizer and slot")
      }
      proposer = try proposing.askedModel()
    } else {
      proposer = nil
    }
    try run.checkSlot(settings.position)
    text = try TripleText(graph: graph, tokenizer: run.tokenizer, wording: corpus.wording)
  }

  /// The target with a name, "model" or a detector's.
  func target(_ victim: AttackIdentity.Victim) throws -> AttackTarget {
    victim.name == AttackTarget.model ? try model(victim) : try detector(victim)
  }

  /// Seen queries in a random order, each with a wrong object that stays the same.
  private func model(_ victim: AttackIdentity.Victim) throws -> AttackTarget {
    try model(victim, among: seenQueries()[...]).target
  }

  /// Queries that were trained on, in a random order that the stream of a name decides.
  func seenQueries(stream name: String = "attack/examples") -> [Int] {
    let fraction = run.record.configuration.corpus.fraction
    var order = graph.queries.indices.filter {
      graph.queries[$0].rank < fraction && graph.queries[$0].visibility != .ivs
    }
    var stream = Seed(settings.seed).stream(name)
    stream.shuffle(&order)
    return order
  }

  /// The first of some queries that have a wrong object, as many as are asked for, and the queries
  /// behind them.
  func model(
    _ victim: AttackIdentity.Victim, among queries: ArraySlice<Int>
  ) throws -> (target: AttackTarget, rest: ArraySlice<Int>) {
    let candidates = CandidateDraw(graph: graph)
    let seed = Seed(settings.seed)
    var rest = queries
    var examples: [AttackedExample] = []
    var objects: [Int: Int32] = [:]
    while examples.count < settings.exampleCount, let index = rest.popFirst() {
      let wrong = candidates.wrongObjects(
        1, for: graph.queries[index], seed: seed.derived("attack"))
      guard let object = wrong.first else { continue }
      objects[index] = object
      examples.append(try example(index, answer: text.completion(object: object)))
    }
    guard !examples.isEmpty else {
      throw LabError(
        "the graph of \(place) has no query that was trained on and has a wrong answer to drive the model to"
      )
    }
    let answers = max(
      text.maximumNewTokens(graph), examples.map(\.answer.count).max() ?? 0)
    try check(
      longest: (examples.map { $0.before.count + $0.after.count }.max() ?? 0) + answers,
      context: run.record.configuration.model.contextLength)
    let judge = AnswerJudge(graph: graph, tokenizer: tokenizer)
    let model = try run.askedModel()
    let target = try target(
      victim, parameters: model.nonEmbeddingParameterCount, examples, objects
    ) {
      try LanguageModelVictim(model, judge: judge, maximumNewTokens: answers)
    }
    return (target, rest)
  }

  /// Answers of the run's model, one at temperature 1 to each seen query, on subjects that the
  /// detector was not trained on, or those of another part, in a random order.
  func detector(
    _ victim: AttackIdentity.Victim, part: SplitPart = .test
  ) throws -> AttackTarget {
    let folder = try AttackDetectors.folder(
      of: victim.name, in: run.url, weightsHash: run.record.weightsHash ?? "")
    let judged = try JudgedAnswers(folder, of: run, graph: graph, part: part, seed: settings.seed)
    let network = judged.network
    let examples = try judged.answers.prefix(settings.exampleCount).map {
      try example(
        $0.query, answer: $0.answer.tokens + [SpecialToken.end.rawValue],
        isHallucination: $0.isHallucination)
    }
    try check(
      longest: examples.map { AttackedText($0, field: []).line.count }.max() ?? 0,
      context: network.model.configuration.contextLength)
    return try target(
      victim, parameters: network.model.configuration.nonEmbeddingParameterCount, examples, [:]
    ) {
      try DetectorVictim(network)
    }
  }

  /// What an attack found, with an answer after it.
  func text(_ item: PoolItem, answer: [Int32]) throws -> AttackedText {
    AttackedText(
      try example(item.queryID, answer: answer, isHallucination: item.isHallucination ?? true),
      field: [tokenizer.slotToken ?? 0] + item.content)
  }

  /// What an attack found, with an object after it.
  func text(_ item: PoolItem, object: Int32) throws -> AttackedText {
    try text(item, answer: text.completion(object: object))
  }

  private func target(
    _ victim: AttackIdentity.Victim, parameters: Int, _ examples: [AttackedExample],
    _ objects: [Int: Int32], _ make: @escaping () throws -> any AttackVictim
  ) throws -> AttackTarget {
    let proposer = proposer
    let read = (examples.map(\.before.count).max() ?? 0) + settings.longest(length)
    if let context = proposer?.configuration.contextLength, read > context {
      throw LabError(
        "the proposing model reads \(context) tokens, and prompts with a text have up to \(read); give fewer "
          + "--iterations, or --proposals of a longer context", .usage)
    }
    return AttackTarget(
      name: victim.name, key: victim.key, parameterCount: parameters, examples: examples,
      length: length, objects: objects,
      searches: try settings.kinds.map {
        try AttackSearch($0, settings, length: length, tokenizer: tokenizer)
      }, tokenizer: tokenizer, victim: make,
      proposer: { try proposer.map { try LanguageModelProposer($0) } })
  }

  func example(
    _ index: Int, answer: [Int32], isHallucination: Bool = true
  ) throws -> AttackedExample {
    let query = graph.queries[index]
    let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
    guard let start = settings.position.index(in: prompt) else {
      throw LabError(
        "a prompt of the model in \(place) has no place for an \(settings.position.rawValue); choose --position suffix "
          + "or prefix", .usage)
    }
    return AttackedExample(
      query: index, subject: query.subject, predicate: query.predicate,
      before: Array(prompt.prefix(start)), after: Array(prompt.dropFirst(start)), answer: answer,
      isHallucination: isHallucination)
  }

  /// Throws `LabError` where the longest line does not fit with a field.
  func check(longest: Int, context: Int) throws {
    let length = settings.longest(length)
    let needed = longest + length + 1
    guard needed > context else { return }
    throw LabError(
      "texts of \(length) tokens in the slot make lines of \(needed), more than the context of \(context); give a "
        + "--length\(length > self.length ? ", and for beast --iterations," : "") of at most "
        + "\(max(0, length - (needed - context)))", .usage)
  }
}

extension RunFolder {
  /// Where texts go into prompts of a model of elsewhere, which needs no training for it: before
  /// the answer; nil for kglab's.
  var outsideSlot: Slot? { record.outside?.ends == nil ? nil : Slot(share: 1) }

  /// Refuses another place in prompts of a model of elsewhere, with its own tokenizer.
  func checkSlot(_ position: SlotPosition) throws {
    guard outsideSlot == nil || position == .suffix else {
      throw LabError(
        "in prompts of a model of elsewhere a text stands before the answer; choose --position suffix",
        .usage)
    }
  }
}

/// The detectors in a run's folder that can be attacked.
enum AttackDetectors {
  /// The folder of the detector of a name, of whole answers and of the run's own weights, or of the
  /// folder of this name.
  ///
  /// Throws `LabError` where there is none, or several.
  static func folder(of name: String, in run: URL, weightsHash: String) throws -> URL {
    let all = run.appendingPathComponent(DetectionRunner.folderName)
    let exact = all.appendingPathComponent(name)
    if FileManager.default.fileExists(
      atPath: exact.appendingPathComponent(DetectorFiles.record).path)
    {
      return exact
    }
    let folders = ((try? FileManager.default.contentsOfDirectory(atPath: all.path)) ?? []).sorted()
    let found = folders.map { all.appendingPathComponent($0) }.filter { folder in
      guard let data = try? Data(contentsOf: folder.appendingPathComponent(DetectorFiles.record)),
        let record = try? CanonicalJSON.decode(DetectorRecord.self, from: data)
      else { return false }
      return record.name == name && record.task == .sentence
        && record.weightsHash == weightsHash
    }
    guard let first = found.first else {
      throw LabError(
        "\(run.relativePath) has no detector '\(name)' of whole answers; train it with kglab detect train --kind "
          + "full --task sentence")
    }
    guard found.count == 1 else {
      throw LabError(
        "\(run.relativePath) has \(found.count) detectors '\(name)'; name one by its folder: "
          + found.map(\.lastPathComponent).joined(separator: ", "))
    }
    return first
  }

  /// SHA-256 of a detector's record, which holds those of its weights.
  static func key(of folder: URL) throws -> String {
    try ContentHash(ofFile: folder.appendingPathComponent(DetectorFiles.record)).hex
  }
}
