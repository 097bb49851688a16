import Analysis
import Testing

@Suite struct TrendTests {
  /// Values of SciPy: `linregress(x, y)`, and slope ± `t.ppf(0.975, 6) * stderr`.
  @Test func slopeAndIntervalEqualSciPy() throws {
    let x = [4, 4, 4.5, 4.5, 5, 5, 5.5, 6.5]
    let y = [0.9, 0.85, 0.8, 0.83, 0.7, 0.72, 0.66, 0.6]
    let trend = try #require(Trend.fit(zip(x, y).map { (x: $0, y: $1) }))
    let interval = try #require(trend.slope.interval)
    #expect(abs(trend.slope.value + 0.11846153846153847) < 1e-14)
    #expect(abs(trend.intercept - 1.335) < 1e-13)
    #expect(abs(interval.low + 0.15504570588449548) < 1e-12)
    #expect(abs(interval.high + 0.08187737103858145) < 1e-12)
    #expect(trend.slope.count == 8)
  }

  @Test func lineThroughTwoPointsHasNoInterval() throws {
    let trend = try #require(Trend.fit([(x: 1, y: 2), (x: 3, y: 6)]))
    #expect(trend.slope.value == 2 && trend.intercept == 0 && trend.slope.interval == nil)
  }

  @Test func oneXHasNoSlope() {
    #expect(Trend.fit([(x: 1, y: 2), (x: 1, y: 6)]) == nil)
    #expect(Trend.fit([]) == nil)
  }
}
