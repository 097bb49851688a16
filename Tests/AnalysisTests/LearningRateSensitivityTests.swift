import Analysis
import Testing

@Suite struct LearningRateSensitivityTests {
  private func trial(_ rate: Double, _ loss: Double?, initial: Double = 5) -> LearningRateTrial {
    LearningRateTrial(learningRate: rate, initialLoss: initial, finalLoss: loss)
  }

  /// Losses 2, 1, 3 and 7 from 5: bounded 2, 1, 3, 5; over the best 1, 0, 2, 4; mean 7/4.
  @Test func isTheMeanExcessOverTheBest() throws {
    let result = try #require(
      LearningRateSensitivity([trial(0.1, 3), trial(0.001, 2), trial(0.01, 1), trial(1, 7)]))
    #expect(result.value == 1.75)
    #expect(result.bestLearningRate == 0.01 && result.bestLoss == 1)
    #expect(result.rateCount == 4 && result.divergedCount == 0)
  }

  /// What diverged, with no loss or one that is no number, counts with the loss before training.
  @Test(arguments: [nil, Double.nan, .infinity])
  func divergedTrainingsCountWithTheInitialLoss(loss: Double?) throws {
    let result = try #require(
      LearningRateSensitivity([trial(0.01, 1), trial(0.1, 2), trial(1, loss, initial: 4)]))
    #expect(abs(result.value - (0 + 1 + 3) / 3.0) < 1e-12)
    #expect(result.divergedCount == 1)
  }

  /// Seeds of one rate are averaged first: (1 + 2) / 2 is the best, 4 and 5 make 4.5.
  @Test func seedsAreAveragedForEachRate() throws {
    let result = try #require(
      LearningRateSensitivity([
        trial(0.01, 1), trial(0.01, 2), trial(0.1, 4), trial(0.1, nil, initial: 5),
      ]))
    #expect(result.value == 1.5 && result.bestLoss == 1.5)
    #expect(result.rateCount == 2 && result.divergedCount == 1)
  }

  @Test func oneRateOrOnlyDivergedTrainingsGiveNone() {
    #expect(LearningRateSensitivity([trial(0.1, 1), trial(0.1, 2)]) == nil)
    #expect(LearningRateSensitivity([trial(0.1, nil), trial(1, nil)]) == nil)
  }
}

@Suite struct LogLogSlopeTests {
  @Test func findsTheExponentOfAPowerLaw() throws {
    for exponent in [-1, -0.5, 0, 0.75] {
      let points = [32.0, 64, 128, 512].map { (x: $0, y: 3 * Self.power($0, exponent)) }
      #expect(abs(try #require(LogLogSlope.fit(points)) - exponent) < 1e-12)
    }
  }

  /// log2 of y is 0, 1, 3 over 0, 1, 2: slope 3/2.
  @Test func isLeastSquares() throws {
    let slope = try #require(LogLogSlope.fit([(x: 1, y: 1), (x: 2, y: 2), (x: 4, y: 8)]))
    #expect(abs(slope - 1.5) < 1e-12)
  }

  @Test func needsPositiveValuesAtDifferentPlaces() {
    #expect(LogLogSlope.fit([(x: 2, y: 1), (x: 2, y: 3)]) == nil)
    #expect(LogLogSlope.fit([(x: 1, y: 0), (x: 2, y: 3)]) == nil)
    #expect(LogLogSlope.fit([(x: 1, y: .nan), (x: 2, y: 3)]) == nil)
    #expect(LogLogSlope.fit([]) == nil)
  }

  /// Powers whose exponents are quarters, by square roots.
  private static func power(_ x: Double, _ exponent: Double) -> Double {
    let root = x.squareRoot().squareRoot()
    let quarters = Int(exponent * 4)
    let value = (0..<abs(quarters)).reduce(1.0) { product, _ in product * root }
    return quarters < 0 ? 1 / value : value
  }
}
