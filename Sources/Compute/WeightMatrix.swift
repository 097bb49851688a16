/// A weight matrix (outputs, inputs) of a linear map, or its gradient.
package struct WeightMatrix: Sendable {
  /// Row-major values.
  package let values: FloatSlice
  package let outputs: Int
  package let inputs: Int
  /// The values as products read them fastest; made by `KernelStream.pack`, stale once the values
  /// change.
  package let packed: Slice<UInt8>?

  /// A matrix whose values are used as they are.
  package init(_ values: FloatSlice, outputs: Int, inputs: Int, packed: Slice<UInt8>? = nil) {
    precondition(
      values.count == outputs * inputs, "\(values.count) values for \(outputs) x \(inputs)")
    self.values = values
    self.outputs = outputs
    self.inputs = inputs
    self.packed = packed
  }

  /// The same matrix with memory for its packed form, where the device's products of `precision`
  /// have one.
  package func packable(for precision: Precision) throws -> WeightMatrix {
    let device = values.buffer.device
    let bytes = device.packedBytes(precision, outputs: outputs, inputs: inputs)
    guard bytes > 0 else { return self }
    let packed = try DeviceBuffer<UInt8>(bytes, on: device).all
    return WeightMatrix(values, outputs: outputs, inputs: inputs, packed: packed)
  }
}
