import Foundation

/// The best of n draws by a reward, estimated from more draws than n.
package enum BestOfN {
  /// The chance that each of some draws is the best of `n` of them, drawn without replacement;
  /// those of one reward share it.
  ///
  /// A mean with these weights is an unbiased estimate of what the best of n fresh draws has. `n`
  /// is from 1 to the number of rewards.
  package static func weights(_ rewards: [Double], of n: Int) -> [Double] {
    precondition((1...max(1, rewards.count)).contains(n), "n is within the number of draws")
    // none[k]: the chance that all n are among k given draws, C(k, n) / C(M, n).
    var none = [Double](repeating: 0, count: rewards.count + 1)
    none[rewards.count] = 1
    for k in stride(from: rewards.count, to: n, by: -1) {
      none[k - 1] = none[k] * Double(k - n) / Double(k)
    }
    let order = rewards.indices.sorted { rewards[$0] < rewards[$1] }
    var weights = [Double](repeating: 0, count: rewards.count)
    var start = 0
    while start < order.count {
      let end = order[start...].firstIndex { rewards[$0] > rewards[order[start]] } ?? order.count
      let share = (none[end] - none[start]) / Double(end - start)
      for place in start..<end { weights[order[place]] = share }
      start = end
    }
    return weights
  }

  /// Divergence in nats of the best of n from one draw, where no two rewards are equal: log n -
  /// (n - 1) / n.
  package static func divergence(_ n: Int) -> Double { log(Double(n)) - Double(n - 1) / Double(n) }
}
