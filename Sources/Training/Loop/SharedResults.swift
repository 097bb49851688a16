import Synchronization

/// One number from each piece of parallel work, kept by piece so that sums do not depend on timing.
final class SharedResults: Sendable {
  private let storage: Mutex<[Double]>

  init(count: Int) { storage = Mutex([Double](repeating: 0, count: count)) }

  func set(_ index: Int, _ value: Double) { storage.withLock { $0[index] = value } }

  var values: [Double] { storage.withLock { $0 } }
}
