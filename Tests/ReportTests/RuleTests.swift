import Foundation
import Report
import Testing

/// Reference lines and their labels.
@Suite struct RuleTests {
  private static let label = "guessing from p(o | p)"
  /// What it is set in, at 11 units.
  private static let labelWidth = 117.0

  /// A panel whose points keep close to a line at 0.6, as rates of what nobody can know do.
  private func crowded(
    width: Double, values: [Double], intervals: Bool = true
  ) throws -> (panel: Panel, elements: XMLElements) {
    let rows: [[Cell]] = values.enumerated().map { index, value in
      [
        .number(3_000 * pow(100, Double(index) / Double(values.count - 1))), .number(value),
        .number(value - 0.03), .number(value + 0.03),
      ]
    }
    let figure = Figure(
      id: "f", title: "F",
      data: Records(
        [Column("size", "Size"), Column("rate", "Rate"), Column("low", "L"), Column("high", "H")],
        rows),
      x: Axis("size", "Size", scale: .log), y: Axis("rate", "Rate", domain: 0...0.7),
      marks: (intervals ? [.interval(low: "low", high: "high")] : []) + [.line(), .points],
      rules: [Rule(.horizontal(0.6), Self.label)], tooltip: ["rate"])
    let panel = Panel(ResolvedFigure(figure), number: 0, width: width, height: 230)
    return (panel, try XMLElements(PanelWriter(panel).svg()))
  }

  private func number(_ attributes: [String: String], _ name: String) throws -> Double {
    try #require(attributes[name].flatMap(Double.init))
  }

  /// Every point stands on or beside the line, at both ends and between.
  @Test(
    arguments: [
      (280.0, [0.59, 0.6, 0.61, 0.6, 0.585, 0.6, 0.605]), (350.0, [0.6, 0.6, 0.6, 0.6, 0.6]),
      (760.0, [0.62, 0.58, 0.63, 0.57, 0.62, 0.58, 0.6, 0.6, 0.6, 0.58, 0.63]),
    ] as [(Double, [Double])])
  func labelsKeepClearOfPoints(width: Double, values: [Double]) throws {
    let (panel, elements) = try crowded(width: width, values: values)
    let label = try #require(elements.attributes(ofClass: "rule-label").first)
    let (x, y) = (try number(label, "x"), try number(label, "y"))
    let right = x + Self.labelWidth
    #expect(x >= panel.left && right <= panel.right && y <= panel.bottom && y - 9 >= panel.top)
    for point in panel.points {
      let place = try #require(panel.place(point))
      let isBeside = place.x < x || place.x > right
      // A marker reaches 4.5 from its middle, a bar of 0.03 as far as the scale says.
      let reach = max(4.5, 0.03 / 0.7 * (panel.bottom - panel.top))
      #expect(
        isBeside || place.y + reach <= y - 9 || place.y - reach >= y + 2,
        "a point at \(place) under the label at \(x), \(y)")
    }
  }

  /// Where there is room, the label stands at the right end, just above its line.
  @Test func labelsStandAtTheEndOfAFreeLine() throws {
    let (panel, elements) = try crowded(width: 350, values: [0.1, 0.2, 0.15], intervals: false)
    let label = try #require(elements.attributes(ofClass: "rule-label").first)
    let line = try #require(elements.attributes(ofClass: "rule").first)
    #expect(try number(label, "y") == number(line, "y1") - 5)
    #expect(try number(label, "x") > (panel.left + panel.right) / 2)
  }
}
