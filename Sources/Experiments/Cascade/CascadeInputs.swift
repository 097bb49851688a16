import Corpus
import Detection
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// The stored answers of a small run and of those it defers to.
struct CascadeInputs {
  private let subject: MeasuredRun
  private let small: EvaluationSummary
  /// In the order of the subject's siblings, the committee's members among them.
  private let large: [EvaluationSummary]

  // MARK: Which evaluations

  /// The newest evaluations of all runs that hold greedy answers to one phrasing, in a study those
  /// of its own options; nil where a run has none.
  static func stored(of subject: MeasuredRun) throws -> CascadeInputs? {
    let wanted = subject.inputs.lazy.compactMap { ($0 as? EvaluationMeasure)?.settings }.first
    func usable(_ run: MeasuredRun) throws -> [EvaluationSummary] {
      try greedy(run).filter { wanted == nil || $0.options == wanted }
    }
    let others = try subject.siblings.map(usable)
    for small in try usable(subject) {
      let large = others.compactMap { all in
        all.first {
          $0.graphHash == small.graphHash && $0.options.phrasing == small.options.phrasing
        }
      }
      if large.count == others.count {
        return CascadeInputs(subject: subject, small: small, large: large)
      }
    }
    return nil
  }

  /// The same; throws `LabError` with what is missing.
  init(of subject: MeasuredRun) throws {
    for run in [subject] + subject.siblings {
      let path = run.folder.relativePath
      guard run.record.configuration.graphHash == subject.record.configuration.graphHash else {
        throw LabError(
          "\(path) and \(subject.folder.relativePath) were trained on different graphs, so that their "
            + "answers cannot be exchanged; give runs on one graph")
      }
      guard try !Self.greedy(run).isEmpty else {
        throw LabError(
          "\(path) has no greedy answers of its model; run kglab evaluate \(Readable.shellWord(path)) with 0 "
            + "among its temperatures")
      }
    }
    guard let inputs = try Self.stored(of: subject) else {
      throw LabError(
        "\(subject.folder.relativePath) and the run it defers to were asked in different phrasings; evaluate both "
          + "in one")
    }
    self = inputs
  }

  private init(subject: MeasuredRun, small: EvaluationSummary, large: [EvaluationSummary]) {
    self.subject = subject
    self.small = small
    self.large = large
  }

  /// Finished evaluations of a run's last weights with greedy answers, newest first.
  private static func greedy(_ run: MeasuredRun) throws -> [EvaluationSummary] {
    guard let database = try RunDatabase.read(in: run.folder) else { return [] }
    return try database.summaries().reversed().filter {
      $0.checkpointStep == nil && $0.weightsHash == run.record.weightsHash
        && $0.options.sampleTemperatures.contains(0)
    }
  }

  /// What decides the numbers.
  func identity(_ settings: CascadeMeasure.Settings) -> CascadeIdentity {
    let count = large.count - settings.committee.count
    return CascadeIdentity(
      small: small.key, large: large.prefix(count).map(\.key), seed: settings.seed,
      resampleCount: settings.resampleCount,
      committee: settings.committee.isEmpty ? nil : large.dropFirst(count).map(\.key),
      heads: settings.heads.isEmpty ? nil : settings.heads,
      headSamples: settings.heads.isEmpty ? nil : settings.headSamples)
  }

  // MARK: What they hold

  /// Stored scores that detectors gave to every greedy answer of the small model, by query.
  func detectorScores() throws -> [(name: String, scores: [Int: Double])] {
    guard let database = try RunDatabase.read(in: subject.folder) else { return [] }
    var found: [(name: String, scores: [Int: Double])] = []
    try database.read { rows in
      guard try rows.tableExists("answer_score") else { return }
      // Of a detector of tokens the highest score counts.
      let cursor = try Row.fetchCursor(
        rows,
        sql: """
          SELECT s.detector || ' ' || substr(s.detector_key, 1, 8), s.query_id, max(s.score)
          FROM answer_score s JOIN evaluation e ON e.id = s.evaluation_id
          WHERE e.key = ? AND s.temperature = 0 AND s.sample = 0
          GROUP BY s.detector, s.detector_key, s.query_id ORDER BY s.detector, s.detector_key
          """, arguments: [small.key])
      while let row = try cursor.next() {
        let name: String = try row.value(0)
        if found.last?.name != name { found.append((name, [:])) }
        found[found.count - 1].scores[try row.value(1)] = try row.finite(2)
      }
    }
    return found.filter { $0.scores.count == small.queryCount }
  }

