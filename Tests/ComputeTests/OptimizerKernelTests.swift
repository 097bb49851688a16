import Compute
import Foundation
import Testing

/// Optimiser steps on one parameter, computed in double precision from the formulas alone.
private struct ClosedForm {
  var parameter: Double
  var first = 0.0
  var second = 0.0
  let beta1 = 0.9
  let beta2 = 0.95

  /// Moments after one more gradient, then their corrected values at step `number`, counted from 1.
  mutating func moments(_ gradient: Double, _ number: Int) -> (mean: Double, root: Double) {
    first = beta1 * first + (1 - beta1) * gradient
    second = beta2 * second + (1 - beta2) * gradient * gradient
    return (
      first / (1 - pow(beta1, Double(number))),
      (second / (1 - pow(beta2, Double(number)))).squareRoot()
    )
  }
}

@Suite struct OptimizerKernelTests {
  private static let devices = [Device.cpu, .reference]
  private static let gradients: [[Double]] = [
    [0.5, -0.25, 3, 0, 1e-3], [-2, -0.25, 3, 0, 1e-3], [0.125, -0.25, -1, 0, 1e-3],
    [0.125, -0.25, 0.5, 0, 1e-3],
  ]
  private static let start: [Double] = [1, -2, 0.5, 3, 0]

  private func slice(_ values: [Double], on device: Device) throws -> FloatSlice {
    let slice = try DeviceBuffer<Float>(values.count, on: device).all
    slice.copyIn(values.map(Float.init))
    return slice
  }

  private func stream(on device: Device) throws -> KernelStream {
    try KernelStream(
      on: device, precision: .fp32,
      limits: StreamLimits(maximumTokens: 16, maximumSequenceLength: 16, maximumWidth: 16))
  }

  /// Parameters after all steps with clipping scale 0.5, at rate 0.1 and decay 0.2.
  private func train(
    on device: Device,
    _ step: (KernelStream, FloatSlice, FloatSlice, FloatSlice, FloatSlice, Int) -> Void
  ) throws -> [Float] {
    let stream = try stream(on: device)
    let parameters = try slice(Self.start, on: device)
    let first = try slice([0, 0, 0, 0, 0], on: device)
    let second = try slice([0, 0, 0, 0, 0], on: device)
    for (index, gradient) in Self.gradients.enumerated() {
      step(stream, parameters, first, second, try slice(gradient, on: device), index + 1)
    }
    return parameters.copyOut()
  }

  /// The same in double precision; `update` turns corrected moments into the step at rate 1.
  private func expected(_ update: (Double, Double) -> Double) -> [Double] {
    Self.start.indices.map { column in
      var one = ClosedForm(parameter: Self.start[column])
      for (index, gradient) in Self.gradients.enumerated() {
        let (mean, root) = one.moments(0.5 * gradient[column], index + 1)
        let step = update(mean, root)
        one.parameter -= 0.1 * (step + 0.2 * one.parameter)
      }
      return one.parameter
    }
  }

  @Test(arguments: devices)
  func adamWFollowsItsFormula(device: Device) throws {
    let got = try train(on: device) { stream, parameters, first, second, gradient, number in
      stream.adam(
        parameters: parameters, first: first, second: second, gradient: gradient,
        scalars: AdamScalars(
          .adamW(epsilon: 1e-3), learningRate: 0.1, beta1: 0.9, beta2: 0.95, weightDecay: 0.2,
          correction1: Float(1 - pow(0.9, Double(number))),
          correction2: Float(1 - pow(0.95, Double(number))), gradientScale: 0.5))
    }
    for (got, want) in zip(got, expected { mean, root in mean / (root + 1e-3) }) {
      #expect(abs(Double(got) - want) < 3e-6, "\(got) against \(want)")
    }
  }

  @Test(arguments: devices)
  func adamAtan2FollowsItsFormula(device: Device) throws {
    let got = try train(on: device) { stream, parameters, first, second, gradient, number in
      stream.adam(
        parameters: parameters, first: first, second: second, gradient: gradient,
        scalars: AdamScalars(
          .atan2(scale: 1.27, ratio: 0.8), learningRate: 0.1, beta1: 0.9, beta2: 0.95,
          weightDecay: 0.2,
          correction1: Float(1 - pow(0.9, Double(number))),
          correction2: Float(1 - pow(0.95, Double(number))), gradientScale: 0.5))
    }
    for (got, want) in zip(got, expected { mean, root in 1.27 * atan2(mean, 0.8 * root) }) {
      #expect(abs(Double(got) - want) < 3e-6, "\(got) against \(want)")
    }
  }

  /// With betas of 1 the moments stay, so that the step is the angle of two given numbers.
  @Test(arguments: devices)
  func anglesAreWithinTheStatedError(device: Device) throws {
    var means: [Double] = []
    var squares: [Double] = []
    for power in stride(from: -24.0, through: 24, by: 0.0625) {
      for sign in [1.0, -1] {
        means.append(Double(Float(sign * pow(2, power))))
        squares.append(1)
      }
    }
    let count = means.count
    let parameters = try slice([Double](repeating: 0, count: count), on: device)
    try stream(on: device).adam(
      parameters: parameters, first: slice(means, on: device), second: slice(squares, on: device),
      gradient: slice([Double](repeating: 0, count: count), on: device),
      scalars: AdamScalars(
        .atan2(scale: 1, ratio: 1), learningRate: 1, beta1: 1, beta2: 1, weightDecay: 0,
        correction1: 1,
        correction2: 1, gradientScale: 1))
    for (got, mean) in zip(parameters.copyOut(), means) {
      let want = -atan2(mean, 1)
      #expect(abs(Double(got) - want) < 4e-7, "atan2(\(mean), 1): \(got)")
    }
  }

  /// A step doesn't see the gradient's scale: the reason for having no epsilon.
  @Test(arguments: devices)
  func adamAtan2DoesNotSeeTheScale(device: Device) throws {
    func parameters(times factor: Double) throws -> [Float] {
      let stream = try stream(on: device)
      let parameters = try slice([0, 0], on: device)
      let first = try slice([0, 0], on: device)
      let second = try slice([0, 0], on: device)
      for number in 1...3 {
        stream.adam(
          parameters: parameters, first: first, second: second,
          gradient: try slice([factor * Double(number), -factor / Double(number)], on: device),
          scalars: AdamScalars(
            .atan2(scale: 1.27, ratio: 1), learningRate: 1, beta1: 0.9, beta2: 0.95, weightDecay: 0,
            correction1: Float(1 - pow(0.9, Double(number))),
            correction2: Float(1 - pow(0.95, Double(number))), gradientScale: 1))
      }
      return parameters.copyOut()
    }
    let one = try parameters(times: 1)
    for factor in [1e-13, 1e-6, 1e6] {
      for (a, b) in zip(one, try parameters(times: factor)) { #expect(abs(a - b) < 3e-6) }
    }
    // Three steps of nearly 1.27 pi / 4 each.
    #expect(abs(one[0] + 3) < 0.1)
  }
}
