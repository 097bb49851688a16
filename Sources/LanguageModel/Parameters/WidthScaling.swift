import Foundation
import LabCore

/// A parameterisation at one width, as factors on what `plain` does.
package struct WidthScaling: Hashable, Sendable {
  package let parameterization: Parameterization
  package let alignment: Alignment
  package let family: UpdateFamily
  package let multipliers: Multipliers
  /// Width over the base width.
  package let relativeWidth: Double

  /// What `plain` does: all factors are 1.
  package static let plain = WidthScaling(.plain, alignment: .full, baseWidth: 1, width: 1)

  package init(
    _ parameterization: Parameterization, alignment: Alignment, family: UpdateFamily = .adam,
    multipliers: Multipliers = .folded, baseWidth: Int, width: Int
  ) {
    self.parameterization = parameterization
    self.alignment = alignment
    self.family = family
    self.multipliers = multipliers
    relativeWidth = Double(width) / Double(max(baseWidth, 1))
  }

  /// The exponents of parameters, which are the weights where multipliers are folded.
  private func exponents(_ kind: LayerKind) -> WidthExponents? {
    let exponents = parameterization.exponents(kind, alignment, for: family)
    return multipliers == .applied ? exponents : exponents?.withoutMultiplier(for: family)
  }

  /// What a parameter is multiplied by to be a weight.
  package func multiplier(_ role: ParameterTensor.Role) -> Double {
    exponents(role.layerKind).map { pow(relativeWidth, -$0.multiplier) } ?? 1
  }

  /// Multiplies the initial deviation that `plain` has at this width, which falls as n^-1/2; of
  /// weights, whatever becomes of multipliers.
  package func deviationFactor(_ role: ParameterTensor.Role) -> Double {
    exponents(role.layerKind).map { pow(relativeWidth, 0.5 - $0.deviation - $0.multiplier) } ?? 1
  }

  /// Multiplies the learning rate of parameters.
  ///
  /// Gains act on one coordinate each, as an embedding does: their rate stays, but for SGD, whose
  /// gradient there falls as that of the stream.
  package func learningRateFactor(_ role: ParameterTensor.Role) -> Double {
    if let exponents = exponents(role.layerKind) {
      return pow(relativeWidth, -exponents.learningRate)
    }
    let isFollowed = parameterization != .plain && family == .sgd && alignment != .globalRate
    return isFollowed ? pow(relativeWidth, streamGradientExponent) : 1
  }

  /// Multiplies Adam's epsilon where it is to fall as the gradient of the parameters does, by what
  /// that is at the start.
  ///
  /// A coordinate's gradient is n^-(a + a' + b') with those of the read-out, and n^-a' in the
  /// read-out itself.
  package func gradientFactor(_ role: ParameterTensor.Role) -> Double {
    let own = exponents(role.layerKind)?.multiplier ?? 0
    return pow(
      relativeWidth, -(role.layerKind == .readOut ? own : own + streamGradientExponent))
  }

  /// How the gradient of a coordinate of the residual stream falls with the width.
  private var streamGradientExponent: Double {
    exponents(.readOut).map { $0.multiplier + $0.deviation } ?? 0.5
  }

  /// Refuses a model that this cannot scale; throws `LabError` with the reason.
  package func validate(_ model: ModelConfiguration) throws {
    guard parameterization != .plain || multipliers == .folded else {
      throw LabError(
        "multipliers is applied, and parameterization plain has none; choose standard, ntk, mup or mean-field",
        .usage)
    }
    guard parameterization != .plain, model.tiedEmbeddings else { return }
    throw LabError(
      "parameterization \(parameterization.rawValue) cannot have tied embeddings: embedding and read-out "
        + "scale differently with the width, and one tensor has one initial scale and one learning rate; "
        + "leave out tied embeddings or take the parameterization plain", .usage)
  }
}
