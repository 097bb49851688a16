import Analysis
import Foundation
import Testing

@Suite struct LearningRateTransferTests {
  /// Losses 1 + (log rate - log best)^2 with best = 0.3 n^exponent, at rates a factor sqrt 2 apart.
  private func sweep(_ exponent: Double) -> [Int: [LearningRateTrial]] {
    Dictionary(
      uniqueKeysWithValues: [64, 128, 256, 512].map { width in
        let best = 0.3 * pow(Double(width), exponent)
        return (
          width,
          (-30...4).map { step in
            let rate = pow(2, Double(step) / 2)
            return LearningRateTrial(
              learningRate: rate, initialLoss: 100, finalLoss: 1 + pow(log(rate / best), 2))
          }
        )
      })
  }

  @Test(arguments: [0, -0.5, -1])
  func exponentsAreFoundBetweenTheRates(exponent: Double) throws {
    let transfer = try #require(LearningRateTransfer.fit(sweep(exponent)))
    #expect(abs(transfer.slope.value - exponent) < 1e-9 && transfer.edgeCount == 0)
    let interval = try #require(transfer.slope.interval)
    #expect(interval.high - interval.low < 1e-6 && transfer.slope.count == 4)
  }

  @Test func verdictsFollowTheInterval() throws {
    let falls = try #require(LearningRateTransfer.fit(sweep(-0.5)))
    // The interval of a planted law has no width beyond rounding.
    #expect(falls.verdict(expecting: -0.51 ... -0.49) == .agrees)
    #expect(falls.verdict(expecting: 0...0) == .contradicts)
    #expect(falls.verdict(expecting: -1 ... -0.6) == .contradicts)
    let two = sweep(0).filter { $0.key < 200 }
    #expect(try #require(LearningRateTransfer.fit(two)).verdict(expecting: 0...0) == .open)
    let cut = sweep(0).mapValues { $0.filter { $0.learningRate < 0.1 } }
    #expect(try #require(LearningRateTransfer.fit(cut)).verdict(expecting: 0...0) == .open)
  }

  @Test func edgesAreCounted() throws {
    let cut = sweep(0).mapValues { $0.filter { $0.learningRate < 0.1 } }
    #expect(try #require(LearningRateTransfer.fit(cut)).edgeCount == 4)
    #expect(LearningRateTransfer.fit(cut.filter { $0.key == 64 }) == nil)
  }

  /// A diverged training counts with its loss before the first update, and never as the best.
  @Test func divergedTrialsAreNotBest() throws {
    let trials = [(0.1, 2.0), (0.2, 1.0), (0.4, nil)].map {
      LearningRateTrial(learningRate: $0.0, initialLoss: 3, finalLoss: $0.1)
    }
    let best = try #require(LearningRateTransfer.bestRate(trials))
    // The parabola through (0, 2), (1, 1), (2, 3) in steps of log 2 has its vertex at 5/6.
    #expect(abs(best.rate - 0.1 * pow(2, 5.0 / 6)) < 1e-12 && !best.isEdge)
  }
}
