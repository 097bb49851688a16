import Foundation

/// A law with unknowns, which stand so that a minimiser can go anywhere: logarithms of what must be
/// positive, heights at the middle of the data, so that a change of an exponent leaves the middle
/// where it is.
///
/// The unknowns' order is that of the law's numbers.
package protocol ScalingCurve: Sendable {
  /// The law on its scale (logarithm or logit of y) at the logarithm of each variable; fills the
  /// derivative by each unknown.
  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double

  /// The numbers of the law as they are published.
  func numbers(_ unknowns: [Double]) -> [Double]

  /// Where to begin, for values on the law's scale at rows of logarithms.
  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]]
}

extension ScalingForm {
  /// The law for rows of the logarithm of each variable.
  package func curve(_ logs: [[Double]]) -> any ScalingCurve {
    let means = (logs.first ?? []).indices.map { variable in
      Mean.of(logs.map { $0[variable] }) ?? 0
    }
    return switch self {
    case .power, .chinchilla: SumOfPowers(means: means)
    case .dataConstrained: RepeatedData(means: means)
    case .sigmoid: Sigmoid()
    case .brokenPower: BrokenPower(mean: means[0])
    case .rate: PowerOdds(means: means)
    }
  }
}

/// log(e^a + e^b + e^c) with the share of each; a term may be -infinity.
func logSum(_ a: Double, _ b: Double, _ c: Double = -.infinity) -> (
  value: Double, a: Double, b: Double, c: Double
) {
  let largest = max(a, b, c)
  let (x, y, z) = (exp(a - largest), exp(b - largest), exp(c - largest))
  let total = x + y + z
  return (largest + log(total), x / total, y / total, z / total)
}

/// log(1 + e^z) and its derivative.
func softplus(_ z: Double) -> (value: Double, slope: Double) {
  let small = exp(-abs(z))
  return (max(z, 0) + log1p(small), z > 0 ? 1 / (1 + small) : small / (1 + small))
}

/// A floor and one or two powers: E + A x^-alpha + B z^-beta.
///
/// Unknowns: log E, then log A at the mean of log x and alpha of each term.
struct SumOfPowers: ScalingCurve {
  let means: [Double]

  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double {
    let first = x[0] - means[0]
    let second = means.count > 1 ? x[1] - means[1] : 0
    let sum = logSum(
      unknowns[0], unknowns[1] - unknowns[2] * first,
      means.count > 1 ? unknowns[3] - unknowns[4] * second : -.infinity)
    slope[0] = sum.a
    slope[1] = sum.b
    slope[2] = -sum.b * first
    if means.count > 1 {
      slope[3] = sum.c
      slope[4] = -sum.c * second
    }
    return sum.value
  }

  func numbers(_ unknowns: [Double]) -> [Double] {
    [exp(unknowns[0])]
      + means.indices.flatMap { term in
        let exponent = unknowns[2 * term + 2]
        return [exp(unknowns[2 * term + 1] + exponent * means[term]), exponent]
      }
  }

  /// The published grid: alpha in 0 to 2, log E in -1 to 1, log A in 0 to 25.
  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]] {
    let exponents = stride(from: 0.0, through: 2, by: 0.5).map { $0 }
    let logs = stride(from: 0.0, through: 25, by: 5).map { $0 }
    var starts = stride(from: -1.0, through: 1, by: 0.5).map { [$0] }
    for mean in means {
      starts = exponents.flatMap { exponent in
        logs.flatMap { log in starts.map { $0 + [log - exponent * mean, exponent] } }
      }
    }
    return starts
  }
}

/// Odds K x_1^-alpha x_2^-beta x_3^gamma: a plane on logits, so that every rate stays in 0 to 1.
///
/// Unknowns: the logit at the mean of all logarithms, then the exponents. The loss is convex, and
/// one start enough.
struct PowerOdds: ScalingCurve {
  let means: [Double]
  private static let signs = [-1.0, -1, 1]

  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double {
    var value = unknowns[0]
    slope[0] = 1
    for variable in means.indices {
      slope[variable + 1] = Self.signs[variable] * (x[variable] - means[variable])
      value += unknowns[variable + 1] * slope[variable + 1]
    }
    return value
  }

