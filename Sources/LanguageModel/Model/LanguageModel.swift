package import Compute
import Foundation
package import LabCore

/// A decoder-only transformer: its shape and its parameters in one block.
package final class LanguageModel: Sendable {
  package let configuration: ModelConfiguration
  package let layout: ParameterLayout
  package let device: Device
  /// Arithmetic of its matrix products.
  package let precision: Precision
  /// All parameters, in the order of `layout`; whoever changes them calls `pack` before the next
  /// pass.
  package let parameters: FloatSlice
  let views: ParameterViews
  let rotary: RotaryTable

  /// A model with given parameter values, in the order of its layout.
  ///
  /// Throws `LabError` when the shape is impossible or memory is short.
  package convenience init(
    _ configuration: ModelConfiguration, values: [Float], precision: Precision = .fp32,
    on device: Device
  ) throws {
    try configuration.validate()
    let layout = ParameterLayout(configuration)
    precondition(
      values.count == layout.count, "\(values.count) values for \(layout.count) parameters")
    let parameters = try DeviceBuffer<Float>(layout.count, on: device).all
    parameters.copyIn(values)
    try self.init(configuration, parameters, precision, Self.rotaryTable(configuration, on: device))
  }

  private init(
    _ configuration: ModelConfiguration, _ parameters: FloatSlice, _ precision: Precision,
    _ rotary: RotaryTable
  ) throws {
    self.configuration = configuration
    self.parameters = parameters
    self.precision = precision
    self.rotary = rotary
    device = parameters.buffer.device
    layout = ParameterLayout(configuration)
    views = try ParameterViews(parameters, layout) { try $0.packable(for: precision) }
    let stream = try KernelStream(
      on: device, precision: precision, limits: configuration.streamLimits(maximumTokens: 1))
    for matrix in views.matrices { stream.pack(matrix) }
  }

  /// The same parameters, not copied, with products in `precision`.
  package func inPrecision(_ precision: Precision) throws -> LanguageModel {
    precision == self.precision
      ? self : try LanguageModel(configuration, parameters, precision, rotary)
  }

  /// Brings what products read up to date with `parameters`; each worker has its stream in
  /// `streams`.
  package func pack(on pool: WorkerPool, streams: [KernelStream]) {
    let stale = views.matrices.filter { $0.packed != nil }
    pool.run(pieces: stale.count) { worker, index in streams[worker].pack(stale[index]) }
  }

  /// Bytes of what products read beside the parameters themselves.
  package static func packedByteCount(
    _ configuration: ModelConfiguration, _ precision: Precision, on device: Device
  ) -> Int {
    let width = configuration.modelDimension
    let hidden = configuration.feedForwardDimension
    func bytes(_ outputs: Int, _ inputs: Int) -> Int {
      device.packedBytes(precision, outputs: outputs, inputs: inputs)
    }
    let layer =
      bytes(3 * width, width) + bytes(width, width) + bytes(configuration.fusedDimension, width)
    return configuration.layerCount * (layer + bytes(width, hidden))
      + bytes(configuration.vocabularySize, width)
  }

  /// A freshly initialised model, a pure function of shape, seed and scaling.
  package convenience init(
    _ configuration: ModelConfiguration, seed: Seed, scaling: WidthScaling = .plain,
    precision: Precision = .fp32, on device: Device
  ) throws {
    try configuration.validate()
    try scaling.validate(configuration)
    let values = ParameterLayout(configuration).initialValues(seed: seed, scaling: scaling)
    try self.init(configuration, values: values, precision: precision, on: device)
  }

  var heads: HeadShape {
    HeadShape(headCount: configuration.headCount, headDimension: configuration.headDimension)
  }

  /// Frequencies base^(-2i/HS) for i in 0 ..< HS/2, the half-split layout of Hugging Face Llama.
  private static func rotaryTable(
    _ configuration: ModelConfiguration, on device: Device
  ) throws -> RotaryTable {
    let half = configuration.headDimension / 2
    let count = configuration.contextLength * half
    let angles = (0..<count).map { index in
      let exponent = -Double(index % half) / Double(half)
      return Double(index / half) * pow(ModelConfiguration.rotaryBase, exponent)
    }
    let cosines = try DeviceBuffer<Float>(count, on: device).all
    let sines = try DeviceBuffer<Float>(count, on: device).all
    cosines.copyIn(angles.map { Float(cos($0)) })
    sines.copyIn(angles.map { Float(sin($0)) })
    return RotaryTable(cosines: cosines, sines: sines)
  }
}
