import Foundation
import LabCore

/// How initial values and learning rates follow the width of a model.
///
/// All but `plain` are the parameterisations of Everett 2024 (arXiv 2407.05872), each kind of layer with its own
/// learning rate. They agree with `plain` at the base width.
package enum Parameterization: String, Codable, CaseIterable, Sendable {
  /// One learning rate for all tensors, and every matrix starts with a deviation of 1/sqrt(inputs).
  case plain
  case standard
  case ntk
  case mup
  case meanField = "mean-field"
}

/// What per-layer learning rates assume of updates and the activations that they meet.
package enum Alignment: String, Codable, CaseIterable, Sendable {
  /// They line up, so that an update's effect grows with the width.
  case full
  /// They are as good as independent, so that it grows with the width's root.
  case none
}

/// The kinds of layer that scale differently with the width.
package enum LayerKind: CaseIterable, Sendable {
  case embedding
  /// A matrix between two sides that both grow with the width.
  case hidden
  case readOut
  /// Gains of norms, which act on one coordinate each.
  case gain
}

extension ParameterTensor.Role {
  var layerKind: LayerKind {
    switch self {
    case .embedding: .embedding
    case .input, .output: .hidden
    case .readOut: .readOut
    case .norm: .gain
    }
  }
}

/// How one kind of layer follows the width n: multiplier n^-a, initial deviation n^-b, learning rate n^-c.
package struct WidthExponents: Hashable, Sendable {
  package var multiplier: Double
  package var deviation: Double
  package var learningRate: Double

  package init(multiplier: Double, deviation: Double, learningRate: Double) {
    self.multiplier = multiplier
    self.deviation = deviation
    self.learningRate = learningRate
  }

  /// The same function and, for Adam, the same training with no multiplier.
  ///
  /// Adam's step doesn't see the gradient's scale, so (a, b, c) and (a + t, b - t, c - t) train alike for any t;
  /// this is t = -a. Epsilon, clipping and weight decay coupled to the rate break the equality.
  package var withoutMultiplier: WidthExponents {
    WidthExponents(
      multiplier: 0, deviation: deviation + multiplier, learningRate: learningRate + multiplier)
  }
}

extension Parameterization {
  /// The exponents for Adam of arXiv 2407.05872; nil for `plain` and for gains, which have none.
  package func exponents(_ kind: LayerKind, _ alignment: Alignment) -> WidthExponents? {
    let a: Double
    let b: Double
    // The learning rate's exponent under full alignment; without alignment matrices take n^-c sqrt(n).
    let c: Double
    switch (self, kind) {
    case (.plain, _), (_, .gain): return nil
    case (.standard, .embedding): (a, b, c) = (0, 0, 0)
    case (.standard, .hidden), (.standard, .readOut): (a, b, c) = (0, 0.5, 1)
    case (.ntk, .embedding): (a, b, c) = (0, 0, 0)
    case (.ntk, .hidden), (.ntk, .readOut): (a, b, c) = (0.5, 0, 0.5)
    case (.mup, .embedding): (a, b, c) = (-0.5, 0.5, 0.5)
    case (.mup, .hidden): (a, b, c) = (0, 0.5, 1)
    case (.mup, .readOut): (a, b, c) = (0.5, 0.5, 0.5)
    case (.meanField, .embedding): (a, b, c) = (0, 0, 0)
    case (.meanField, .hidden): (a, b, c) = (0.5, 0, 0.5)
    case (.meanField, .readOut): (a, b, c) = (1, 0, 0)
    }
    let isMatrix = kind == .hidden || kind == .readOut
    return WidthExponents(
      multiplier: a, deviation: b,
      learningRate: c - (isMatrix && alignment == .none ? 0.5 : 0))
  }
}

/// A parameterisation at one width, as factors on what `plain` does; no tensor has a multiplier.
package struct WidthScaling: Hashable, Sendable {
  package let parameterization: Parameterization
  package let alignment: Alignment
  /// Width over the base width.
  package let relativeWidth: Double

  /// What `plain` does: all factors are 1.
  package static let plain = WidthScaling(.plain, alignment: .full, baseWidth: 1, width: 1)

  package init(
    _ parameterization: Parameterization, alignment: Alignment, baseWidth: Int, width: Int
  ) {
    self.parameterization = parameterization
    self.alignment = alignment
    relativeWidth = Double(width) / Double(max(baseWidth, 1))
  }

  private func exponents(_ role: ParameterTensor.Role) -> WidthExponents? {
    parameterization.exponents(role.layerKind, alignment)?.withoutMultiplier
  }

  /// Multiplies the initial deviation that `plain` has at this width, which falls as n^-1/2.
  package func deviationFactor(_ role: ParameterTensor.Role) -> Double {
    exponents(role).map { pow(relativeWidth, 0.5 - $0.deviation) } ?? 1
  }

  /// Multiplies the learning rate.
  package func learningRateFactor(_ role: ParameterTensor.Role) -> Double {
    exponents(role).map { pow(relativeWidth, -$0.learningRate) } ?? 1
  }

  /// Refuses a model that this cannot scale without multipliers; throws `LabError` with the reason.
  package func validate(_ model: ModelConfiguration) throws {
    guard parameterization != .plain, model.tiedEmbeddings else { return }
    throw LabError(
      "parameterization \(parameterization.rawValue) cannot have tied embeddings: embedding and read-out "
        + "scale differently with the width, and one tensor has one initial scale and one learning rate; "
        + "leave out tied embeddings or take the parameterization plain", .usage)
  }
}
