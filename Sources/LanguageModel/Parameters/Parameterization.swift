import Foundation
import LabCore

/// How initial values and learning rates follow the width of a model.
///
/// All but `plain` are the parameterisations of Everett 2024 (arXiv 2407.05872), each kind of layer
/// with its own learning rate. They agree with `plain` at the base width.
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
  /// Nothing: all layers have one learning rate, whatever the width, on the parameterisation's own
  /// scale.
  case globalRate = "global-rate"
}

/// How parameters stand to the weights that products read.
package enum Multipliers: String, Codable, CaseIterable, Sendable {
  /// They are the weights: exponents are moved from the multiplier to initial deviation and
  /// learning rate.
  case folded
  /// A weight is n^-a times its parameter, whose gradient, moments, epsilon, clipping and decay are
  /// the optimiser's.
  case applied
}

/// How updates follow what they are made of, which decides the exponents of learning rates.
package enum UpdateFamily: CaseIterable, Sendable {
  /// The size of an update is that of the learning rate: Adam.
  case adam
  /// It is that of the gradient: SGD.
  case sgd
  /// It is that of the parameters: Adafactor with parameter scaling.
  case adafactor
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

/// How one kind of layer follows the width n: multiplier n^-a, initial deviation n^-b, learning
/// rate n^-c.
package struct WidthExponents: Hashable, Sendable {
  package var multiplier: Double
  package var deviation: Double
  package var learningRate: Double

  package init(multiplier: Double, deviation: Double, learningRate: Double) {
    self.multiplier = multiplier
    self.deviation = deviation
    self.learningRate = learningRate
  }

  /// The same function and the same training with t more in the multiplier.
  ///
  /// (a + t, b - t, c - 2t) for SGD, whose gradient and whose effect both have the multiplier; (a +
  /// t, b - t, c - t) for Adam, whose step doesn't see the gradient's scale; (a + t, b - t, c) for
  /// Adafactor, whose step is a share of the parameter (arXiv 2407.05872). Epsilon, clipping and
  /// weight decay coupled to the rate break the equality.
  package func shifted(by t: Double, for family: UpdateFamily) -> WidthExponents {
    let rate =
      switch family {
      case .adam: learningRate - t
      case .sgd: learningRate - 2 * t
      case .adafactor: learningRate
      }
    return WidthExponents(multiplier: multiplier + t, deviation: deviation - t, learningRate: rate)
  }

  /// The same training with no multiplier.
  package func withoutMultiplier(for family: UpdateFamily) -> WidthExponents {
    shifted(by: -multiplier, for: family)
  }
}

extension Parameterization {
  /// Exponents of embedding, hidden matrices and read-out.
  private typealias Triple = (embedding: Double, hidden: Double, readOut: Double)

  /// The table: multiplier a, initial deviation b, and learning rate c of each family under full
  /// and under no alignment.
  ///
  /// Adam's rows of `standard`, `ntk` and `mup` are those of arXiv 2407.05872; the others follow
  /// from its constraints, which a test solves. Two rows, SGD of `mup` and `meanField` without
  /// alignment, depend on the gradient that is meant: here the one at the start.
  private var rows:
    (
      a: Triple, b: Triple, adam: (full: Triple, none: Triple), sgd: (full: Triple, none: Triple),
      adafactor: (full: Triple, none: Triple)
    )?
  {
    switch self {
    case .plain: nil
    case .standard:
      (
        (0, 0, 0), (0, 0.5, 0.5), ((0, 1, 1), (0, 0.5, 0.5)), ((-0.5, 0.5, 1), (-0.5, 0, 0.5)),
        ((0, 0.5, 0.5), (0, 0, 0))
      )
    case .ntk:
      (
        (0, 0.5, 0.5), (0, 0, 0), ((0, 0.5, 0.5), (0, 0, 0)), ((-0.5, -0.5, 0), (-0.5, -1, -0.5)),
        ((0, 0.5, 0.5), (0, 0, 0))
      )
    case .mup:
      (
        (-0.5, 0, 0.5), (0.5, 0.5, 0.5), ((0.5, 1, 0.5), (0.5, 0.5, 0)),
        ((0, 0, 0), (0, -0.5, -0.5)),
        ((0, 0.5, 0), (0, 0, 0))
      )
    case .meanField:
      (
        (0, 0.5, 1), (0, 0, 0), ((0, 0.5, 0), (0, 0, -0.5)), ((-1, -1, -1), (-1, -1.5, -1.5)),
        ((0, 0.5, 0), (0, 0, 0))
      )
    }
  }

  /// The exponents of matrices; nil for `plain` and for gains, which have none.
  package func exponents(
    _ kind: LayerKind, _ alignment: Alignment, for family: UpdateFamily
  ) -> WidthExponents? {
    guard let rows, kind != .gain else { return nil }
    let rates =
      switch family {
      case .adam: rows.adam
      case .sgd: rows.sgd
      case .adafactor: rows.adafactor
      }
    let c =
      switch alignment {
      case .full: rates.full
      case .none: rates.none
      case .globalRate: Triple(0, 0, 0)
      }
    func value(_ triple: Triple) -> Double {
      switch kind {
      case .embedding: triple.embedding
      case .readOut: triple.readOut
      case .hidden, .gain: triple.hidden
      }
    }
    return WidthExponents(
      multiplier: value(rows.a), deviation: value(rows.b), learningRate: value(c))
  }
}