  /// A cascade to each model deferred to, over the queries that both were asked.
  func cascades(
    _ detectors: [(name: String, scores: [Int: Double])], _ settings: CascadeMeasure.Settings,
    _ work: Work
  ) throws -> [Cascade] {
    let graph = try subject.graph()
    let own = try answers(subject, small, graph)
    let evidence = try evidence(graph)
    let places = own.keys.sorted()
    let greedy = places.compactMap { own[$0]?.answer }
    var trained: [(name: String, scores: [Int: Double])] = []
    if !settings.heads.isEmpty {
      let scores = try HeldOutScores(
        of: subject.open(), graph, heads: settings.heads, samples: settings.headSamples,
        seed: settings.seed
      ).scores(Array(zip(places, greedy)), work.part(0...0.8))
      trained = zip(settings.heads, scores).map { head, scores in
        (head.name, Dictionary(uniqueKeysWithValues: zip(places, scores)))
      }
    }
    let count = subject.siblings.count - settings.committee.count
    let committee = subject.siblings.dropFirst(count).filter { $0.folder != subject.folder }
    let votes = try committee.isEmpty ? [:] : votes(of: committee, own, work.part(0.8...1))
    return try zip(subject.siblings, large).prefix(count).map { sibling, evaluation in
      let other = try answers(sibling, evaluation, graph)
      let common = own.keys.filter { other[$0] != nil }.sorted()
      let queries = common.compactMap { index -> CascadedQuery? in
        guard let a = own[index], let b = other[index] else { return nil }
        let query = graph.queries[index]
        return CascadedQuery(
          subject: query.subject, visibility: query.visibility, small: a.outcome, large: b.outcome)
      }
      let greedy = common.compactMap { own[$0]?.answer }
      var switches = [
        Switch(
          SentenceScore.sequenceLogProbability.rawValue, .score, greedy.map { -$0.logProbability }),
        Switch(
          SentenceScore.perplexity.rawValue, .score,
          greedy.map { -$0.logProbability / Double($0.tokens.count + 1) }),
      ]
      let samples = common.compactMap { evidence[$0] }
      if samples.count == common.count {
        switches += Self.consistency.map { score in
          Switch(score.rawValue, .score, zip(greedy, samples).map { score.value($0, $1) })
        }
      }
      if !committee.isEmpty {
        // Reading an answer takes what writing it does.
        switches.append(
          Switch(
            "committee", .score, common.compactMap { votes[$0] },
            flops: common.compactMap { own[$0].map { Double(committee.count) * $0.outcome.flops } })
        )
      }
      switches += (detectors + trained).map { one in
        Switch(one.name, .detector, common.compactMap { one.scores[$0] })
      }
      return Cascade(
        large: sibling.record.sizeName, queries: queries,
        switches: switches.filter { $0.scores.count == queries.count })
    }
  }

  /// -log of the mean probability that the small model and the other members give to its answers,
  /// by query.
  private func votes(
    of members: [MeasuredRun],
    _ own: [Int: (answer: SampledAnswer, outcome: CascadedQuery.Answer)], _ work: Work
  ) throws -> [Int: Double] {
    let graph = try subject.graph()
    let places = own.keys.filter { !(own[$0]?.answer.line.isEmpty ?? true) }.sorted()
    let texts = places.map { (query: graph.queries[$0], texts: [own[$0]?.answer.line ?? []]) }
    var sums = [Int: Double](uniqueKeysWithValues: own.keys.map { ($0, 0) })
    for run in [subject] + members {
      let scores = try AnsweringRun(run.open(), graph: graph, workers: work.workers)
        .logProbabilities(texts, work)
      for (place, score) in zip(places, scores) { sums[place, default: 0] += exp(score[0][0]) }
    }
    return sums.mapValues { -log(max($0 / Double(members.count + 1), 1e-300)) }
  }

  /// What is asked of the samples at temperature 1.
  private static let consistency: [ConsistencyScore] = [
    .semanticEntropy, .clusterEntropy, .sequenceEntropy, .disagreement, .contradiction,
  ]

  /// The greedy answers of a run by query, with what they cost.
  private func answers(
    _ run: MeasuredRun, _ evaluation: EvaluationSummary, _ graph: KnowledgeGraph
  ) throws -> [Int: (answer: SampledAnswer, outcome: CascadedQuery.Answer)] {
    let configuration = run.record.configuration
    let text = try TripleText(
      graph: graph, tokenizer: run.open().tokenizer,
      wording: configuration.corpus.wording.asked(in: evaluation.options.phrasing))
    let rows = try stored(evaluation, of: run, temperature: 0, graph).map { index, answer in
      let query = graph.queries[index]
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      let outcome = CascadedQuery.Answer(
        isHallucination: answer.verdict.isHallucination,
        flops: configuration.model.generationFLOPs(
          promptLength: prompt.count, newTokens: answer.tokens.count + (answer.ended ? 1 : 0)))
      return (index, (answer, outcome))
    }
    return Dictionary(rows) { first, _ in first }
  }

  /// The small model's samples of each query; empty where it drew none at temperature 1.
  private func evidence(_ graph: KnowledgeGraph) throws -> [Int: QueryEvidence] {
    let rows = try stored(small, of: subject, temperature: 1, graph)
    return Dictionary(grouping: rows, by: \.query).reduce(into: [:]) { all, entry in
      all[entry.key] = QueryEvidence(query: entry.key, completions: entry.value.map(\.answer))
    }
  }

  private func stored(
    _ evaluation: EvaluationSummary, of run: MeasuredRun, temperature: Double,
    _ graph: KnowledgeGraph
  ) throws -> [(query: Int, answer: SampledAnswer)] {
    try RunDatabase.read(in: run.folder)?.answers(
      key: evaluation.key, temperature: temperature, of: graph,
      vocabularySize: run.record.configuration.model.vocabularySize) ?? []
  }
}
