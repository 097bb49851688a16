package import Compute
import LabCore

/// The fastest rate of matrix products that this machine shows at the moment: what other rates are
/// a share of.
///
/// Every worker multiplies square matrices of its own by `linear` of the kernel table, all at once,
/// at each of a few sizes; the ceiling is the best rate of all rounds of all sizes. As in a model,
/// weights are packed beforehand, and in bfloat16 the rounding of the input is part of the product.
package struct ProductCeiling: Codable, Hashable, Sendable {
  package let precision: Precision
  package let workers: Int
  /// Floating-point operations a second of all workers together, two for each multiply-add.
  package let flopsPerSecond: Double
  /// Rows, inputs and outputs of the product that was fastest.
  package let size: Int

  enum CodingKeys: String, CodingKey {
    case precision, workers, size
    case flopsPerSecond = "flops_per_second"
  }

  /// Rows, inputs and outputs of the products tried; smaller ones only where time is very short.
  package static func sizes(for seconds: Double) -> [Int] {
    seconds < 0.02 ? [256] : seconds < 0.2 ? [512] : [256, 512, 1024, 2048]
  }

  /// Measures for about `seconds`, at least three rounds of each size.
  ///
  /// Throws `LabError` when memory is short.
  package static func measure(
    _ precision: Precision, workers: Int, on device: Device = .cpu, seconds: Double
  ) throws -> ProductCeiling {
    let sizes = sizes(for: seconds)
    let largest = sizes.max() ?? 1
    let limits = StreamLimits(
      maximumTokens: largest, maximumSequenceLength: 1, maximumWidth: largest)
    let pool = try WorkerPool(workerCount: workers)
    let lanes = try (0..<workers).map { lane in
      try Workbench(on: device, precision: precision, limits: limits, seed: Seed(UInt64(lane)))
    }
    let matrices = try lanes.map { lane in
      try (0..<2).map { _ in try lane.floats(largest * largest) }
    }
    var best = (rate: 0.0, size: sizes.first ?? 0)
    for size in sizes {
      let weights = try lanes.map { try $0.packed(size, size) }
      func round(_ repetitions: Int) -> Double {
        Timing.seconds {
          pool.run(pieces: workers) { worker, _ in
            let (out, input) = (matrices[worker][0], matrices[worker][1])
            for _ in 0..<repetitions {
              lanes[worker].stream.linear(
                out, input: input, weight: weights[worker], rows: size)
            }
          }
        }
      }
      // A round is long beside the start of a worker.
      let repetitions = max(1, Int(0.01 / min(round(1), round(1))))
      let timing = Timing.collect(for: seconds / Double(sizes.count)) { round(repetitions) }
      let fastest = timing.seconds.min() ?? .infinity
      let rate = Double(workers * repetitions) * Self.flops(size) / fastest
      if rate > best.rate { best = (rate, size) }
    }
    return ProductCeiling(
      precision: precision, workers: workers, flopsPerSecond: best.rate, size: best.size)
  }

  private static func flops(_ size: Int) -> Double {
    2 * Double(size) * Double(size) * Double(size)
  }
}
