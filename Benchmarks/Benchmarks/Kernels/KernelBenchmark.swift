package import Compute
import LabCore

/// Time of every op of a kernel table, on one thread, on the shapes of training.
///
/// The arrays of a call are used again and again, so that small ones are in the cache, as in a
/// training step.
package struct KernelBenchmark {
  /// What one op did on one shape.
  package struct Measurement: Codable, Sendable {
    /// Name in the kernel table.
    package let op: String
    package let shape: String
    package let precision: Precision
    /// Median seconds of a call.
    package let seconds: Double
    package let calls: Int
    /// Floating-point operations a second; nil for ops that have no matrix product inside.
    package let flopsPerSecond: Double?
    /// Part of the ceiling of matrix products of the same precision on one worker; nil as above.
    package let shareOfCeiling: Double?
    /// Bytes a second, each array counted once for each time it must be read or written.
    package let bytesPerSecond: Double
    /// Nanoseconds for each value of the op's main result.
    package let nanosecondsPerElement: Double

    enum CodingKeys: String, CodingKey {
      case op, shape, precision, seconds, calls
      case flopsPerSecond = "flops_per_second"
      case shareOfCeiling = "share_of_ceiling"
      case bytesPerSecond = "bytes_per_second"
      case nanosecondsPerElement = "nanoseconds_per_element"
    }
  }

  /// Everything that one run measured.
  package struct Result: Codable, Sendable {
    /// Ceilings on one worker, one for each precision.
    package let ceilings: [ProductCeiling]
    package let measurements: [Measurement]
    package let peakMemoryMiB: Double?

    enum CodingKeys: String, CodingKey {
      case ceilings
      case measurements = "rows"
      case peakMemoryMiB = "peak_memory_mib"
    }
  }

  private let device: Device
  private let precisions: [Precision]
  private let cases: [KernelCase]
  private let limits: StreamLimits

  /// Ops whose name contains one of `names` (all where there is none) at each width, for `rows`
  /// tokens.
  ///
  /// Ops without a matrix product are the same in every precision and are measured in the first
  /// only.
  package init(
    on device: Device, widths: [Int], rows: Int, precisions: [Precision], names: [String] = []
  ) {
    self.device = device
    self.precisions = precisions
    let shapes = widths.map { KernelShapes(rows: rows, width: $0) }
    let all = shapes.flatMap { $0.products + $0.layers + $0.attention } + KernelCase.losses(rows)
    cases = (all + KernelCase.updates).filter { one in
      names.isEmpty || names.contains { one.op.contains($0) }
    }
    limits = StreamLimits(
      maximumTokens: rows, maximumSequenceLength: rows,
      maximumWidth: max(KernelCase.vocabulary, (widths.max() ?? 1) * 6))
  }

  /// Measures each case for about `seconds`; `onProgress` is told the op under way.
  ///
  /// Throws `LabError` when memory is short.
  package func run(
    seconds: Double, onProgress: (String) -> Void = { _ in }
  ) throws -> Result {
    ProcessMemory.resetPeak()
    var rows: [(one: KernelCase, precision: Precision, timing: Timing, calls: Int)] = []
    for precision in precisions {
      for one in cases where one.dependsOnPrecision || precision == precisions.first {
        onProgress(one.op)
        let bench = try Workbench(on: device, precision: precision, limits: limits)
        let body = try one.prepare(bench)
        // Calls in one timing are so many that the clock does not matter.
        let first = Timing.collect(for: 0, warmUps: 1, atLeast: 1) { Timing.seconds(of: body) }
        let calls = max(1, Int(min(1e-4, seconds / 3) / first.median))
        let timing = Timing.collect(for: seconds) {
          Timing.seconds { for _ in 0..<calls { body() } }
        }
        rows.append((one, precision, timing, calls))
      }
    }
    let peak = ProcessMemory.peakMiB
    let ceilings = try precisions.map {
      try ProductCeiling.measure($0, workers: 1, on: device, seconds: min(0.5, 10 * seconds))
    }
    let measurements = rows.map { one, precision, timing, calls in
      let time = timing.median / Double(calls)
      let rate = one.flops.map { $0 / time }
      let ceiling = ceilings.first { $0.precision == precision }
      return Measurement(
        op: one.op, shape: one.shape, precision: precision, seconds: time,
        calls: calls * timing.seconds.count, flopsPerSecond: rate,
        shareOfCeiling: rate.flatMap { rate in ceiling.map { rate / $0.flopsPerSecond } },
        bytesPerSecond: Double(one.bytes) / time,
        nanosecondsPerElement: time * 1e9 / Double(one.elements))
    }
    return Result(ceilings: ceilings, measurements: measurements, peakMemoryMiB: peak)
  }
}
