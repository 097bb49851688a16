import Foundation

/// The laws that runs can be fitted to.
package enum ScalingForm: String, Hashable, Sendable, Codable, CaseIterable {
  /// y = E + A x^-alpha.
  case power
  /// L(N, D) = E + A N^-alpha + B D^-beta (arXiv 2203.15556, section 3.3).
  case chinchilla
  /// The same of effective N and D, where repeats of data are worth less (arXiv 2305.16264).
  case dataConstrained = "data-constrained"
  /// y = floor + (ceiling - floor) / (1 + (x / middle)^slope).
  case sigmoid
  /// y = a + b x^-c0 (1 + (x / d)^(1 / f))^(-c1 f): one break (arXiv 2210.14891).
  case brokenPower = "broken-power"
  /// rate / (1 - rate) = K N^-alpha T^-beta F^gamma, of size N, exposures T and facts F.
  case rate

  /// What a fit minimises the error of.
  package enum Scale: String, Sendable { case log, logit }

  package var scale: Scale { self == .rate ? .logit : .log }

  /// The law in words, with `variables` as its x.
  package func formula(_ variables: [String], value: String) -> String {
    let x = variables.first ?? "x"
    let known = zip(["N", "D", "U"], variables).map { "\($0) = \($1)" }.joined(separator: ", ")
    switch self {
    case .power: return "\(value) = E + A \(x)^-alpha"
    case .chinchilla: return "\(value) = E + A N^-alpha + B D^-beta, \(known)"
    case .dataConstrained:
      return "\(value) = E + A N'^-alpha + B D'^-beta, D' = U + U RD (1 - e^(-(D/U - 1)/RD)), "
        + "N' likewise by RN of N beyond the compute-optimal size for U, \(known)"
    case .sigmoid: return "\(value) = floor + (ceiling - floor) / (1 + (\(x) / middle)^slope)"
    case .brokenPower: return "\(value) = a + b x^-c0 (1 + (x/d)^(1/f))^(-c1 f), x = \(x)"
    case .rate:
      let powers = zip(["-alpha", "-beta", "gamma"], variables).map { " \($1)^\($0)" }
      return "\(value) / (1 - \(value)) = K" + powers.joined()
    }
  }

  /// The names of the numbers of a law of so many variables, in the order of
  /// `ScalingFit.parameters`.
  package func names(_ variableCount: Int) -> [String] {
    switch self {
    case .power: ["E", "A", "alpha"]
    case .chinchilla: ["E", "A", "alpha", "B", "beta"]
    case .dataConstrained: ["E", "A", "alpha", "B", "beta", "RD", "RN"]
    case .sigmoid: ["floor", "ceiling", "middle", "slope"]
    case .brokenPower: ["a", "b", "c0", "c1", "d", "f"]
    case .rate: ["K"] + ["alpha", "beta", "gamma"].prefix(variableCount)
    }
  }

  /// Whether a number of this name says how steep a law is.
  static func isExponent(_ name: String) -> Bool {
    ["alpha", "beta", "gamma", "slope", "c0", "c1"].contains(name)
  }

  /// Different values that each variable needs at least; nil where only the fit can say.
  private func neededValues(_ variable: Int) -> Int? {
    switch self {
    case .power, .chinchilla: 3
    case .dataConstrained: variable < 2 ? 3 : nil
    case .sigmoid: 5
    case .brokenPower: 7
    case .rate: 2
    }
  }

  /// Where to go from a fit that the runs leave open.
  private var advice: String {
    switch self {
    case .power, .chinchilla, .rate: "add runs of other sizes"
    case .dataConstrained:
      "some runs must repeat their data, and some be larger than the compute-optimal size for their unique data; "
        + "take chinchilla where they do not, or where a repeat is worth what new data is"
    case .sigmoid: "the runs must show the middle and both ends; take power where they do not"
    case .brokenPower:
      "the runs must show a break between their sizes; take power where they do not"
    }
  }

  /// Why points, rows of the logarithm of each of the named variables, do not determine a fit; nil
  /// where they may.
  func refusal(_ logs: [[Double]], _ variables: [String]) -> String? {
    let variableCount = logs.first?.count ?? 0
    let unknowns = names(variableCount).count
    guard logs.count > unknowns else {
      return
        "\(logs.count) runs do not determine \(unknowns) numbers; give at least \(unknowns + 1)"
    }
    var columns: [[Double]] = [[Double](repeating: 1, count: logs.count)]
    for variable in 0..<variableCount {
      guard let needed = neededValues(variable) else { continue }
      let column = logs.map { $0[variable] }
      let count = Set(column).count
      guard count >= needed else {
        return
          "\(variables[variable]) has \(count == 1 ? "one value" : "\(count) different values"), and the form \(rawValue) needs at least "
          + "\(needed)"
      }
      columns.append(column)
      if LinearDependence.first(in: columns, tolerance: 1e-3) != nil {
        return
          "\(variables.prefix(variable + 1).joined(separator: ", ")) move together in all runs, so that their terms cannot "
          + "be told apart; add runs that vary one alone"
      }
    }
    return nil
  }

  /// Why a fit is none, though one was found; nil where it stands.
  ///
  /// `slopes` are the derivatives of each run's prediction by each unknown.
  func refusal(_ numbers: [Double], _ slopes: [[Double]], _ logs: [[Double]]) -> String? {
    let x = logs.map { $0[0] }
    let names = names(logs[0].count)
    let place = names.firstIndex { $0 == "middle" || $0 == "d" }
    if let place, let low = x.min(), let high = x.max(),
      !(log(numbers[place]) > low && log(numbers[place]) < high)
    {
      return "\(names[place]) would be outside the sizes of the runs: \(advice)"
    }
    // A floor of zero is a fit: the rest stands without it.
    let columns = names.indices.map { unknown in slopes.map { $0[unknown] } }.enumerated().filter {
      $0.offset > 0 || self == .rate || $0.element.contains { abs($0) > 1e-6 }
    }
    guard let open = LinearDependence.first(in: columns.map(\.element), tolerance: 1e-5) else {
      return nil
    }
    return "the runs do not determine \(names[columns[open].offset]): \(advice)"
  }
}

/// Whether columns of numbers say the same.
enum LinearDependence {
  /// The first column that those before it make up but for a share of `tolerance` of its length;
  /// nil where there is none.
  ///
  /// By Gram and Schmidt, each column against the ones before it.
  static func first(in columns: [[Double]], tolerance: Double) -> Int? {
    var basis: [[Double]] = []
    for (index, column) in columns.enumerated() {
      var left = column
      // Twice is enough for rounding (Giraud, Langou & Rozloznik 2005).
      for other in basis + basis {
        let share = Mean.sum(zip(left, other).lazy.map { $0 * $1 })
        for row in left.indices { left[row] -= share * other[row] }
      }
      // What is constant is taken out of variables before they are compared.
      let length = norm(basis.first.map { removing($0, from: column) } ?? column)
      let rest = norm(left)
      guard rest.isFinite, rest > tolerance * length, rest > 1e-12 else { return index }
      basis.append(left.map { $0 / rest })
    }
    return nil
  }

  private static func removing(_ unit: [Double], from column: [Double]) -> [Double] {
    let share = Mean.sum(zip(column, unit).lazy.map { $0 * $1 })
    return zip(column, unit).map { $0 - share * $1 }
  }

  private static func norm(_ column: [Double]) -> Double {
    Mean.sum(column.lazy.map { $0 * $0 }).squareRoot()
  }
}
