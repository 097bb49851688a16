import Detection
import Foundation
import TestSupport
import Testing

/// The worked example of docs/detection.md, read from the page.
@Suite struct WorkedExampleTests {
  private struct Example {
    var scores: [Double] = []
    var labels: [Int] = []
    var values: [(metric: DetectionMetric, value: Double)] = []
  }

  private func read() throws -> Example {
    let page = try Repository.text("docs/detection.md")
    let part = try #require(page.components(separatedBy: "### Worked example").last)
    var example = Example()
    for line in part.components(separatedBy: "\n### ")[0].split(separator: "\n")
    where line.hasPrefix("    ") {
      let words = line.split(separator: " ").map(String.init)
      switch words[0] {
      case "score": example.scores = words.dropFirst().compactMap(Double.init)
      case "hallucinated": example.labels = words.dropFirst().compactMap(Int.init)
      default:
        let metric = try #require(DetectionMetric(rawValue: words[0]), "\(words[0])")
        example.values.append((metric, try #require(words.last.flatMap(Double.init))))
      }
    }
    return example
  }

  @Test func thePageSaysWhatIsComputed() throws {
    let example = try read()
    #expect(example.scores.count == 6 && example.labels.count == 6)
    let values = try examples(example.scores, example.labels)
      .metrics(MetricOptions(calibrationBinCount: 2))
    #expect(
      example.values.map(\.metric.rawValue) == [
        "aurc", "prr", "ece", "fpr_at_tpr", "brier", "log_loss",
      ])
    for (metric, value) in example.values {
      let computed = try #require(values[metric])
      #expect(abs(computed - value) < 5e-7, "\(metric): \(computed), the page says \(value)")
    }
  }

  /// Two answers of one score: whichever comes first, and the mean of both.
  @Test func tiesAreTheMeanOfTheirOrders() throws {
    let tied = try #require(examples([0.5, 0.5, 0.2], [1, 0, 0]).metrics().ranking)
    let first = try #require(examples([0.5, 0.6, 0.2], [1, 0, 0]).metrics().ranking)
    let second = try #require(examples([0.6, 0.5, 0.2], [1, 0, 0]).metrics().ranking)
    #expect(abs(tied.aurc - (first.aurc + second.aurc) / 2) < 1e-15)
    #expect(abs(tied.prr - (first.prr + second.prr) / 2) < 1e-14)
    #expect(second.prr == 1)
  }

  @Test func rejectionAtChanceIsZero() throws {
    let labels = (0..<50).map { $0 % 5 == 0 ? 1 : 0 }
    let constant = try #require(
      examples(Array(repeating: 0.3, count: 50), labels).metrics().ranking)
    #expect(abs(constant.aurc - 0.2) < 1e-12)
    #expect(abs(constant.prr) < 1e-12)
    #expect(DetectionMetric.prr.chanceLevel(prevalence: 0.2) == 0)
    #expect(DetectionMetric.aurc.chanceLevel(prevalence: 0.2) == 0.2)
  }
}

@Suite struct ScoreCalibrationTests {
  struct Fixture: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let scores: [Double]
    let labels: [Int]
    let at: [Double]
    let platt: [Double]
    let isotonic: [Double]
    var testDescription: String { name }

    static func all() throws -> [Fixture] {
      struct File: Decodable { let cases: [Fixture] }
      return try Repository.fixture("calibration.json", as: File.self).cases
    }
  }

  /// scikit-learn minimises Platt's loss to its own tolerance, so that curve agrees to 2e-4 only.
  @Test(arguments: try Fixture.all())
  func equalsScikitLearn(fixture: Fixture) throws {
    let examples = try ScoredExamples(
      scores: fixture.scores, labels: fixture.labels.map { $0 == 1 },
      subjects: separateSubjects(fixture.scores.count))
    let platt = try ScoreCalibration(.platt, fitting: examples)
    let isotonic = try ScoreCalibration(.isotonic, fitting: examples)
    for (index, score) in fixture.at.enumerated() {
      #expect(abs(platt.probability(score) - fixture.platt[index]) < 2e-4, "\(score)")
      #expect(abs(isotonic.probability(score) - fixture.isotonic[index]) < 1e-9, "\(score)")
    }
  }

  @Test func isotonicByHand() throws {
    // 1 and 2 violate the order: both become 1/2.
    let fit = try ScoreCalibration(
      .isotonic, fitting: examples([0, 1, 2, 3], [0, 1, 0, 1]))
    #expect(fit == .isotonic(scores: [0, 1, 2, 3], probabilities: [0, 0.5, 0.5, 1]))
    #expect(fit.probability(-9) == 0 && fit.probability(0.5) == 0.25 && fit.probability(9) == 1)
  }

  /// The gradient of Platt's loss vanishes: the mean of the curve is the mean of his targets.
  @Test func plattIsAtItsOptimum() throws {
    let set = try examples([-1, 0, 0.5, 1, 2, 3], [0, 0, 1, 0, 1, 1])
    let fit = try ScoreCalibration(.platt, fitting: set)
    let mean = set.scores.reduce(0) { $0 + fit.probability($1) } / 6
    #expect(abs(mean - (3 * 4.0 / 5 + 3 * 1.0 / 5) / 6) < 1e-9)
  }

  @Test func oneClassIsRefused() throws {
    for method in CalibrationMethod.allCases {
      #expect(throws: DetectionError.oneClass(hallucinated: true, count: 2)) {
        try ScoreCalibration(method, fitting: examples([1, 2], [1, 1]))
      }
    }
  }

  @Test func infiniteScoresAreTheLargest() throws {
    let set = try examples([-.infinity, 0, 1, .infinity], [0, 0, 1, 1])
    for method in CalibrationMethod.allCases {
      let fit = try ScoreCalibration(method, fitting: set)
      #expect(fit.probability(.infinity) >= fit.probability(1))
      #expect(fit.probability(-.infinity) <= fit.probability(0))
      #expect((0...1).contains(fit.probability(.infinity)))
    }
  }
}
