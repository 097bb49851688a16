import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LanguageModel
import Testing

struct TruncatedRateTests {
  private func truncated(_ topK: Int?, _ topP: Double?, samples: Int = 400) -> EvaluationOptions {
    var value = options(exact: [1, 0.5], sampled: [0, 1, 0.5], samples: samples, seed: 3)
    value.topK = topK
    value.topP = topP
    return value
  }

  /// The exact rate of a truncated distribution against completions drawn from it.
  @Test(arguments: [(3, nil), (nil, 0.7), (4, 0.9)] as [(Int?, Double?)])
  func exactAgreesWithSamples(topK: Int?, topP: Double?) throws {
    let fixture = try Fixture(TestGraph.tiny)
    let outcomes = try fixture.evaluator(truncated(topK, topP)).outcomes(of: 0..<4)
    var spread: Set<Int> = []
    for outcome in outcomes {
      for exact in outcome.exact {
        let sampled = try #require(
          outcome.sampled.first { $0.temperature == exact.temperature })
        let n = Double(sampled.sampleCount)
        let rate = exact.hallucination
        let error = (rate * (1 - rate) / n).squareRoot()
        #expect(abs(Double(sampled.hallucinationCount) / n - rate) < 4 * error + 1e-9)
        spread.insert(Int(rate * 100))
      }
    }
    #expect(spread.count > 1)
  }

  /// Only the first token left: every draw is the greedy answer, and the exact rate 0 or 1.
  @Test func topOneIsGreedy() throws {
    let fixture = try Fixture(TestGraph.people(30))
    let outcomes = try fixture.evaluator(truncated(1, nil, samples: 2)).outcomes(of: 0..<90)
    for outcome in outcomes {
      let greedy = try #require(outcome.answers.first { $0.temperature == 0 })
      #expect(outcome.answers.allSatisfy { $0.tokens == greedy.tokens })
      let expected: Double = greedy.verdict.isHallucination ? 1 : 0
      #expect(outcome.exact.allSatisfy { $0.hallucination == expected })
    }
    #expect(Set(outcomes.map { $0.exact[0].hallucination }) == [0, 1])
  }

  /// Keeping everything changes nothing but rounding.
  @Test func wideCutsChangeNothing() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let plain = try fixture.evaluator(options(sampled: [1])).outcomes(of: 0..<4)
    var wide = options(sampled: [1])
    wide.topK = 10_000
    wide.topP = 1
    for (one, other) in zip(plain, try fixture.evaluator(wide).outcomes(of: 0..<4)) {
      #expect(abs(one.exact[0].hallucination - other.exact[0].hallucination) < 1e-5)
    }
  }

  /// Options without a cut are stored as they always were, so that older evaluations are still
  /// found.
  @Test func optionsWithoutACutKeepTheirKey() throws {
    let json = String(decoding: try JSONEncoder().encode(EvaluationOptions()), as: UTF8.self)
    #expect(!json.contains("top_"))
    #expect(!json.contains("candidates"))
  }
}
