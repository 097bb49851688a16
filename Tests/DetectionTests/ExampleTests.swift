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

  /// Two tokens, three places, states of width 2.
  private let reading = AnswerReading(
    states: [1, 2, 3, 4, 5, 6], logProbabilities: [-0.5, -1], entropies: [0.75, 0.25, 0.5],
    maximumProbabilities: [0.5, 0.75, 1])

  @Test func sentenceScores() {
    let answer = Self.answer([7, 8], verdict: .wrongObject, logProbability: -1.5)
    let expected: [SentenceScore: Double] = [
      .sequenceLogProbability: 1.5, .perplexity: 0.5, .meanEntropy: 0.5, .maximumEntropy: 0.75,
      .firstTokenProbability: 0.5, .meanTokenProbability: 0.25,
    ]
    for score in SentenceScore.allCases { #expect(score.value(answer, reading) == expected[score]) }
  }

  @Test func tokenScores() {
    let expected: [TokenScore: [Double]] = [
      .logProbability: [0.5, 1], .entropy: [0.75, 0.25], .maximumProbability: [0.5, 0.25],
      .position: [0, 1],
    ]
    for score in TokenScore.allCases {
      #expect((0..<2).map { score.value(reading, token: $0) } == expected[score])
    }
  }

  @Test func tablesHoldTheStatesAfterTheTokens() throws {
    let graph = SmallGraph.people(6)
    let judged = [
      JudgedAnswer(
        query: 0, subject: 0, answer: Self.answer([7, 8], text: "7 8", verdict: .wrongObject)),
      JudgedAnswer(query: 1, subject: 0, answer: Self.answer([], text: "", verdict: .malformed)),
    ]
    let empty = AnswerReading(
      states: [8, 9], logProbabilities: [], entropies: [1], maximumProbabilities: [0.5])
    let readings = [reading, empty]
    let sentence = ExampleTable.sentence(
      judged, readings: readings, width: 2,
      baselines: TripleBaselines(graph: graph, fraction: 1))
    #expect(sentence.features == [5, 6, 8, 9])
    #expect(sentence.features(of: [1]) == [8, 9])
    #expect(sentence.examples.map(\.isHallucination) == [true, true])
    #expect(
      sentence.columns.map(\.name) == SentenceScore.allCases.map(\.rawValue)
        + SentenceBaseline.allCases.map(\.rawValue))
    let token = ExampleTable.token(
      judged, readings: readings, width: 2, trueAnswers: { _ in [[7, 9]] },
      tokenText: { "t\($0)" })
    #expect(token.features == [3, 4, 5, 6])
    #expect(token.examples.map(\.isHallucination) == [false, true])
    #expect(token.examples.map(\.token) == [0, 1])
    #expect(token.examples.map(\.text) == ["t7", "t8"])
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
