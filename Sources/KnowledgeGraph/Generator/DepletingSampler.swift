import Foundation
import LabCore

/// Draws objects in proportion to weights, each at most once: what an inverse-functional predicate
/// has left.
///
/// A Fenwick tree over the weights, so that a draw and a removal take logarithmic time.
struct DepletingSampler {
  private var tree: [Double]
  private var weights: [Double]
  private(set) var remainingCount: Int
  private let highestBit: Int

  init(weights: [Double]) {
    self.weights = weights
    remainingCount = weights.count { $0 > 0 }
    tree = [0] + weights
    for index in 1..<tree.count {
      let parent = index + (index & -index)
      if parent < tree.count { tree[parent] += tree[index] }
    }
    highestBit = weights.isEmpty ? 0 : 1 << (Int.bitWidth - 1 - weights.count.leadingZeroBitCount)
  }

  /// Draws one object other than `excluded` without removing it, with its bits; nil where none is
  /// left.
  func draw(
    excluding excluded: [Int32], _ stream: inout RandomStream
  ) -> (object: Int32, bits: Double)? {
    let barred = Set(excluded).filter { weights[Int($0)] > 0 }
    guard remainingCount > barred.count else { return nil }
    let total = sum(to: weights.count) - barred.reduce(0) { $0 + weights[Int($1)] }
    while true {
      let object = Int32(place(of: stream.uniform() * sum(to: weights.count)))
      // Rounding can end at an object that is gone; both cases draw again.
      guard weights[Int(object)] > 0, !barred.contains(object) else { continue }
      return (object, max(0, -log2(min(1, weights[Int(object)] / total))))
    }
  }

  mutating func remove(_ object: Int32) {
    let weight = weights[Int(object)]
    guard weight > 0 else { return }
    weights[Int(object)] = 0
    remainingCount -= 1
    var index = Int(object) + 1
    while index < tree.count {
      tree[index] -= weight
      index += index & -index
    }
  }

  private func sum(to count: Int) -> Double {
    var sum = 0.0
    var index = count
    while index > 0 {
      sum += tree[index]
      index -= index & -index
    }
    return sum
  }

  /// The first object at which the running sum of the weights goes above `target`.
  private func place(of target: Double) -> Int {
    var place = 0
    var rest = target
    var bit = highestBit
    while bit > 0 {
      let next = place + bit
      if next < tree.count, tree[next] <= rest {
        place = next
        rest -= tree[next]
      }
      bit >>= 1
    }
    return min(place, weights.count - 1)
  }
}
