import Analysis
import Foundation
import LabCore
import Report

/// The curves of a figure of rates: each fitted, and its shape in a word.
struct RateFits {
  /// Runs that a band needs: with four the intervals held the law too seldom, with five no more.
  private static let runsOfABand = 5

  /// Points that show whether runs follow a law of two numbers.
  private static let pointsOfACurve = 4

  private let figure: Figure
  private let curves: [Curve]

  /// One line of one panel.
  private struct Curve {
    var panel: Cell
    var color: Cell
    /// The runs at each x in ascending order.
    let runs: [(x: Double, rates: [Measured])]

    var rateCount: Int { runs.reduce(0) { $0 + $1.rates.count } }
    var means: [Double] { runs.map { Mean.of($0.rates.map(\.value)) ?? 0 } }
    var seedCount: Int { runs.map(\.rates.count).max() ?? 0 }
    let fit: Result<ScalingFit, LabError>

    init(_ panel: Cell, _ color: Cell, _ runs: [Double: [Measured]]) {
      (self.panel, self.color) = (panel, color)
      self.runs = runs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      fit = Self.fit(self.runs)
    }

    private static func fit(
      _ runs: [(x: Double, rates: [Measured])]
    ) -> Result<ScalingFit, LabError> {
      let rates = runs.flatMap { $0.rates.map(\.value) }
      let points = runs.flatMap { place in place.rates.map { _ in [place.x] } }
      guard runs.count >= RateFits.pointsOfACurve else {
        return .failure(LabError("fewer than \(RateFits.pointsOfACurve) points"))
      }
      guard rates.allSatisfy({ $0 > 0 && $0 < 1 }) else {
        return .failure(LabError("a rate of 0 or 1 has no logit"))
      }
      var options = ScalingFit.Options()
      options.resampleCount = rates.count < RateFits.runsOfABand ? 0 : 1_000
      return Result { () throws(LabError) in
        try ScalingFit(.rate, points, rates, options: options)
      }
    }

    /// The share that is not hallucinated at each x, its errors over seeds where there are several,
    /// else over subjects; nil where a run has neither.
    var scores: [CurveShape.Point]? {
      let spread = SeedSpread(runs.map { $0.rates.map(\.value) })
      let points = zip(runs, means).compactMap { place, mean -> CurveShape.Point? in
        if seedCount > 1 {
          // A step in log odds is worth p (1 - p) in p.
          return spread.map {
            let error = $0.standardError(of: place.rates.count) * mean * (1 - mean)
            return CurveShape.Point(mean: 1 - mean, standardError: error)
          }
        }
        guard let lower = place.rates[0].lower, let upper = place.rates[0].upper else { return nil }
        return CurveShape.Point(
          mean: 1 - mean, standardError: abs(upper - lower) / (2 * Normal.quantile(0.975)))
      }
      return points.count == runs.count ? points : nil
    }

    var errors: String { seedCount > 1 ? "seeds" : "subjects (one seed)" }
  }

  /// The curves of `figure`, whose columns are those of `ResultSeries.columns` and whose colour and
  /// panel name a curve.
  init(_ figure: Figure) {
    self.figure = figure
    let names = [
      figure.panel?.column, figure.color?.column, figure.x.column, figure.y.column, "lower",
      "upper",
      "kind",
    ]
    let places = names.compactMap { $0.flatMap(figure.data.index) }
    guard places.count == names.count else { preconditionFailure("a figure of rates has curves") }
    let points = figure.data.rows.compactMap { row -> (key: [Cell], x: Double, value: Measured)? in
      let cells = places.map { row[$0] }
      guard cells[6] == "one run", let x = cells[2].finite, x > 0, let y = cells[3].finite else {
        return nil
      }
      let value = Measured(value: y, lower: cells[4].finite, upper: cells[5].finite)
      return ([cells[0], cells[1]], x, value)
    }
    curves = points.grouped(by: \.key).map { key, own in
      Curve(key[0], key[1], Dictionary(grouping: own, by: \.x).mapValues { $0.map(\.value) })
    }
  }

  /// The figure with the curves that are determined.
  var fitted: Figure {
    var data = Records([
      column(figure.panel?.column), column(figure.color?.column), column(figure.x.column),
      column(figure.y.column), column("lower"), column("upper"),
    ])
    for curve in curves {
      guard case .success(let fit) = curve.fit, let first = curve.runs.first?.x,
        let last = curve.runs.last?.x
      else { continue }
      for step in 0...40 {
        let x = first * pow(last / first, Double(step) / 40)
        let y = fit.value(at: [x])
        data.append([
          curve.panel, curve.color, .number(x), .number(y.value), Cell(y.lower), Cell(y.upper),
        ])
      }
    }
    guard !data.rows.isEmpty else { return figure }
    var figure = figure
    figure.fit = FittedCurves(data)
    return figure
  }

  private func column(_ name: String?) -> Report.Column {
    figure.data.columns[name.flatMap(figure.data.index) ?? 0]
  }

  static let columns = [
    Report.Column("against", "Rate against"), Column("visibility", "Queries"),
    Column("curve", "Curve"), Column("points", "Points", .integer),
    Column("runs", "Runs", .integer), Column("shape", "Shape"),
    Column("errors", "Errors cover"), Column("linearity", "L", .number(digits: 2)),
    Column("breakthroughness", "B", .number(digits: 2)),
    Column("exponent", "Exponent", .number(digits: 3)),
    Column("lower", "Lower", .number(digits: 3)), Column("upper", "Upper", .number(digits: 3)),
    Column("k", "K", .scientific), Column("note", "Note"),
  ]

  /// A row of `columns` for each curve.
  var rows: [[Cell]] {
    curves.map { curve in
      let scores = curve.means.map { 1 - $0 }
      let steps = Breakthrough(scores)
      var note: String?
      var fit: ScalingFit?
      switch curve.fit {
      case .success(let found):
        fit = found
        if curve.rateCount < Self.runsOfABand {
          note = "no interval from fewer than \(Self.runsOfABand) runs"
        }
      case .failure(let error): note = "no fit: \(error)"
      }
      let exponent = fit?["alpha"]
      return [
        .text(figure.x.title), curve.panel, curve.color, .integer(curve.runs.count),
        .integer(curve.rateCount),
        Cell(curve.scores.flatMap { CurveShape($0) }.map(\.rawValue)), .text(curve.errors),
        Cell(steps?.linearity), Cell(steps?.breakthroughness), Cell(exponent?.value),
        Cell(exponent?.lower), Cell(exponent?.upper), Cell(fit?["K"]?.value), Cell(note),
      ]
    }
  }

  static func table(_ fits: [RateFits], command: String) -> Table {
    Table(
      id: "rate-fits", title: "Fits and shapes of the rates' curves",
      caption: """
        Each curve of the figures above by rate / (1 - rate) = K x^-exponent, fitted to its runs on logits; intervals \
        are 95 % over runs. The shape is of the share that is not hallucinated, from left to right, at two standard \
        errors of a difference, over seeds where a curve has several and else over subjects: inverse, U, positive or flat. L and B are linearity and breakthroughness, both the \
        number of steps for a line; the formula of L is recalled, not confirmed.
        """, command: command, data: Records(columns, fits.flatMap(\.rows)))
  }
}
