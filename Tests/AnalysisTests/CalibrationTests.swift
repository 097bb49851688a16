import Analysis
import Testing

/// Forty confidences and outcomes drawn once with NumPy.
private let confidences = [
  0.086, 0.237, 0.801, 0.582, 0.094, 0.433, 0.479, 0.16, 0.735, 0.114, 0.391, 0.517, 0.431, 0.587,
  0.738, 0.956, 0.284, 0.649, 0.696, 0.293, 0.001, 0.973, 0.298, 0.314, 0.892, 0.585, 0.471, 0.773,
  0.03, 0.707, 0.374, 0.091, 0.661, 0.931, 0.207, 0.63, 0.298, 0.742, 0.722, 0.219,
]
private let rightOnes: Set = [2, 11, 13, 15, 17, 21, 25, 27, 33, 34, 35, 36, 37, 38]
private let outcomes = confidences.indices.map { rightOnes.contains($0) }

struct CalibrationTests {
  /// `sklearn.metrics.brier_score_loss`.
  @Test func brierEqualsScikitLearn() throws {
    #expect(abs(try #require(Calibration.brier(confidences, outcomes)) - 0.18700045) < 1e-12)
    #expect(Calibration.brier([], []) == nil)
    #expect(Calibration.brier([1, 0, 0.5], [true, false, true]) == 0.25 / 3)
  }

  /// Ten bins of equal width, right-closed as in `sklearn.calibration.calibration_curve`, by NumPy.
  @Test func equalWidthEqualsNumPy() throws {
    let bins = Calibration.reliability(confidences, outcomes, bins: 10, .equalWidth)
    #expect(bins.map(\.count) == [5, 2, 7, 3, 4, 4, 4, 6, 2, 3])
    #expect(bins.map(\.accuracy) == [0, 0, 2.0 / 7, 0, 0, 0.75, 0.5, 0.5, 0.5, 1])
    let means = [
      0.0604, 0.137, 0.2622857142857143, 0.35966666666666675, 0.4535, 0.56775, 0.659,
      0.7361666666666666, 0.8465, 0.9533333333333333,
    ]
    for (bin, mean) in zip(bins, means) { #expect(abs(bin.meanConfidence - mean) < 1e-12) }
    #expect(abs(try #require(Calibration.expectedError(bins)) - 0.1812) < 1e-12)
  }

  /// `sklearn.calibration.calibration_curve(strategy="uniform", n_bins=5)`.
  @Test func fiveBinsEqualScikitLearn() {
    let bins = Calibration.reliability(confidences, outcomes, bins: 5, .equalWidth)
    let accuracies = [0, 0.2, 0.375, 0.5, 0.8]
    let means = [0.08228571, 0.2915, 0.510625, 0.7053, 0.9106]
    for (bin, (accuracy, mean)) in zip(bins, zip(accuracies, means)) {
      #expect(abs(bin.accuracy - accuracy) < 1e-12)
      #expect(abs(bin.meanConfidence - mean) < 1e-8)
    }
  }

  /// Eight bins of five each, by NumPy.
  @Test func equalMassEqualsNumPy() throws {
    let bins = Calibration.reliability(confidences, outcomes, bins: 8, .equalMass)
    #expect(bins.map(\.count) == [Int](repeating: 5, count: 8))
    #expect(abs(try #require(Calibration.expectedError(bins)) - 0.1452) < 1e-12)
    #expect(bins[0].lower == 0.001 && bins[0].upper == 0.094)
  }

  /// Equal confidences are one bin, whatever their order.
  @Test func tiesStayTogether() {
    let bins = Calibration.reliability(
      [0.5, 0.5, 0.5, 0.5, 0.9, 0.5], [true, false, true, true, true, false], bins: 3, .equalMass)
    #expect(bins.map(\.count) == [5, 1])
    #expect(bins[0].accuracy == 0.6)
  }

  @Test func bordersBelongToTheBinBelow() {
    let values = [0, 0.1, 0.2, 0.3, 0.6, 0.7, 1]
    let bins = Calibration.reliability(
      values, values.map { _ in true }, bins: 10, .equalWidth)
    #expect(bins.map(\.upper) == [0.1, 0.2, 0.3, 0.6, 0.7, 1])
    #expect(bins.map(\.count) == [2, 1, 1, 1, 1, 1])
    #expect(Calibration.expectedError([]) == nil)
  }
}
