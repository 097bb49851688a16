import Detection
import LabCore
import Testing

@Suite struct MetricValueTests {
  @Test(arguments: try MetricFixture.all())
  func equalsScikitLearn(fixture: MetricFixture) throws {
    let examples = try fixture.examples()
    let values = try examples.metrics(MetricOptions(threshold: fixture.threshold))
    for metric in DetectionMetric.allCases {
      let expected = fixture.expected[metric.rawValue]
      let value = values[metric]
      #expect((value == nil) == (expected == nil), "\(metric)")
      if let value, let expected {
        #expect(abs(value - expected) <= 1e-9, "\(metric): \(value), not \(expected)")
      }
    }
    let tenth = try #require(fixture.expected["auprc_matched_tenth"])
    let ranking = try #require(examples.metrics(MetricOptions(matchedPrevalence: 0.1)).ranking)
    #expect(abs(ranking.auprcMatched - tenth) <= 1e-9)
    #expect(try examples.auroc() == values.ranking?.auroc)
  }

  @Test func fixturesCoverEveryMetric() throws {
    let fixtures = try MetricFixture.all()
    #expect(fixtures.count == 13)
    for metric in DetectionMetric.allCases {
      #expect(fixtures.contains { $0.expected[metric.rawValue] != nil }, "\(metric)")
    }
  }

  /// Thresholds 3, 2, 1: precision 1, 2/3, 3/5 at recall 1/3, 2/3, 1; of six pairs 3.5 are in
  /// order.
  @Test func equalsValuesByHand() throws {
    let values = try examples([3, 2, 2, 1, 1], [1, 1, 0, 1, 0])
      .metrics(MetricOptions(threshold: 2))
    #expect(try abs(#require(values.ranking).auprc - (1 + 2.0 / 3 + 3.0 / 5) / 3) < 1e-15)
    #expect(try abs(#require(values.ranking).auroc - (2 + 1.5 + 0.5) / 6) < 1e-15)
    // Matched to 1/2: two negatives weigh as much as three positives.
    #expect(try abs(#require(values.ranking).auprcMatched - (1 + 2 / 3.5 + 3.0 / 6) / 3) < 1e-15)
    #expect(values.accuracy == 0.6)
    #expect(abs(values.f1 - 2.0 / 3) < 1e-15)
    #expect(values.ranking?.fprAtTpr == 1)
    #expect(values.calibration == nil)
  }

  /// Bins [0, 1/2) and [1/2, 1]: gaps |0.2 + 0.4 - 1| and |0.5 + 1 - 1|, over four examples.
  @Test func calibrationByHand() throws {
    let calibration = try #require(
      examples([0.2, 0.4, 0.5, 1], [0, 1, 0, 1]).metrics(MetricOptions(calibrationBinCount: 2))
        .calibration)
    #expect(abs(calibration.ece - (0.4 + 0.5) / 4) < 1e-15)
    #expect(abs(calibration.brier - (0.04 + 0.36 + 0.25 + 0) / 4) < 1e-15)
  }

  @Test func falsePositiveRateAtTheStatedRecall() throws {
    // Twenty hallucinations, the lowest of them below all ten others: 19 of 20 need no false alarm.
    let scores = (0..<20).map { $0 < 19 ? 2.0 : 0.0 } + Array(repeating: 1.0, count: 10)
    let set = try examples(scores, Array(repeating: 1, count: 20) + Array(repeating: 0, count: 10))
    #expect(try set.metrics().ranking?.fprAtTpr == 0)
    #expect(try set.metrics(MetricOptions(truePositiveRate: 0.96)).ranking?.fprAtTpr == 1)
  }

  @Test func higherScoreMeansHallucination() throws {
    let perfect = try examples([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]).metrics()
    // Even the oracle keeps hallucinations last: (0 + 0 + 1/3 + 2/4) / 4.
    #expect(try abs(#require(perfect.ranking).aurc - (1.0 / 3 + 2.0 / 4) / 4) < 1e-15)
    let lowerIsBetter: [DetectionMetric] = [.fprAtTpr, .aurc, .brier, .ece, .logLoss]
    for metric in DetectionMetric.allCases
    where !metric.needsProbabilities && metric != .aurc && metric != .prevalence {
      #expect(perfect[metric] == (lowerIsBetter.contains(metric) ? 0 : 1), "\(metric)")
    }
    let reversed = try examples([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]).metrics()
    #expect(reversed.ranking?.auroc == 0)
    #expect(reversed.accuracy == 0)
    #expect(reversed.ranking?.fprAtTpr == 1)
    #expect(try abs(#require(reversed.ranking).auprc - (1.0 / 3 + 2.0 / 4) / 2) < 1e-15)
    let exact = try #require(examples([1, 1, 0, 0], [1, 1, 0, 0]).metrics().calibration)
    #expect(exact.brier == 0 && exact.ece == 0)
    for metric in DetectionMetric.allCases where metric != .prevalence {
      let (better, worse) = (try #require(perfect[metric]), try #require(reversed[metric]))
      #expect((better < worse) == lowerIsBetter.contains(metric), "\(metric)")
    }
  }

  @Test func constantScoresAreExactlyAtChance() throws {
    let labels = (0..<40).map { $0 % 4 == 0 ? 1 : 0 }
    let values = try examples(Array(repeating: 0.7, count: 40), labels).metrics()
    #expect(values.ranking?.auroc == 0.5)
    #expect(values.ranking?.auprc == 0.25)
    #expect(values.prevalence == 0.25)
    #expect(values.ranking?.auprcMatched == 0.5)
  }

  @Test(arguments: [0.1, 0.5, 0.9])
  func randomScoresAreAtChance(prevalence: Double) throws {
    var stream = Seed(3).stream("random scores")
    let count = 4_000
    let labels = (0..<count).map { Double($0) < prevalence * Double(count) ? 1 : 0 }
    let scores = (0..<count).map { _ in stream.uniform() }
    let values = try examples(scores, labels).metrics()
    for metric in [DetectionMetric.auprc, .auprcMatched, .auroc, .fprAtTpr] {
      let value = try #require(values[metric])
      let chance = try #require(metric.chanceLevel(prevalence: values.prevalence))
      #expect(abs(value - chance) < 0.04, "\(metric): \(value), chance \(chance)")
    }
  }

  @Test func matchedPrevalenceDoesNotSeeRarity() throws {
    let common = try examples([4, 3, 2, 1], [1, 0, 1, 0])
    // The same scores with every other answer three times: rarer, no harder.
    let rare = try examples([4, 3, 3, 3, 2, 1, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0])
    let (a, b) = (
      try #require(rare.metrics().ranking), try #require(common.metrics().ranking)
    )
    #expect(a.auprc < b.auprc)
    #expect(abs(a.auprcMatched - b.auprcMatched) < 1e-15)
    #expect(a.auroc == b.auroc)
  }

  @Test func infiniteScoresRank() throws {
    let values = try examples([.infinity, .infinity, 0, -.infinity], [1, 0, 1, 0]).metrics()
    #expect(values.ranking?.auroc == 0.625)
    #expect(values.calibration == nil)
  }
}

func examples(_ scores: [Double], _ labels: [Int]) throws -> ScoredExamples {
  try ScoredExamples(
    scores: scores, labels: labels.map { $0 == 1 }, subjects: separateSubjects(scores.count))
}
