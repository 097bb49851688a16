package import Compute

/// A gradient with respect to all parameters of a model, in one block of the parameters' layout.
package struct Gradients: Sendable {
  /// All values, in the order of the model's layout.
  package let values: FloatSlice
  let views: ParameterViews

  /// Allocates zeros.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ layout: ParameterLayout, on device: Device) throws {
    values = try DeviceBuffer<Float>(layout.count, on: device).all
    views = try ParameterViews(values, layout) { $0 }
  }
}
