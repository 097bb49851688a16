import Foundation

/// The activation of an infinitely wide network, with E f(u) f(v) and E f'(u) f'(v) of Gaussian (u,
/// v).
///
/// The first four have closed forms (Cho & Saul 2009; Williams 1997; Tsuchida et al. 2021; Han et
/// al. 2022), the others go by their Hermite series.
package enum KernelActivation: String, Codable, CaseIterable, Sendable {
  case relu
  case erf
  /// x Phi(x), the exact form.
  case gelu
  /// exp(-x^2).
  case gaussian
  case tanh
  /// x / (1 + exp(-x)).
  case silu
  case sigmoid
  /// log(1 + exp(x)).
  case softplus
  case sin

  /// f(x).
  package func value(_ x: Double) -> Double {
    switch self {
    case .relu: max(0, x)
    case .erf: Foundation.erf(x)
    case .gelu: 0.5 * x * Foundation.erfc(-x * 0.5.squareRoot())
    case .gaussian: exp(-x * x)
    case .tanh: Foundation.tanh(x)
    case .silu: x * LogLoss.probability(x)
    case .sigmoid: LogLoss.probability(x)
    case .softplus: max(0, x) + log1p(exp(-abs(x)))
    case .sin: Foundation.sin(x)
    }
  }

  /// Whether `dual` gives its value.
  package var hasClosedForm: Bool {
    switch self {
    case .relu, .erf, .gelu, .gaussian: true
    case .tanh, .silu, .sigmoid, .softplus, .sin: false
    }
  }

  /// E f(u) f(v) and E f'(u) f'(v) for variances `a` and `c` and covariance `b`; zeros where there
  /// is no closed form.
  @inline(__always)
  func dual(_ a: Double, _ b: Double, _ c: Double) -> (value: Double, slope: Double) {
    switch self {
    case .relu:
      let root = max(a * c - b * b, 0).squareRoot()
      let angle = root == 0 && b == 0 ? 0.5 * Double.pi : atan2(root, b)
      let slope = 0.5 - 0.5 * angle / .pi
      return (0.5 * root / .pi + slope * b, slope)
    case .erf:
      let root = ((1 + 2 * a) * (1 + 2 * c) - 4 * b * b).squareRoot()
      return (2 / .pi * atan2(2 * b, root), 4 / (.pi * root))
    case .gelu:
      let product = (1 + a) * (1 + c)
      let square = product - b * b
      let root = square.squareRoot()
      let angle = atan2(b, root)
      let turn = 0.5 / Double.pi
      return (
        0.25 * b + turn * ((b * b + a * c * square) / (product * root) + b * angle),
        0.25 + turn * (angle + b / root * (1 / square + (1 - a * c) / product + 1))
      )
    case .gaussian:
      let determinant = ((1 + 2 * a) * (1 + 2 * c) - 4 * b * b).squareRoot()
      return (1 / determinant, 4 * b / (determinant * determinant * determinant))
    case .tanh, .silu, .sigmoid, .softplus, .sin: return (0, 0)
    }
  }
}

/// The Hermite series of an activation at every point's own deviation: exact in the limit for any
/// two norms.
///
/// With alpha_j(s) = E f(s t) h_j(t), t standard normal and h_j = He_j / sqrt(j!): E f(u) f(v) =
/// sum of alpha_j(s) alpha_j(s') rho^j (Mehler), and by Stein's lemma E f'(u) f'(v) = sum of
/// (j + 1) alpha_(j+1)(s) alpha_(j+1)(s') rho^j / (s s'). A series that is cut stays positive
/// semidefinite.
package struct HermiteSeries: Sendable {
  package let activation: KernelActivation
  /// The highest j.
  package let degree: Int
  private let nodes: [Double]
  /// Weight of each node times h_j there, a row for each j.
  private let weighted: [[Double]]

  package static let degree = 48
  /// Half the width and the step of the trapezoid rule, which converges exponentially for what is
  /// analytic near the line.
  private static let (reach, step) = (13.0, 1.0 / 16)

  package init(_ activation: KernelActivation, degree: Int = Self.degree) {
    self.activation = activation
    self.degree = degree
    let nodes = Array(stride(from: -Self.reach, through: Self.reach, by: Self.step))
    var row = nodes.map { Self.step * exp(-0.5 * $0 * $0) / (2 * Double.pi).squareRoot() }
    var before = row.map { _ in 0.0 }
    var rows: [[Double]] = []
    for order in 0...degree {
      rows.append(row)
      let next = row.indices.map {
        (nodes[$0] * row[$0] - Double(order).squareRoot() * before[$0])
          / Double(order + 1).squareRoot()
      }
      (before, row) = (row, next)
    }
    self.nodes = nodes
    weighted = rows
  }

  /// alpha_0 to alpha_degree at a deviation, which counts as at least 1e-6.
  package func coefficients(deviation: Double) -> [Double] {
    let values = nodes.map { activation.value(max(deviation, 1e-6) * $0) }
    return weighted.map { row in zip(row, values).reduce(0) { $0 + $1.0 * $1.1 } }
  }
}
