package import LabCore

extension ParameterLayout {
  /// Initial values of all parameters, a pure function of the seed, the tensor names and the
  /// scaling.
  ///
  /// Norms are 1. Embedding and read-out are normal with standard deviation 1/sqrt(C); matrices are
  /// normal, cut at two deviations, with 1/sqrt(inputs), and those that write into the residual
  /// stream are divided by sqrt(2 L) so that the stream keeps its scale at any depth (Radford et
  /// al. 2019). `scaling` multiplies these deviations.
  package func initialValues(seed: Seed, scaling: WidthScaling = .plain) -> [Float] {
    var values = [Float](repeating: 1, count: count)
    for tensor in tensors where tensor.role != .norm {
      var stream = seed.stream("model/\(tensor.name)")
      let scale = deviation(of: tensor) * scaling.deviationFactor(tensor.role)
      for index in tensor.offset..<(tensor.offset + tensor.count) {
        values[index] = Float(scale * truncatedNormal(&stream))
      }
    }
    return values
  }

  private func deviation(of tensor: ParameterTensor) -> Double {
    let inputs = Double(tensor.shape.last ?? 1)
    let base = 1 / inputs.squareRoot()
    return tensor.role == .output ? base / Double(2 * configuration.layerCount).squareRoot() : base
  }

  private func truncatedNormal(_ stream: inout RandomStream) -> Double {
    while true {
      let draw = stream.normal()
      if abs(draw) <= 2 { return draw }
    }
  }
}
