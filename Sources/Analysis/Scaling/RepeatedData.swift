import Foundation

/// Hoffmann's law of effective size and data, for runs that see their data several times (arXiv
/// 2305.16264, equations 5 and 6).
///
/// D tokens of which U are unique are worth D' = U + U RD (1 - e^(-R / RD)), R = D / U - 1 repeats;
/// N parameters are worth N' = UN + UN RN (1 - e^(-(N / UN - 1) / RN)), UN the compute-optimal size
/// for U by the law itself: the smaller of N and (alpha A / (beta B))^(1 / alpha) U^(beta / alpha).
/// Where nothing repeats D' = D.
///
/// Variables: N, D, U. Unknowns: log E, log A and log B at the means of log N and log D, log alpha,
/// log beta, log RD, log RN, in the order E, A, alpha, B, beta, RD, RN.
struct RepeatedData: ScalingCurve {
  let means: [Double]

  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double {
    let (alpha, beta) = (exp(unknowns[2]), exp(unknowns[4]))
    let unique = min(x[1], x[2])
    let data = Self.worth(x[1], unique, unknowns[5])
    let over = unique - means[1]
    let scaled = (unknowns[2] - unknowns[4] + unknowns[1] - unknowns[3] + beta * over) / alpha
    let size = Self.worth(x[0], min(x[0], scaled + means[0]), unknowns[6])
    let (n, d) = (size.value - means[0], data.value - means[1])
    let sum = logSum(unknowns[0], unknowns[1] - alpha * n, unknowns[3] - beta * d)
    // How the size's term changes with the logarithm of the compute-optimal size.
    let through = -sum.b * alpha * size.byUnique
    slope[0] = sum.a
    slope[1] = sum.b + through / alpha
    slope[2] = -sum.b * alpha * n + through * (1 / alpha - scaled)
    slope[3] = sum.c - through / alpha
    slope[4] = -sum.c * beta * d + through * (beta * over - 1) / alpha
    slope[5] = -sum.c * beta * data.byLimit
    slope[6] = -sum.b * alpha * size.byLimit
    return sum.value
  }

  /// Logarithm of what a total is worth of which part is unique, with derivatives by log unique and
  /// log of the limit of repeats.
  private static func worth(_ total: Double, _ unique: Double, _ limit: Double) -> (
    value: Double, byUnique: Double, byLimit: Double
  ) {
    guard unique < total else { return (total, 0, 0) }
    let repeats = expm1(total - unique)
    let most = exp(limit)
    let left = exp(-repeats / most)
    let gain = 1 - most * expm1(-repeats / most)
    return (
      unique + log(gain), 1 - left * (repeats + 1) / gain,
      (most - left * (most + repeats)) / gain
    )
  }

  func numbers(_ unknowns: [Double]) -> [Double] {
    let (alpha, beta) = (exp(unknowns[2]), exp(unknowns[4]))
    return [
      exp(unknowns[0]), exp(unknowns[1] + alpha * means[0]), alpha,
      exp(unknowns[3] + beta * means[1]), beta, exp(unknowns[5]), exp(unknowns[6]),
    ]
  }

  /// Shares of the middle value for floor, size and data, exponents and limits of repeats.
  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]] {
    let middle = Mean.quantile(0.5, ofSorted: y.sorted()) ?? 0
    let shares = [
      (0.8, 0.1, 0.1), (0.4, 0.3, 0.3), (0.1, 0.45, 0.45), (0.3, 0.6, 0.1), (0.3, 0.1, 0.6),
    ]
    let exponents = [0.2, 0.5, 1].map { log($0) }
    let limits = [log(3.0), log(15)]
    return shares.flatMap { floor, size, data in
      exponents.flatMap { alpha in
        exponents.flatMap { beta in
          limits.flatMap { repeats in
            limits.map { excess in
              [
                middle + log(floor), middle + log(size), alpha, middle + log(data), beta, repeats,
                excess,
              ]
            }
          }
        }
      }
    }
  }
}
