import Analysis
import Foundation
import Testing

/// The unbiased estimate of what the best of n draws has.
struct BestOfNTests {
  /// Against all subsets of the draws.
  @Test func weightsAreThoseOfAllSubsets() {
    let rewards = [0.3, -1, 0.3, 2, 0, 0.3, 2]
    for n in 1...rewards.count {
      var counts = [Double](repeating: 0, count: rewards.count)
      var total = 0.0
      for subset in 0..<(1 << rewards.count) where subset.nonzeroBitCount == n {
        let own = rewards.indices.filter { subset >> $0 & 1 == 1 }
        let best = own.map { rewards[$0] }.max() ?? 0
        let winners = own.filter { rewards[$0] == best }
        for winner in winners { counts[winner] += 1 / Double(winners.count) }
        total += 1
      }
      let weights = BestOfN.weights(rewards, of: n)
      for (weight, count) in zip(weights, counts) { #expect(abs(weight - count / total) < 1e-12) }
    }
  }

  /// With the truth as reward, the share of wrong answers over all that can be drawn is (1 - p)^n.
  @Test func truthAsRewardIsExact() {
    let (right, draws) = (0.3, 9)
    for n in 1...draws {
      var rate = 0.0
      for outcome in 0..<(1 << draws) {
        let rewards = (0..<draws).map { Double(outcome >> $0 & 1) }
        let count = Double(outcome.nonzeroBitCount)
        let chance = pow(right, count) * pow(1 - right, Double(draws) - count)
        let weights = BestOfN.weights(rewards, of: n)
        rate += chance * zip(weights, rewards).reduce(0) { $0 + $1.0 * (1 - $1.1) }
      }
      #expect(abs(rate - pow(1 - right, Double(n))) < 1e-12)
    }
  }

  /// Against the sum over the ranks of a continuous reward: the best of n has density n F^(n-1).
  @Test(arguments: [1, 2, 8, 100]) func divergenceIsThatOfTheBest(n: Int) {
    // Integral over F of n F^(n-1) log(n F^(n-1)), by the midpoint rule.
    let steps = 200_000
    let sum = (0..<steps).reduce(0.0) { sum, step in
      let place = (Double(step) + 0.5) / Double(steps)
      let density = Double(n) * pow(place, Double(n - 1))
      return density > 0 ? sum + density * log(density) / Double(steps) : sum
    }
    #expect(abs(BestOfN.divergence(n) - sum) < 1e-4)
  }
}
