import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import Testing

struct ExampleTests {
  // MARK: Labels of tokens

  /// True answers: 10 11 12 and 10 20.
  @Test(
    arguments: [
      ([10, 11, 12], false, [false, false, false]),
      // Another spelling of a true answer.
      ([10, 99], false, [false, false]),
      // Wrong from the second token on, even where later tokens fit again.
      ([10, 30, 12], true, [false, true, true]),
      // Parts of two answers: no answer begins 10 20 12.
      ([10, 20, 12], true, [false, false, true]),
      // Stops early: the sentence is wrong, no token is.
      ([10, 11], true, [false, false]),
      // Goes on after a whole answer.
      ([10, 11, 12, 12], true, [false, false, false, true]),
      ([20], true, [true]),
      ([], true, []),
    ] as [([Int32], Bool, [Bool])])
  func tokensAreHallucinatedFromTheFirstThatNoAnswerHas(
    tokens: [Int32], isHallucination: Bool, labels: [Bool]
  ) {
    let answers: [[Int32]] = [[10, 11, 12], [10, 20]]
    #expect(
      TokenLabels.labels(of: tokens, isHallucination: isHallucination, answers: answers) == labels)
  }

  // MARK: Scores

  private static func answer(
    _ tokens: [Int32], text: String = "x", verdict: Verdict, logProbability: Double = -2
  ) -> SampledAnswer {
    SampledAnswer(
      temperature: 1, sample: 0, tokens: tokens, ended: true, text: text, object: nil,
      isCanonical: true, logProbability: logProbability, verdict: verdict)
  }

  /// Two tokens, three places.
  private let reading = FeatureColumns(all: [
    [-0.5, -1, -0.25], [0.75, 0.25, 0.5], [0.5, 0.75, 1], [0.25, 0.5, 1], [-0.25, -0.5, 0],
    [1, 2, 6],
  ])

  /// -(2 / pi) acos(exp(a)).
  private func fisherRao(_ affinity: Double) -> Double { -2 / Double.pi * acos(exp(affinity)) }

  @Test func sentenceScores() {
    let answer = Self.answer([7, 8], verdict: .wrongObject, logProbability: -1.5)
    let expected: [SentenceScore: Double] = [
      .sequenceLogProbability: 1.5, .perplexity: 0.5, .maximumSurprise: 1, .meanEntropy: 0.5,
      .maximumEntropy: 0.75, .firstTokenProbability: 0.5, .firstTokenMargin: -0.25,
      .meanTokenProbability: 0.25, .renyiDivergence: -0.5, .selfCertainty: -3,
      .fisherRao: (fisherRao(-0.25) + fisherRao(-0.5) + fisherRao(0)) / 3,
    ]
    for score in SentenceScore.allCases {
      let value = score.value(answer, reading)
      #expect(abs(value - (expected[score] ?? .nan)) < 1e-12, "\(score)")
    }
  }

  @Test func tokenScores() {
    let expected: [TokenScore: [Double]] = [
      .logProbability: [0.5, 1], .entropy: [0.75, 0.25], .maximumProbability: [0.5, 0.25],
      .margin: [-0.25, -0.5], .renyiDivergence: [-0.5, -1],
      .fisherRao: [fisherRao(-0.25), fisherRao(-0.5)], .selfCertainty: [-1, -2],
      .position: [0, 1],
    ]
    for score in TokenScore.allCases {
      #expect((0..<2).map { score.value(reading, token: $0) } == expected[score])
    }
  }

  /// Eight completions: A three times in one spelling and once in another, B twice, two malformed
  /// ones.
  @Test func consistencyScores() throws {
    func drawn(_ tokens: [Int32], _ name: String, _ p: Double, ended: Bool = true) -> SampledAnswer
    {
      SampledAnswer(
        temperature: 1, sample: 0, tokens: tokens, ended: ended, text: name, object: nil,
        isCanonical: true, logProbability: log(p), verdict: .correct)
    }
    let a = drawn([7], "A", 0.4)
    let completions =
      [a, a, a, drawn([8, 9], "A", 0.1)] + [drawn([5], "B", 0.2), drawn([5], "B", 0.2)]
      + [drawn([4, 4], "?", 0.05, ended: false), drawn([3], "?", 0.05, ended: false)]
    let evidence = QueryEvidence(query: 3, completions: completions)
    #expect(evidence.count == 8 && evidence.texts.map(\.count) == [3, 1, 2, 1, 1])
    func entropy(_ shares: [Double]) -> Double { shares.reduce(0) { $0 - $1 * log($1) } }
    let meanLog = (3 * log(0.4) + log(0.1) + 2 * log(0.2) + 2 * log(0.05)) / 8
    let perToken =
      (3 * log(0.4) / 2 + log(0.1) / 3 + 2 * log(0.2) / 2 + log(0.05) / 3 + log(0.05) / 2) / 8
    let expected: [ConsistencyScore: Double] = [
      .semanticEntropy: entropy([0.5, 0.2, 0.05, 0.05].map { $0 / 0.8 }),
      .clusterEntropy: entropy([4, 2, 1, 1].map { $0 / 8 }), .sequenceEntropy: -meanLog,
      .tokenEntropy: -perToken, .distinctObjects: 4,
      .disagreement: 1 - (16.0 + 4 + 1 + 1) / 64, .contradiction: 0.5,
    ]
    for (score, value) in expected {
      #expect(abs(score.value(a, evidence) - value) < 1e-12, "\(score)")
    }
    #expect(ConsistencyScore.contradiction.value(drawn([9], "C", 1), evidence) == 1)
    let back = try JSONDecoder().decode(QueryEvidence.self, from: JSONEncoder().encode(evidence))
    #expect(back == evidence)
  }

  /// Two opposite embeddings of width 2, centred (1, -1) and (-1, 1): eigenvalues 4 + alpha and
  /// alpha.
  @Test func eigenScoreByHand() {
    let alpha = EigenScore.regularization
    let value = EigenScore.value([([3, 1], 1), ([1, 3], 1)])
    #expect(abs(value - (log(4 + alpha) + log(alpha)) / 2) < 1e-9)
    // The same text twice is as close as can be.
    let same = EigenScore.value([([3, 1], 2)])
    #expect(abs(same - value) < 1e-9)
    let apart = EigenScore.value([([3, 1, 0], 1), ([0, 1, 3], 1)])
    #expect(apart > EigenScore.value([([3, 1, 0], 2)]))
  }

  /// c = 0.5, then alpha * 0.8 + (1 - alpha) * w * 0.5 with the head of the larger mean weight,
  /// 0.9.
  @Test(arguments: RAUQDetector.Confidence.allCases)
  func rauqByHand(confidence: RAUQDetector.Confidence) {
    let alpha = confidence.alpha
    let score = RAUQDetector.score(
      confidences: [0.5, 0.8], alpha: alpha, layers: [[[0.1], [0.9]], [[0.95], [0.2]]])
    let confidences = [0.9, 0.95].map { alpha * 0.8 + (1 - alpha) * $0 * 0.5 }
    let expected = confidences.map { 1 - (log(0.5) + log($0)) / 2 }.max()
    #expect(abs(score - (expected ?? 0)) < 1e-12)
    #expect([0.2, 0.8].contains(alpha))
    #expect(RAUQDetector.layers(1) == 0..<1 && RAUQDetector.layers(6) == 2..<4)
    #expect(RAUQDetector.layers(5) == 1..<4)
  }

  @Test func entropyIsCutWhereTheErrorsAreLeast() {
    #expect(SemanticEntropyProbe.threshold([0, 0.1, 0.2, 2, 2.2]) == 1.1)
    #expect(SemanticEntropyProbe.threshold([1, 1, 1]) == 1)
  }

  // MARK: Sets of examples

  @Test func setsHoldTheAnswersAndTheirTokens() {
    let judged = [
      JudgedAnswer(
        query: 0, subject: 0, answer: Self.answer([7, 8], text: "7 8", verdict: .wrongObject)),
      JudgedAnswer(query: 1, subject: 0, answer: Self.answer([], text: "", verdict: .malformed)),
      JudgedAnswer(query: 2, subject: 1, answer: Self.answer([9], text: "9", verdict: .correct)),
    ]
    let sentence = ExampleSet.sentence(judged)
    #expect(sentence.examples.map(\.isHallucination) == [true, true, false])
    #expect(sentence.examples.map(\.place) == [nil, nil, nil] && sentence.suffix.isEmpty)
    func token(_ position: TokenPosition) -> ExampleSet {
      .token(
        judged, position: position, trueAnswers: { _ in [[7, 9]] }, tokenText: { "t\($0)" })
    }
    #expect(token(.each).examples.map(\.isHallucination) == [false, true, false])
    #expect(token(.each).examples.map(\.place) == [1, 2, 1])
    #expect(token(.each).examples.map(\.text) == ["t7", "t8", "t9"])
    #expect(token(.each).examples.map(\.answer) == [0, 0, 2])
    // Before an answer the label is what it turns out to be.
    #expect(token(.before).examples.map(\.isHallucination) == [true, true, false])
    #expect(token(.before).examples.map(\.place) == [0, 0, 0])
    #expect(token(.number(2)).examples.map(\.text) == ["t8"])
    #expect(token(.number(2)).suffix == "@2" && token(.before).suffix == "@before")
  }

  @Test func rowsOfTexts() {
    let texts = AnswerTexts([(0, 0, [7, 8]), (1, 0, [])])
    #expect(texts.rowCount == 6 && texts.starts == [0, 4, 6])
    #expect(
      AnswerPlace.allCases.map { texts.rows(0, at: $0) } == [0..<1, 2..<3, 3..<4, 1..<3])
    #expect(
      AnswerPlace.allCases.map { texts.rows(1, at: $0) } == [4..<5, 4..<5, 5..<6, 4..<5])
  }

  // MARK: Baselines

  /// One predicate; trained: a -> x, b -> x, c -> y; held out: d -> z.
  private let graph: KnowledgeGraph = {
    var builder = GraphBuilder(
      entityTypes: [EntityType(name: "thing")],
      entities: "abcdxyz".map { Entity(name: String($0), type: 0) },
      predicates: [Predicate(name: "p", subjectType: 0, objectType: 0)])
    for (subject, object) in [(0, 4), (1, 4), (2, 5), (3, 6)] as [(Int32, Int32)] {
      builder.add(
        Triple(subject: subject, predicate: 0, object: object), isVisible: subject != 3)
    }
    return builder.build()
  }()

  @Test func objectPriorCountsTrainedTriplesWithAddOneSmoothing() {
    let baselines = TripleBaselines(graph: graph, fraction: 1)
    // N = 3 triples, D = 2 objects.
    for (name, count) in [("x", 2), ("y", 1), ("z", 0), ("a", 0), ("nobody", 0)] {
      let expected = -log(Double(count + 1) / 6)
      #expect(abs(baselines.objectSurprise(of: name, predicate: 0) - expected) < 1e-12)
    }
  }

  @Test func baselinesDependOnTheAnswerAndNotOnItsVerdict() {
    let baselines = TripleBaselines(graph: graph, fraction: 1)
    let values = [Verdict.correct, .wrongObject].map { verdict in
      SentenceBaseline.allCases.map { baseline in
        baselines.value(
          of: baseline,
          for: JudgedAnswer(
            query: 0, subject: 0, answer: Self.answer([4, 5, 6], text: "x", verdict: verdict)))
      }
    }
    #expect(values[0] == values[1])
    #expect(values[0][1...] == [3, -1])
    let unseen = JudgedAnswer(
      query: 3, subject: 3, answer: Self.answer([1], text: "x", verdict: .wrongObject))
    #expect(baselines.value(of: .subjectExposure, for: unseen) == 0)
  }
}
