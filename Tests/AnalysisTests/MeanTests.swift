import Analysis
import Testing

@Suite struct MeanTests {
  @Test func sumIsCompensated() {
    #expect(Mean.sum([1, 1e100, 1, -1e100]) == 2)
    #expect(Mean.sum(Array(repeating: 0.1, count: 10)) == 1)
    #expect(Mean.sum([.infinity, 1]) == .infinity)
  }

  @Test func meansAndSpread() {
    #expect(Mean.of([]) == nil)
    #expect(Mean.of([1, 2, 6]) == 3)
    #expect(Mean.weighted([1, 3], by: [3, 1]) == 1.5)
    #expect(Mean.weighted([1, 3], by: [0, 0]) == nil)
    #expect(Mean.standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]) == (32.0 / 7).squareRoot())
    #expect(Mean.standardDeviation([2]) == nil)
  }

  /// Values of numpy: `np.quantile([1.25, 3.5, 4, 4, 7.75, 9], share)`.
  @Test(arguments: [
    (0, 1.25), (0.025, 1.53125), (0.1, 2.375), (0.5, 4), (0.9, 8.375), (0.975, 8.84375), (1, 9),
  ])
  func quantileEqualsNumpy(share: Double, expected: Double) throws {
    let quantile = try #require(Mean.quantile(share, ofSorted: [1.25, 3.5, 4, 4, 7.75, 9]))
    #expect(abs(quantile - expected) < 1e-14)
  }

  @Test func quantileOfNothingIsNil() { #expect(Mean.quantile(0.5, ofSorted: []) == nil) }
}
