import Detection
import Foundation
import LabCore
import Testing

@Suite struct BootstrapTests {
  /// Subjects of one to five examples whose scores share the subject's luck.
  private func clustered(subjectCount: Int, seed: UInt64 = 7) throws -> ScoredExamples {
    var stream = Seed(seed).stream("clustered")
    var scores: [Double] = []
    var labels: [Bool] = []
    var subjects: [Int32] = []
    for subject in 0..<subjectCount {
      let luck = stream.normal()
      for _ in 0...stream.below(5) {
        let label = stream.uniform() < 0.3
        let score = luck + stream.normal() + (label ? 1 : 0)
        scores.append((score * 10).rounded() / 10)
        labels.append(label)
        subjects.append(Int32(1_000 - 3 * subject))
      }
    }
    return try ScoredExamples(scores: scores, labels: labels, subjects: subjects)
  }

  @Test func aResampleEqualsRepeatingItsExamples() throws {
    let set = try clustered(subjectCount: 40)
    let probabilities = try ScoredExamples(
      scores: set.scores.map { 1 / (1 + exp(-$0)) }, labels: set.labels, subjects: set.subjects)
    for set in [set, probabilities] {
      let ranked = try RankedExamples(set)
      var stream = Seed(1).stream("test")
      for _ in 0..<20 {
        let multiplicities = ranked.drawMultiplicities(&stream)
        #expect(multiplicities.reduce(0, +) == 40)
        let countOf = Dictionary(uniqueKeysWithValues: zip(ranked.subjects, multiplicities))
        let repeated = set.scores.indices.flatMap { index in
          Array(repeating: index, count: Int(countOf[set.subjects[index]] ?? 0))
        }
        let naive = try set.subset(repeated).metrics()
        let fast = try #require(ranked.values(multiplicities: multiplicities))
        for metric in DetectionMetric.allCases {
          #expect(abs((naive[metric] ?? -1) - (fast[metric] ?? -1)) < 1e-12, "\(metric)")
        }
      }
    }
  }

  @Test func intervalsHoldTheirValuesAndRepeat() throws {
    let set = try clustered(subjectCount: 60)
    let count = 300
    let quality = try set.quality(seed: Seed(5), name: "linear", resampleCount: count)
    #expect(quality.usedResampleCount == 300)
    #expect(
      quality.estimates.map(\.metric) == DetectionMetric.allCases.filter { !$0.needsProbabilities })
    for estimate in quality.estimates {
      let lower = try #require(estimate.lower)
      let upper = try #require(estimate.upper)
      #expect(lower < upper && lower <= estimate.value && estimate.value <= upper, "\(estimate)")
    }
    #expect(try set.quality(seed: Seed(5), name: "linear", resampleCount: count) == quality)
    #expect(try set.quality(seed: Seed(5), name: "mlp", resampleCount: count) != quality)
    #expect(try set.quality(seed: Seed(6), name: "linear", resampleCount: count) != quality)
  }

  /// What is left out takes nothing else with it.
  @Test func withoutTheRankingTheOthersStay() throws {
    let set = try clustered(subjectCount: 30)
    let count = 50
    let all = try set.quality(seed: Seed(5), name: "a", resampleCount: count).estimates
    let some = try set.quality(seed: Seed(5), name: "a", resampleCount: count, withRanking: false)
      .estimates
    #expect(some.map(\.metric) == [.prevalence, .accuracy, .f1])
    #expect(some == all.filter { some.map(\.metric).contains($0.metric) })
  }

  @Test func orderOfExamplesDoesNotMatter() throws {
    let set = try clustered(subjectCount: 30)
    var order = Array(set.scores.indices)
    var stream = Seed(2).stream("order")
    stream.shuffle(&order)
    let count = 50
    let quality = try set.quality(seed: Seed(5), name: "a", resampleCount: count)
    #expect(
      try set.subset(order).quality(seed: Seed(5), name: "a", resampleCount: count) == quality)
  }

  /// Four copies of every example, as several completions of one query may be, carry no news.
  @Test func copiesWithinASubjectDoNotNarrowTheInterval() throws {
    let set = try clustered(subjectCount: 50)
    let copies = try set.subset(set.scores.indices.flatMap { [$0, $0, $0, $0] })
    let independent = try ScoredExamples(
      scores: copies.scores, labels: copies.labels, subjects: separateSubjects(copies.count))
    let count = 200
    func interval(_ examples: ScoredExamples) throws -> (Double, Double) {
      let auroc = try #require(
        try examples.quality(seed: Seed(5), name: "a", resampleCount: count)[.auroc])
      return (try #require(auroc.lower), try #require(auroc.upper))
    }
    let once = try interval(set)
    let fourTimes = try interval(copies)
    #expect(abs(once.0 - fourTimes.0) < 1e-12 && abs(once.1 - fourTimes.1) < 1e-12)
    let naive = try interval(independent)
    #expect(naive.1 - naive.0 < 0.7 * (once.1 - once.0))
  }

  /// Prevalence over subjects of one example each is a binomial share: width 2 x 1.96 x sqrt(pq/n).
  @Test func widthEqualsTheClosedForm() throws {
    let labels = (0..<400).map { $0 % 4 == 0 ? 1 : 0 }
    let set = try examples((0..<400).map { Double($0 % 7) }, labels)
    let quality = try set.quality(seed: Seed(9), name: "a", resampleCount: 1_000)
    let prevalence = try #require(quality[.prevalence])
    let width = try #require(prevalence.upper) - #require(prevalence.lower)
    let expected = 2 * 1.96 * (0.25 * 0.75 / 400).squareRoot()
    #expect(abs(width / expected - 1) < 0.1, "\(width), closed form \(expected)")
  }

  @Test func tooFewSubjectsOfAClassGiveNoInterval() throws {
    // The only hallucinated subject is missing from a third of the resamples.
    let one = try examples((0..<30).map(Double.init), (0..<30).map { $0 == 29 ? 1 : 0 })
    let quality = try one.quality(seed: Seed(1), name: "a")
    #expect(quality.usedResampleCount < 750 && quality.usedResampleCount > 500)
    #expect(quality[.auroc]?.value == 1)
    #expect(quality.estimates.allSatisfy { $0.lower == nil && $0.upper == nil })
    let alone = try ScoredExamples(
      scores: [1, 2] as [Double], labels: [false, true], subjects: [4, 4])
    #expect(try alone.quality(seed: Seed(1), name: "a")[.auroc]?.lower == nil)
    let without = try one.quality(
      seed: Seed(1), name: "a", resampleCount: 0)
    #expect(without[.auprc]?.value == 1 && without[.auprc]?.lower == nil)
  }
}

extension ScoredExamples {
  /// The examples at these indices, in this order.
  fileprivate func subset(_ indices: [Int]) throws -> ScoredExamples {
    try ScoredExamples(
      scores: indices.map { scores[$0] }, labels: indices.map { labels[$0] },
      subjects: indices.map { subjects[$0] })
  }
}
