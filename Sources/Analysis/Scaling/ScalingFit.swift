import Foundation
package import LabCore

/// A law fitted to runs, with intervals by resampling them.
package struct ScalingFit: Sendable {
  /// One fitted number.
  package struct Parameter: Hashable, Sendable, Codable {
    package var value: Double
    /// 95 % over resampled runs, by corrected percentiles; nil without resamples.
    package var lower: Double?
    package var upper: Double?
    /// Standard deviation over the resamples; nil without any, or where it is beyond all numbers.
    package var standardError: Double?
  }

  package let form: ScalingForm
  /// The names of `parameters`, such as E, A and alpha.
  package let names: [String]
  package let parameters: [Parameter]
  /// Summed Huber loss on the form's scale at the fit.
  package let loss: Double
  package let runCount: Int

  private let curve: any ScalingCurve
  /// The unknowns of the fit, then of its resamples.
  private let unknowns: [Double]
  private let replicates: [[Double]]

  /// The parameter of a name.
  package subscript(_ name: String) -> Parameter? {
    names.firstIndex(of: name).map { parameters[$0] }
  }

  /// Whether resampled runs give such different exponents that the law says little beyond them.
  package var isLoose: Bool {
    zip(names, parameters).contains { name, parameter in
      ScalingForm.isExponent(name)
        && (parameter.upper ?? 0) - (parameter.lower ?? 0) > max(1, abs(parameter.value))
    }
  }

  /// How a fit is made; the defaults are those of arXiv 2404.10102.
  package struct Options: Sendable {
    /// Where the Huber loss turns from squares to lines, on the form's scale; nil for the form's
    /// own.
    package var delta: Double?
    /// Starts of the grid that are followed: those of least loss.
    package var startCount = 100
    /// Resamples of the runs behind the intervals; 0 for none.
    package var resampleCount = 1_000
    package var seed = Seed(0)
    /// What refusals call the variables; numbers for those without a name.
    package var variables: [String] = []

    package init() {}
  }

  /// Fits rows of one x for each variable, all above 0, to values above 0, and for a rate below 1.
  ///
  /// Throws `LabError` where the points do not determine the fit.
  package init(
    _ form: ScalingForm, _ points: [[Double]], _ values: [Double], options: Options = Options()
  ) throws(LabError) {
    let x = points.map { $0.map { log($0) } }
    let unnamed = (options.variables.count..<max(options.variables.count, x.first?.count ?? 0))
      .map { "variable \($0 + 1)" }
    if let reason = form.refusal(x, options.variables + unnamed) { throw LabError(reason) }
    let curve = form.curve(x)
    let delta = options.delta ?? form.scale.delta
    let loss = ScalingLoss(curve: curve, x: x, y: values.map(form.scale.value), delta: delta)
    guard let best = loss.least(startCount: options.startCount) else {
      throw LabError("no fit was found: the loss is not a number at any start")
    }
    let numbers = curve.numbers(best.point)
    if let reason = form.refusal(numbers, loss.slopes(best.point), x) { throw LabError(reason) }
    var stream = options.seed.stream("fit/bootstrap")
    replicates = (0..<options.resampleCount).map { _ in
      let weights = Bootstrap.draw(points.count, &stream).map(Double.init)
      // Far finer than resamples differ.
      return loss.descend(from: best.point, weights: weights, tolerance: delta * 1e-3).point
    }
    self.form = form
    self.curve = curve
    self.loss = best.value
    runCount = points.count
    names = form.names(x[0].count)
    unknowns = best.point
    let drawn = replicates.map(curve.numbers)
    let degrees = points.count - numbers.count
    parameters = numbers.indices.map { index in
      Self.parameter(numbers[index], drawn.map { $0[index] }, runs: points.count, degrees: degrees)
    }
  }

  /// The law's y at one x for each variable, with the interval of the law there (not of a run).
  package func value(at point: [Double]) -> Parameter {
    let x = point.map { log($0) }
    var slope = unknowns
    func y(_ unknowns: [Double]) -> Double {
      form.scale.inverse(curve.predict(unknowns, x, &slope))
    }
    return Self.parameter(
      y(unknowns), replicates.map(y), runs: runCount,
      degrees: runCount - unknowns.count)
  }

  /// Any function of the law's numbers, in the order of `names`, with its interval.
  package func derived(_ function: ([Double]) -> Double) -> Parameter {
    Self.parameter(
      function(parameters.map(\.value)), replicates.map { function(curve.numbers($0)) },
      runs: runCount,
      degrees: runCount - unknowns.count)
  }
}

extension ScalingForm.Scale {
  /// Where the Huber loss turns from squares to lines: as published for losses, and a quarter in
  /// log odds for rates, of which few are measured and most spread by more than a thousandth.
  package var delta: Double { self == .log ? 1e-3 : 0.25 }

  /// A value on this scale.
  func value(_ y: Double) -> Double {
    switch self {
    case .log: Foundation.log(y)
    case .logit: Foundation.log(y) - log1p(-y)
    }
  }

  /// The value that stands on this scale at `z`.
  func inverse(_ z: Double) -> Double {
    switch self {
    case .log: exp(z)
    case .logit: 1 / (1 + exp(-z))
    }
  }
}

extension ScalingFit {
  /// A number with the interval of what resamples make of it; `degrees` are runs less unknowns,
  /// above 0.
  ///
  /// Percentiles, corrected for bias (Efron 1981: by the share of resamples below the number) and
  /// wider for few runs (Hesterberg 2015: t with `degrees`, and the root of runs over degrees, in
  /// place of the normal quantile). Plain percentiles hold the truth too often where the Huber loss
  /// acts as the absolute error, too seldom where it acts as the square.
  fileprivate static func parameter(
    _ value: Double, _ replicates: [Double], runs: Int, degrees: Int
  ) -> Parameter {
    let drawn = replicates.filter { !$0.isNaN }.sorted()
    let half = 0.5 / Double(max(1, drawn.count))
    let below = Double(drawn.count { $0 < value } + drawn.count { $0 <= value }) * half
    let shift = 2 * Normal.quantile(min(max(below, half), 1 - half))
    let width =
      StudentT.quantile(0.975, degrees: Double(degrees))
      * (Double(runs) / Double(degrees)).squareRoot()
    func end(_ z: Double) -> Double? {
      Mean.quantile(Normal.cumulative(z), ofSorted: drawn).flatMap { $0.isFinite ? $0 : nil }
    }
    return Parameter(
      value: value, lower: end(shift - width), upper: end(shift + width),
      standardError: Mean.standardDeviation(drawn).flatMap { $0.isFinite ? $0 : nil })
  }
}
