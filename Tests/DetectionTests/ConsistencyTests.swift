import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// A case of Fixtures/consistency.json, which Fixtures/make_consistency.py makes on full matrices.
struct ConsistencyFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Completion: Decodable, Sendable {
    let name: String?
    let tokens: [Int32]
    let logProbability: Double

    enum CodingKeys: String, CodingKey {
      case name, tokens
      case logProbability = "log_probability"
    }
  }

  let name: String
  let completions: [Completion]
  let expected: [String: Double]
  let eccentricity: Double

  var testDescription: String { name }

  var evidence: QueryEvidence {
    QueryEvidence(
      query: 0,
      completions: completions.enumerated().map { index, completion in
        SampledAnswer(
          temperature: 1, sample: index, tokens: completion.tokens, ended: completion.name != nil,
          text: completion.name ?? "?", object: nil, isCanonical: true,
          logProbability: completion.logProbability, verdict: .correct)
      })
  }

  static func all() throws -> [ConsistencyFixture] {
    struct File: Decodable { let cases: [ConsistencyFixture] }
    return try Repository.fixture("consistency.json", as: File.self).cases
  }
}

struct ConsistencyTests {
  /// Sums over clusters against the published definitions on matrices of similarity.
  @Test(arguments: try ConsistencyFixture.all())
  func clustersEqualTheMatrices(fixture: ConsistencyFixture) throws {
    let evidence = fixture.evidence
    let answer = SampledAnswer(
      temperature: 1, sample: 0, tokens: [7], ended: true, text: "a", object: nil,
      isCanonical: true, logProbability: 0, verdict: .correct)
    #expect(fixture.expected.count == 6)
    for (name, expected) in fixture.expected {
      let score = try #require(ConsistencyScore(rawValue: name))
      #expect(abs(score.value(answer, evidence) - expected) < 1e-9, "\(name)")
    }
  }

  /// What the documentation says of the score that is left out: it ranks as the number of objects
  /// does.
  @Test(arguments: try ConsistencyFixture.all())
  func eccentricityIsTheNumberOfObjects(fixture: ConsistencyFixture) {
    let objects = Double(fixture.evidence.distinctCount)
    #expect(abs(fixture.eccentricity - (objects - 1).squareRoot()) < 1e-9)
  }
}
