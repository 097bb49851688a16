package import Compute
package import LabCore

/// A stream and made-up numbers for it to work on.
package final class Workbench {
  package let stream: KernelStream
  private var random: RandomStream

  /// Throws `LabError` when memory is short.
  package init(
    on device: Device, precision: Precision, limits: StreamLimits, seed: Seed = Seed(0)
  ) throws {
    stream = try KernelStream(on: device, precision: precision, limits: limits)
    random = seed.stream("workbench")
  }

  /// `count` numbers, evenly spread over [-0.5, 0.5).
  package func floats(_ count: Int) throws -> FloatSlice {
    let slice = try DeviceBuffer<Float>(count, on: stream.device).all
    // A few thousand draws again and again are as good as millions, and quick.
    let draws = (0..<min(count, 4_099)).map { _ in Float(random.below(4_096)) / 4_096 - 0.5 }
    for start in stride(from: 0, to: count, by: max(draws.count, 1)) {
      slice.slice(start, min(draws.count, count - start)).copyIn(
        Array(draws.prefix(count - start)))
    }
    return slice
  }

  /// A weight matrix, packed for the stream's precision where products have such a form.
  package func packed(_ outputs: Int, _ inputs: Int) throws -> WeightMatrix {
    let plain = WeightMatrix(try floats(outputs * inputs), outputs: outputs, inputs: inputs)
    let weight = try plain.packable(for: stream.precision)
    stream.pack(weight)
    return weight
  }

  /// `count` numbers in 0 ..< `bound`.
  package func integers(_ count: Int, below bound: Int) throws -> IntSlice {
    try integers((0..<count).map { _ in Int32(random.below(bound)) })
  }

  /// The given numbers in the device's memory.
  package func integers(_ values: [Int32]) throws -> IntSlice {
    let slice = try DeviceBuffer<Int32>(values.count, on: stream.device).all
    slice.copyIn(values)
    return slice
  }
}
