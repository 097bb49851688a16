import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// A run's model with the queries on which it is attacked.
struct InversionTarget {
  let search: AttackSearch
  /// Seen queries that are asked, as indices of the graph's, in a random order.
  let queries: [Int]
  fileprivate let settings: InversionSettings
  fileprivate let graph: KnowledgeGraph
  fileprivate let errors: ErrorDraw
  fileprivate let maximumNewTokens: Int
  private let targets: AttackTargets
  private let model: any AskedModel

  var parameterCount: Int { model.nonEmbeddingParameterCount }

  /// Throws `LabError` for a model without a slot, a prompt without the position, or a context that
  /// is too short.
  init(_ run: RunFolder, graph: KnowledgeGraph, _ settings: InversionSettings) throws {
    var attack = AttackSettings()
    (attack.kinds, attack.seed) = ([.random], settings.seed)
    (attack.position, attack.length) = (settings.position, settings.length)
    targets = try AttackTargets(run, graph: graph, attack)
    search = try AttackSearch(.random, attack, length: targets.length, tokenizer: run.tokenizer)
    self.settings = settings
    self.graph = graph
    model = try run.askedModel()
    let errors = ErrorDraw(graph: graph, seed: Seed(settings.seed))
    self.errors = errors
    queries = Array(targets.seenQueries(stream: "pirs/examples").prefix(settings.exampleCount))
    guard !queries.isEmpty else {
      throw LabError("the graph of \(run.url.relativePath) has no query that was trained on")
    }
    var answers = targets.text.maximumNewTokens(graph)
    for query in queries {
      for object in settings.distances.compactMap({ errors.object($0, for: graph.queries[query]) })
      { answers = max(answers, targets.text.completion(object: object).count) }
    }
    maximumNewTokens = answers
    let longest = try queries.map { try example($0).before.count + example($0).after.count }.max()
    try targets.check(
      longest: (longest ?? 0) + maximumNewTokens, context: model.configuration.contextLength)
  }

  /// A query with a place for a text, and a wrong answer, none for asking alone.
  fileprivate func example(_ index: Int, wrong object: Int32? = nil) throws -> AttackedExample {
    try targets.example(
      index, answer: object.map { targets.text.completion(object: $0) } ?? [])
  }

  /// The model that was trained to invert this one; nil where none is wanted.
  func inversion(on pool: WorkerPool, _ work: Work) throws -> InversionModel? {
    guard settings.origins.contains(.inversion) else { return nil }
    guard let model = model as? LanguageModel else {
      throw LabError(
        "a model of elsewhere cannot be trained to invert itself here; draw texts from itself, with --texts prior",
        .usage)
    }
    return try InversionModel(
      of: model.inPrecision(.fp32), queries.map { try example($0) }, search, settings,
      maximumNewTokens: maximumNewTokens, on: pool, work)
  }

  /// What one worker attacks with.
  func attacker(_ inversion: InversionModel?) throws -> InversionAttacker {
    let judge = AnswerJudge(graph: graph, tokenizer: search.tokenizer)
    let line = targets.text.longestPossibleSequence + maximumNewTokens
    let long = try model.asked(in: .fp32).withContext((settings.copyCount + 1) * line)
    return InversionAttacker(
      target: self,
      victim: try LanguageModelVictim(model, judge: judge, maximumNewTokens: maximumNewTokens),
      longVictim: try LanguageModelVictim(long, judge: judge, maximumNewTokens: maximumNewTokens),
      longest: long.configuration.contextLength - maximumNewTokens,
      proposers: try settings.origins.compactMap { origin in
        switch origin {
        case .prior: (origin, try LanguageModelProposer(model))
        case .inversion: try inversion.map { (origin, try LanguageModelProposer($0.model)) }
        }
      })
  }
}

