import Analysis
import Testing

@Suite struct WilsonTests {
  /// Values of scipy 1.17.1: `binomtest(k, n).proportion_ci(confidence, method="wilson")`.
  @Test(arguments: [
    (0, 10, 0.95, 0.0, 0.27753279986288926), (10, 10, 0.95, 0.7224672001371109, 1.0),
    (1, 10, 0.95, 0.017876213095072896, 0.4041500267952385),
    (3, 7, 0.9, 0.18644319036395607, 0.7105229089864071),
    (50, 100, 0.95, 0.4038315303659956, 0.5961684696340044),
    (4, 1200, 0.95, 0.0012970085081069308, 0.008539385423943096),
    (679, 1200, 0.99, 0.5287158056775455, 0.6022268684031323),
    (1, 1, 0.95, 0.20654931437723745, 1.0),
    (13, 100_000, 0.95, 7.597755381946863e-05, 0.00022242557135429935),
  ])
  func equalsScipy(
    successes: Int, trials: Int, confidence: Double, low: Double, high: Double
  ) {
    let interval = Wilson.interval(successes: successes, trials: trials, confidence: confidence)
    #expect(abs(interval.low - low) <= 1e-13 * max(low, 1e-3))
    #expect(abs(interval.high - high) <= 1e-13)
    #expect(interval.confidence == confidence)
  }

  @Test func endsAreExact() {
    #expect(Wilson.interval(successes: 0, trials: 1200).low == 0)
    #expect(Wilson.interval(successes: 1200, trials: 1200).high == 1)
  }

  @Test func withoutTrialsNothingIsKnown() {
    #expect(Wilson.interval(successes: 0, trials: 0) == Interval(low: 0, high: 1))
    #expect(Wilson.estimate(successes: 0, trials: 0) == nil)
  }

  @Test func rateAndCountsAgree() throws {
    let estimate = try #require(Wilson.estimate(successes: 30, trials: 120))
    #expect(estimate.value == 0.25)
    #expect(estimate.count == 120)
    #expect(estimate.interval == Wilson.interval(rate: 0.25, trials: 120))
  }

  /// Values of scipy 1.17.1: `norm.ppf(p)`.
  @Test(arguments: [
    (0.975, 1.959963984540054), (0.995, 2.5758293035489004), (0.9, 1.2815515655446004),
    (1e-6, -4.753424308822899), (1e-12, -7.034483825301131), (0.5001, 0.0002506628300880075),
    (0.3, -0.5244005127080409), (0.5, 0),
  ])
  func quantileEqualsScipy(probability: Double, expected: Double) {
    #expect(abs(Normal.quantile(probability) - expected) <= 1e-12 * max(1, abs(expected)))
    #expect(abs(Normal.cumulative(expected) - probability) <= 1e-12 * max(1e-2, probability))
  }
}
