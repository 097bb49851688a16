import Detection
import Foundation
import TestSupport
import Testing

/// A case of Fixtures/metrics.json, which Fixtures/make_metrics.py makes with scikit-learn.
struct MetricFixture: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let scores: [Double]
  let labels: [Int]
  let threshold: Double
  let expected: [String: Double]

  var testDescription: String { name }

  func examples() throws -> ScoredExamples {
    try ScoredExamples(
      scores: scores, labels: labels.map { $0 == 1 }, subjects: separateSubjects(scores.count))
  }

  static func all() throws -> [MetricFixture] {
    struct File: Decodable { let cases: [MetricFixture] }
    return try Repository.fixture("metrics.json", as: File.self).cases
  }
}

/// Every example a subject of its own.
func separateSubjects(_ count: Int) -> [Int32] { (0..<count).map(Int32.init) }
