import Foundation
import LabCore

/// Draws objects that come before the subject in a random order of all entities, so that no circle
/// arises.
struct AcyclicSampler: Sendable {
  /// Entity (place in its type) by position in the order, and the inverse.
  private let order: [Int32]
  private let positions: [Int32]
  /// Sums of the popularity of the first entities of the order; one more than there are entities.
  private let sums: [Double]
  private static let patience = 64

  init(_ objects: ObjectSampler, stream: RandomStream) {
    var stream = stream
    var order = (0..<objects.count).map { Int32($0) }
    stream.shuffle(&order)
    var positions = [Int32](repeating: 0, count: order.count)
    var sums = [0.0]
    sums.reserveCapacity(order.count + 1)
    for (position, object) in order.enumerated() {
      positions[Int(object)] = Int32(position)
      sums.append(sums[position] + objects.popularity(of: object))
    }
    self.order = order
    self.positions = positions
    self.sums = sums
  }

  /// How many objects a subject can have.
  func available(to subject: Int32) -> Int { Int(positions[Int(subject)]) }

  /// Draws up to `number` distinct objects; `body` is called with each and its bits.
  func draw(
    _ number: Int, for subject: Int32, _ stream: inout RandomStream,
    _ body: (Int32, Double) -> Void
  ) {
    let limit = available(to: subject)
    var taken: Set<Int> = []
    var remaining = sums[limit]
    for _ in 0..<min(number, limit) {
      if remaining < 1e-6 * sums[limit] { remaining = remainder(limit, taken) }
      guard remaining > 0, let position = next(limit, taken, remaining, &stream) else { return }
      let weight = weight(position)
      body(order[position], max(0, -log2(min(1, weight / remaining))))
      taken.insert(position)
      remaining -= weight
    }
  }

  private func next(
    _ limit: Int, _ taken: Set<Int>, _ remaining: Double, _ stream: inout RandomStream
  ) -> Int? {
    for _ in 0..<Self.patience {
      let position = place(of: stream.uniform() * sums[limit], limit)
      if !taken.contains(position), weight(position) > 0 { return position }
    }
    var target = stream.uniform() * remaining
    var last: Int?
    for position in 0..<limit where !taken.contains(position) && weight(position) > 0 {
      last = position
      target -= weight(position)
      if target < 0 { break }
    }
    return last
  }

  private func weight(_ position: Int) -> Double { sums[position + 1] - sums[position] }

  private func remainder(_ limit: Int, _ taken: Set<Int>) -> Double {
    (0..<limit).reduce(0) { $0 + (taken.contains($1) ? 0 : weight($1)) }
  }

  private func place(of target: Double, _ limit: Int) -> Int {
    var low = 0
    var high = limit - 1
    while low < high {
      let middle = (low + high) / 2
      if sums[middle + 1] > target { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
