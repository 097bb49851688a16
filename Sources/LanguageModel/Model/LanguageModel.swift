package import Compute
import Foundation
package import LabCore

/// A decoder-only transformer: its shape and its parameters in one block.
package final class LanguageModel: Sendable {
  package let configuration: ModelConfiguration
  package let layout: ParameterLayout
  package let device: Device
  /// All parameters, in the order of `layout`.
  package let parameters: FloatSlice
  let views: ParameterViews
  let rotary: RotaryTable

  /// A model with given parameter values, in the order of its layout.
  ///
  /// Throws `LabError` when the shape is impossible or memory is short.
  package init(_ configuration: ModelConfiguration, values: [Float], on device: Device) throws {
    try configuration.validate()
    layout = ParameterLayout(configuration)
    precondition(
      values.count == layout.count, "\(values.count) values for \(layout.count) parameters")
    self.configuration = configuration
    self.device = device
    parameters = try DeviceBuffer<Float>(layout.count, on: device).all
    parameters.copyIn(values)
    views = ParameterViews(parameters, layout)
    rotary = try Self.rotaryTable(configuration, on: device)
  }

  /// A freshly initialised model, a pure function of shape, seed and scaling.
  package convenience init(
    _ configuration: ModelConfiguration, seed: Seed, scaling: WidthScaling = .plain,
    on device: Device
  ) throws {
    try configuration.validate()
    try scaling.validate(configuration)
    let values = ParameterLayout(configuration).initialValues(seed: seed, scaling: scaling)
    try self.init(configuration, values: values, on: device)
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