  func numbers(_ unknowns: [Double]) -> [Double] {
    let shift = means.indices.reduce(0) { $0 + Self.signs[$1] * unknowns[$1 + 1] * means[$1] }
    return [exp(unknowns[0] - shift)] + unknowns.dropFirst()
  }

  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]] {
    [[Mean.of(y) ?? 0] + means.map { _ in 0 }]
  }
}

/// A floor, a ceiling and an S between them in the logarithm of x.
///
/// Unknowns: log floor, log (ceiling - floor), log middle, slope, which is above 0 where y falls
/// with x.
struct Sigmoid: ScalingCurve {
  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double {
    let distance = x[0] - unknowns[2]
    let bend = softplus(unknowns[3] * distance)
    let sum = logSum(unknowns[0], unknowns[1] - bend.value)
    slope[0] = sum.a
    slope[1] = sum.b
    slope[2] = sum.b * bend.slope * unknowns[3]
    slope[3] = -sum.b * bend.slope * distance
    return sum.value
  }

  func numbers(_ unknowns: [Double]) -> [Double] {
    let floor = exp(unknowns[0])
    return [floor, floor + exp(unknowns[1]), exp(unknowns[2]), unknowns[3]]
  }

  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]] {
    let low = exp(y.min() ?? 0)
    let high = exp(y.max() ?? 0)
    let middles = x.map { $0[0] }.sorted()
    let slopes = [-8.0, -4, -2, -1, -0.5, 0.5, 1, 2, 4, 8]
    return [0.2, 0.9].flatMap { share in
      [1, 1.5].flatMap { factor in
        [0.2, 0.35, 0.5, 0.65, 0.8].flatMap { place in
          slopes.map { slope in
            let floor = low * share
            let middle = Mean.quantile(place, ofSorted: middles) ?? 0
            return [log(floor), log(max(high * factor - floor, floor * 1e-3)), middle, slope]
          }
        }
      }
    }
  }
}

/// A floor and a power whose exponent changes once.
///
/// Unknowns: log a, log b at the mean of log x, c0, c1, log d, log f.
struct BrokenPower: ScalingCurve {
  let mean: Double

  func predict(_ unknowns: [Double], _ x: [Double], _ slope: inout [Double]) -> Double {
    let sharpness = exp(unknowns[5])
    let z = (x[0] - unknowns[4]) / sharpness
    let bend = softplus(z)
    let sum = logSum(
      unknowns[0],
      unknowns[1] - unknowns[2] * (x[0] - mean) - unknowns[3] * sharpness * bend.value)
    slope[0] = sum.a
    slope[1] = sum.b
    slope[2] = -sum.b * (x[0] - mean)
    slope[3] = -sum.b * sharpness * bend.value
    slope[4] = sum.b * unknowns[3] * bend.slope
    slope[5] = -sum.b * unknowns[3] * sharpness * (bend.value - z * bend.slope)
    return sum.value
  }

  func numbers(_ unknowns: [Double]) -> [Double] {
    [
      exp(unknowns[0]), exp(unknowns[1] + unknowns[2] * mean), unknowns[2], unknowns[3],
      exp(unknowns[4]), exp(unknowns[5]),
    ]
  }

  /// For each floor, exponents, break and sharpness the b that fits best on average.
  func starts(_ x: [[Double]], _ y: [Double]) -> [[Double]] {
    let low = y.min() ?? 0
    let sizes = x.map { $0[0] }.sorted()
    var starts: [[Double]] = []
    for floor in [low - 3, low - 0.1] {
      for exponent in [-0.5, 0, 0.3, 1] {
        for change in [-1.5, -0.5, 0.5, 1.5] {
          for place in [0.2, 0.4, 0.6, 0.8] {
            for sharpness in [-2.0, -0.5, 1] {
              var start = [
                -Double.infinity, 0, exponent, change, Mean.quantile(place, ofSorted: sizes) ?? 0,
                sharpness,
              ]
              var slope = start
              let above = zip(x, y).map { row, value in
                log(max(exp(value) - exp(floor), 1e-3 * exp(value))) - predict(start, row, &slope)
              }
              start[0] = floor
              start[1] = Mean.of(above) ?? 0
              starts.append(start)
            }
          }
        }
      }
    }
    return starts
  }
}