/// Attacks queries, with memory for one worker.
struct InversionAttacker {
  let target: InversionTarget
  let victim: LanguageModelVictim
  let longVictim: LanguageModelVictim
  /// Tokens of the longest prompt that it reads: a model of elsewhere has the context that it has.
  let longest: Int
  let proposers: [(origin: TextOrigin, model: LanguageModelProposer)]

  /// What there is to store of a unit.
  struct Rows {
    var examples: [InversionExampleRow] = []
    var texts: [InversionTextRow] = []
    var copies: [OverloadRow] = []
  }

  /// Asks queries without a text and attacks those that are answered right; nil where `shouldStop`
  /// said so.
  func rows(of unit: ArraySlice<Int>, unless shouldStop: () -> Bool) throws -> Rows? {
    var rows = Rows()
    let clean = try victim.outcomes(
      of: unit.map { AttackedText(try target.example($0), field: []) })
    for (query, outcome) in zip(unit, clean) {
      rows.examples.append(
        InversionExampleRow(queryID: query, answer: outcome.answer, isRight: !outcome.isWrong))
      if outcome.isWrong { continue }
      for distance in target.settings.distances {
        guard let object = target.errors.object(distance, for: target.graph.queries[query]) else {
          continue
        }
        for (origin, proposer) in proposers {
          if shouldStop() { return nil }
          rows.texts += try texts(query, object, distance, origin, proposer)
        }
      }
      if shouldStop() { return nil }
      rows.copies += try copies(query)
    }
    return rows
  }

  private func texts(
    _ query: Int, _ object: Int32, _ distance: ErrorDistance, _ origin: TextOrigin,
    _ proposer: LanguageModelProposer
  ) throws -> [InversionTextRow] {
    let example = try target.example(query, wrong: object)
    let slot = target.search.field([])
    let inverted = InversionModel.prefix(
      prompt: example.before + example.after, answer: Array(example.answer.dropLast()),
      slotToken: slot[0])
    var stream = Seed(target.settings.seed).stream(
      "pirs/\(origin.rawValue)/\(distance.rawValue)/\(example.subject)/\(example.predicate)")
    let draws = try InversionSearch(target.search).draws(
      target.settings.drawCount, on: example,
      after: origin == .prior ? example.before + slot : inverted, proposer, victim, &stream)
    return draws.enumerated().map { place, draw in
      InversionTextRow(
        origin: origin, distance: distance, queryID: query, draw: place + 1, targetID: object,
        text: target.search.tokenizer.decode(draw.content) ?? "",
        tokenIDs: draw.content.map(String.init).joined(separator: " "), answer: draw.answer,
        isAccepted: draw.isAccepted, isWrong: draw.isWrong, flops: draw.flops)
    }
  }

  /// A query behind ever more copies of a false line, until it is answered wrong.
  private func copies(_ query: Int) throws -> [OverloadRow] {
    let known = target.graph.queries[query]
    let object = ErrorDistance.allCases.lazy.compactMap { target.errors.object($0, for: known) }
    guard let object = object.first else { return [] }
    let example = try target.example(query, wrong: object)
    let prompt = example.before + example.after
    let line = prompt + example.answer
    var rows: [OverloadRow] = []
    for count in 1...max(1, target.settings.copyCount) where target.settings.copyCount > 0 {
      let asked = AttackedExample(
        query: query, subject: known.subject, predicate: known.predicate,
        before: (0..<count).flatMap { _ in line } + prompt, after: [], answer: example.answer)
      let text = AttackedText(asked, field: [])
      guard text.prompt.count <= longest else { break }
      let outcome = try longVictim.outcomes(of: [text])[0]
      rows.append(
        OverloadRow(
          queryID: query, copies: count, targetID: object, answer: outcome.answer,
          isWrong: outcome.isWrong, isTarget: outcome.isTarget,
          flops: 2 * Double(longVictim.parameterCount * longVictim.inputCount(of: text))))
      if outcome.isWrong { break }
    }
    return rows
  }
}
