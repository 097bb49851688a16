import LabCore

/// Draws an index in proportion to fixed weights in constant time (Walker 1977, Vose 1991).
struct AliasTable: Sendable {
  /// The exact probability of each index.
  let probabilities: [Double]
  private let thresholds: [Double]
  private let aliases: [Int32]

  /// `weights` are non-negative with a positive sum.
  init(weights: [Double]) {
    let total = weights.reduce(0, +)
    precondition(total > 0 && total.isFinite, "weights need a positive, finite sum")
    let count = weights.count
    probabilities = weights.map { $0 / total }
    var scaled = probabilities.map { $0 * Double(count) }
    var thresholds = [Double](repeating: 1, count: count)
    let heaviest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
    var aliases = [Int32](repeating: Int32(heaviest), count: count)
    var small = scaled.indices.filter { scaled[$0] < 1 }
    var large = scaled.indices.filter { scaled[$0] >= 1 }
    while let low = small.popLast() {
      guard let high = large.last else {
        // Rounding left this one over: it is nearly 1, or as light as its weight says.
        thresholds[low] = scaled[low] > 0.5 ? 1 : scaled[low]
        continue
      }
      thresholds[low] = scaled[low]
      aliases[low] = Int32(high)
      scaled[high] -= 1 - scaled[low]
      if scaled[high] < 1 {
        large.removeLast()
        small.append(high)
      }
    }
    self.thresholds = thresholds
    self.aliases = aliases
  }

  func draw(_ stream: inout RandomStream) -> Int {
    let index = stream.below(probabilities.count)
    return stream.uniform() < thresholds[index] ? index : Int(aliases[index])
  }
}
