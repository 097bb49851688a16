import Analysis
import Testing

@Suite struct StudentTTests {
  /// Values of SciPy: `scipy.stats.t.cdf(x, degrees)`.
  @Test(arguments: [
    (-3, 1, 0.10241638234956672), (0.1, 1, 0.5317255174305535), (40, 1, 0.9920439100879742),
    (-0.5, 2, 0.33333333333333337), (2, 5, 0.9490302605850708), (-3, 16, 0.004239749709823999),
    (0, 16, 0.5), (2, 2.5, 0.9213042521210171), (-3, 200, 0.0015215235569529524),
  ])
  func cumulativeEqualsSciPy(x: Double, degrees: Double, expected: Double) {
    #expect(abs(StudentT.cumulative(x, degrees: degrees) - expected) < 1e-12)
  }

  /// Values of SciPy: `scipy.stats.t.ppf(probability, degrees)`.
  @Test(arguments: [
    (0.975, 1, 12.706204736174694), (0.975, 2, 4.302652729749462),
    (0.975, 16, 2.1199052992212546), (0.9, 7, 1.4149239276505086), (0.025, 4, -2.7764451051977943),
    (0.995, 30, 2.7499956535672254),
  ])
  func quantileEqualsSciPy(probability: Double, degrees: Double, expected: Double) {
    let quantile = StudentT.quantile(probability, degrees: degrees)
    #expect(abs(quantile - expected) < 1e-9 * abs(expected))
  }

  /// Values of SciPy: `t.interval(0.95, 3, loc=mean, scale=sem)`.
  @Test func meanHasItsInterval() throws {
    let estimate = try #require(StudentT.mean([0.1, 0.15, 0.08, 0.2]))
    let interval = try #require(estimate.interval)
    #expect(abs(estimate.value - 0.1325) < 1e-15 && estimate.count == 4)
    #expect(abs(interval.low - 0.046933217155559925) < 1e-12)
    #expect(abs(interval.high - 0.2180667828444401) < 1e-12)
  }

  @Test func fewValuesHaveNoInterval() {
    #expect(StudentT.mean([]) == nil)
    #expect(StudentT.mean([2])?.value == 2)
    #expect(StudentT.mean([2])?.interval == nil)
  }
}
