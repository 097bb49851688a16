import Analysis
import LabCore
import Testing

@Suite struct BootstrapTests {
  private let bootstrap = Bootstrap(seed: Seed(7), replicates: 500)

  @Test func sameSeedAndNameGiveTheSameInterval() throws {
    let values = (0..<40).map { Double($0 % 7) }
    let first = try #require(bootstrap.mean(values, stream: "a"))
    #expect(first == bootstrap.mean(values, stream: "a"))
    #expect(first.interval != bootstrap.mean(values, stream: "b")?.interval)
    #expect(first.interval != Bootstrap(seed: Seed(8)).mean(values, stream: "a")?.interval)
    #expect(first.count == 40)
    #expect(first.value == values.reduce(0, +) / 40)
  }

  /// For a proportion the bootstrap's interval tends to the normal one.
  @Test func intervalOfAProportionMatchesTheNormalOne() throws {
    let values = (0..<400).map { $0 < 120 ? 1.0 : 0.0 }
    let interval = try #require(bootstrap.mean(values, stream: "p")?.interval)
    let half = 1.959963984540054 * (0.3 * 0.7 / 400).squareRoot()
    #expect(abs(interval.low - (0.3 - half)) < 0.01)
    #expect(abs(interval.high - (0.3 + half)) < 0.01)
  }

  /// Copies inside a cluster add no evidence: the interval is that of the clusters, not of the
  /// rows.
  @Test func clustersWidenTheInterval() throws {
    let units = (0..<50).map { $0 < 15 ? 1.0 : 0.0 }
    let clusters = units.map { ClusterSum($0 * 10, over: 10) }
    let clustered = try #require(bootstrap.ratio(clusters, stream: "c")?.interval)
    #expect(clustered == bootstrap.mean(units, stream: "c")?.interval)
    let rows = units.flatMap { Array(repeating: $0, count: 10) }
    let naive = try #require(bootstrap.mean(rows, stream: "c")?.interval)
    #expect(clustered.width > 2.3 * naive.width)
    #expect(clustered.width < 4.2 * naive.width)
  }

  @Test func weightedMeanIsTheRatioOfSums() throws {
    let estimate = try #require(
      bootstrap.mean([1, 0, 0.5], weights: [1, 2, 1], stream: "w"))
    #expect(estimate.value == 0.375)
    #expect(estimate.interval?.contains(0.375) == true)
    #expect(bootstrap.mean([1, 2], weights: [0, 0], stream: "w") == nil)
  }

  @Test func oneUnitHasNoInterval() throws {
    let estimate = try #require(bootstrap.mean([0.4], stream: "one"))
    #expect(estimate == Estimate(value: 0.4, interval: nil, count: 1))
    #expect(bootstrap.mean([], stream: "none") == nil)
  }

  @Test func mostlyUndefinedStatisticHasNoInterval() {
    #expect(bootstrap.interval(unitCount: 2, stream: "n") { $0[0] == 2 ? .nan : 1 } == nil)
    let rare = bootstrap.interval(unitCount: 9, stream: "n") { $0[0] >= 5 ? .nan : 1 }
    #expect(rare == Interval(low: 1, high: 1))
  }

  @Test func multiplicitiesSumToTheUnits() {
    var totals = Set<Int>()
    _ = bootstrap.interval(unitCount: 13, stream: "m") { multiplicities in
      totals.insert(multiplicities.reduce(0, +))
      return 0
    }
    #expect(totals == [13])
  }
}
