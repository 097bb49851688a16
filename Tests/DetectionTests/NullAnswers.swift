import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing

/// Answers whose verdict is independent of their text, for a language model that knows nothing of
/// their graph.
///
/// Objects are drawn uniformly, whatever the subject. Each query has a true and a false answer, and
/// in each part of the split the false answers to a predicate are a permutation of the true ones:
/// both classes have the same names, lengths and tokens, equally often. What a detector finds here
/// is a leak.
struct NullAnswers {
  let graph: KnowledgeGraph
  let tokenizer: any Tokenizer
  let text: TripleText
  let model: LanguageModel
  let seed: UInt64
  var judged: [JudgedAnswer] = []

  /// No two names begin with the same letter, so that the first token of a false answer begins no
  /// true one.
  static let distinctNames = [
    "Amber Hill Top", "Birch", "Cold Ridge", "Dell", "Elm Grove Park", "Ford End", "Glen",
    "Holm Lea",
    "Inch Mill Row", "Jetty", "Knoll Bay", "Lock Isle Rock",
  ]

  /// `objects` are the names that both predicates' objects are drawn from.
  init(
    _ kind: TokenizerKind, seed: UInt64, people: Int = 200, objects: [String] = distinctNames,
    contextLength: Int? = nil
  ) throws {
    self.seed = seed
    var stream = Seed(seed).stream("null")
    var builder = GraphBuilder(
      entityTypes: ["person", "place"].map { EntityType(name: $0) },
      entities: (0..<people).map { Entity(name: "ada\($0 % 15) lund\($0 / 15)", type: 0) }
        + objects.map { Entity(name: $0, type: 1) },
      predicates: ["born in", "went to"].map { Predicate(name: $0, subjectType: 0, objectType: 1) })
    for person in 0..<people {
      for predicate in 0..<2 {
        builder.add(
          Triple(
            subject: Int32(person), predicate: Int32(predicate),
            object: Int32(people + stream.below(objects.count))), isVisible: true)
      }
    }
    graph = builder.build()
    tokenizer = try kind.tokenizer(for: graph, vocabularySize: 300)
    text = try TripleText(graph: graph, tokenizer: tokenizer)
    model = try LanguageModel(
      ModelConfiguration(
        layerCount: 2, modelDimension: 16, headCount: 2, feedForwardDimension: 32,
        vocabularySize: tokenizer.vocabularySize,
        contextLength: contextLength ?? text.longestPossibleSequence + 4),
      seed: Seed(seed), on: .cpu)
    judged = try pairs(&stream)
  }

  /// One true and one false answer to each query, in random order.
  private func pairs(_ stream: inout RandomStream) throws -> [JudgedAnswer] {
    let split = try SubjectSplit(of: graph, seed: Seed(seed))
    var falseObjects: [Int: Int32] = [:]
    for part in SplitPart.allCases {
      for predicate in 0..<2 {
        var queries = graph.queries.indices.filter {
          graph.queries[$0].predicate == predicate
            && split.part(of: graph.queries[$0].subject) == part
        }
        stream.shuffle(&queries)
        // In order of their objects and shifted by the longest run of one, no object meets itself.
        queries.sort { object($0) < object($1) }
        let runs = Dictionary(grouping: queries, by: object).values.map(\.count)
        let shift = runs.max() ?? 0
        for (place, query) in queries.enumerated() {
          falseObjects[query] = object(queries[(place + shift) % queries.count])
        }
      }
    }
    return graph.queries.indices.flatMap { query -> [JudgedAnswer] in
      var objects = [object(query), falseObjects[query] ?? 0]
      stream.shuffle(&objects)
      return objects.enumerated().map { sample, object in
        answer(Array(text.completion(object: object).dropLast()), to: query, sample: sample)
      }
    }
  }

  /// The one object of a query.
  private func object(_ query: Int) -> Int32 {
    graph.answers[graph.queries[query].answers][graph.queries[query].answers.lowerBound].object
  }

  /// The graph's verdict on some tokens.
  func answer(_ tokens: [Int32], ended: Bool = true, to query: Int, sample: Int) -> JudgedAnswer {
    var completion = Completion()
    completion.tokens = tokens
    completion.ended = ended
    completion.logProbability = ended ? -1 : -2
    return JudgedAnswer(
      query: query, subject: graph.queries[query].subject,
      answer: AnswerJudge(graph: graph, tokenizer: tokenizer).answer(
        completion, to: graph.queries[query], temperature: 1, sample: sample))
  }

  /// Changes tokens, and keeps the verdicts.
  mutating func rewrite(_ change: (JudgedAnswer) -> [Int32]) {
    judged = judged.map { old in
      JudgedAnswer(
        query: old.query, subject: old.subject,
        answer: SampledAnswer(
          temperature: 1, sample: old.answer.sample, tokens: change(old), ended: true,
          text: old.answer.text, object: old.answer.object, isCanonical: old.answer.isCanonical,
          logProbability: old.answer.logProbability, verdict: old.answer.verdict))
    }
  }

  /// Everything from the answers on: sets of examples, states, detectors, metrics.
  func measure(_ change: (inout DetectionOptions) -> Void = { _ in }) throws -> [TaskMeasurement] {
    var options = DetectionOptions()
    options.kinds = [.head, .saplma, .attentionProbe, .lookback]
    options.heads = [.linear, try HeadArchitecture(named: "mlp-8")]
    options.evidence = 0
    options.seed = seed
    options.resampleCount = 0
    change(&options)
    var training = HeadTrainingOptions()
    training.linearPenalties = [1]
    training.stepCount = 100
    training.validationInterval = 25
    let folder = try TemporaryFolder()
    let cache = try FeatureCache(
      run: folder.url,
      identity: FeatureIdentity(
        options: options, fraction: 1, graphHash: graph.contentHash, weightsHash: "untrained"))
    try cache.save(DrawnAnswers(judged: judged))
    let experiment = try DetectionExperiment(
      model: model, tokenizer: tokenizer, graph: graph, options: options, training: training)
    return try experiment.measure(key: "null", cache: cache, work: Work(shouldStop: { false }))
  }
}

/// An AUROC with its interval over subjects at 95 %, made twice as wide.
///
/// Of hundreds of intervals at 95 % some miss 0.5 by chance; beyond four standard deviations none
/// should.
struct WideAUROC {
  let value: Double
  let lower: Double
  let upper: Double

  init(of detector: MeasuredDetector, in measurement: TaskMeasurement) throws {
    let quality = try ScoredExamples(
      scores: detector.scores, labels: measurement.examples.map(\.isHallucination),
      subjects: measurement.examples.map(\.subject)
    ).quality(seed: Seed(0), name: "leak", resampleCount: 100)
    let auroc = try #require(quality[.auroc])
    value = auroc.value
    lower = 2 * (try #require(auroc.lower)) - auroc.value
    upper = 2 * (try #require(auroc.upper)) - auroc.value
  }

  /// Nothing is found.
  var holdsChance: Bool { lower <= 0.5 && 0.5 <= upper }
}
