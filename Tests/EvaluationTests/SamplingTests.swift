import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Testing

struct SamplingTests {
  /// Shares among thousands of samples against exact probabilities, in standard errors.
  @Test(arguments: [TokenizerKind.word, .bpe])
  func sampledRatesAgreeWithExactOnes(kind: TokenizerKind) throws {
    let fixture = try Fixture(TestGraph.tiny, tokenizer: kind)
    let evaluator = try fixture.evaluator(
      options(exact: [1, 0.5], sampled: [1, 0.5], samples: 1_000, seed: 11))
    for outcome in try evaluator.outcomes(of: 0..<4) {
      for (exact, sampled) in zip(outcome.exact, outcome.sampled) {
        let n = Double(sampled.sampleCount)
        #expect(n == 1_000)
        func check(_ probability: Double, _ count: Int) {
          let error = (probability * (1 - probability) / n).squareRoot()
          // The counts are of any spelling, the probabilities of the canonical one.
          let other = Double(sampled.otherSpellingCount) / n
          #expect(abs(Double(count) / n - probability) < 4 * error + 1e-3 + other)
        }
        check(exact.hallucination, sampled.hallucinationCount)
        check(exact.correct, sampled.count(.correct))
        check(exact.correctHeldOut, sampled.count(.correctHeldOut))
      }
    }
  }

  /// Exact and sampled rates of each set differ by less than three binomial standard errors.
  @Test func summariesAgree() throws {
    let fixture = try Fixture(TestGraph.people(60))
    let summary = try fixture.summary(options(sampled: [1], samples: 64, seed: 5))
    for set in QuerySet.allCases {
      let exact = try #require(summary.rate(.exact, temperature: 1, set))
      let sampled = try #require(summary.rate(.sampled, temperature: 1, set))
      let error = (exact.rate * (1 - exact.rate) / Double(sampled.sampleCount)).squareRoot()
      #expect(abs(exact.rate - sampled.rate) < 3 * error)
    }
  }

  /// Greedy takes the likeliest token at each step, once.
  @Test func greedyFollowsTheLikeliestToken() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let text = try TripleText(graph: fixture.graph, tokenizer: fixture.tokenizer)
    let session = try InferenceSession(fixture.model, maximumTokens: 64)
    for outcome in try fixture.evaluator(options(sampled: [0])).outcomes(of: 0..<4) {
      #expect(outcome.answers.count == 1)
      let query = fixture.graph.queries[outcome.query]
      var tokens = text.prompt(subject: query.subject, predicate: query.predicate)
      for expected in outcome.answers[0].tokens {
        var batch = TokenBatch()
        batch.append(tokens: tokens, targets: tokens)
        let logits = Array(session.allLogits(batch).suffix(fixture.tokenizer.vocabularySize))
        #expect(logits.firstIndex(of: logits.max() ?? 0) == Int(expected))
        tokens.append(expected)
      }
    }
  }

  /// A draw depends on nothing but seed, query, temperature, sample and step.
  @Test func drawsDoNotDependOnOtherDraws() throws {
    let fixture = try Fixture(TestGraph.people(30))
    let all = try fixture.evaluator(options(sampled: [0.5, 1], samples: 8)).outcomes(of: 0..<90)
    let fewer = try fixture.evaluator(options(sampled: [1], samples: 4)).outcomes(of: 32..<64)
    for (some, whole) in zip(fewer, all[32..<64]) {
      let expected = whole.answers.filter { $0.temperature == 1 && $0.sample < 4 }
      #expect(some.answers.map(\.tokens) == expected.map(\.tokens))
    }
    let other = try fixture.evaluator(options(sampled: [1], samples: 4, seed: 1))
      .outcomes(of: 32..<64)
    #expect(other.map(\.answers) != fewer.map(\.answers))
  }

  /// The mean, the lag correlations and the finest bits of the counter-based numbers.
  @Test func uniformsAreUniform() {
    let base = SampleUniforms.base(seed: 0)
    var values: [Double] = []
    for query in 0..<50 {
      let uniforms = SampleUniforms(
        base: base, subject: Int32(query / 5), predicate: Int32(query % 5), temperature: 1)
      for sample in 0..<40 {
        for step in 0..<5 { values.append(Double(uniforms.value(sample: sample, step: step))) }
      }
    }
    let n = Double(values.count)
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(values.reduce(0, +) / n - 0.5) < 4 * (1 / 12 / n).squareRoot())
    for lag in [1, 5, 200, 1_000] {
      let products = zip(values, values.dropFirst(lag)).map { ($0 - 0.5) * ($1 - 0.5) * 12 }
      #expect(abs(products.reduce(0, +) / Double(products.count)) < 4 / n.squareRoot())
    }
    var bins = [Int](repeating: 0, count: 16)
    for value in values { bins[Int(value * 0x1p24) & 15] += 1 }
    let chiSquare = bins.reduce(0.0) { $0 + pow(Double($1) - n / 16, 2) / (n / 16) }
    #expect(chiSquare < 37.7, "chi-square with 15 degrees of freedom, 0.1 % point")
  }
}
