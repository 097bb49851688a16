/// An axis with its range decided from the data of all panels.
package struct ResolvedAxis {
  let axis: Axis
  let index: Int
  package let domain: ClosedRange<Double>
  let format: ColumnFormat

  /// An axis whose column stands at `index`, with the range of its data.
  package init(axis: Axis, index: Int, domain: ClosedRange<Double>, format: ColumnFormat) {
    self.axis = axis
    self.index = index
    self.domain = domain
    self.format = format
  }
}

/// A row's place in a figure.
package struct FigurePoint {
  let row: Int
  let x: Double
  /// Nil where the row has no value to draw: a gap in its line.
  let y: Double?
  let color: Int
  let shape: Int
  let panel: Int
}

/// A mark with its columns found.
enum ResolvedMark {
  case line(by: [Int])
  case points
  case interval(low: Int, high: Int)
}

/// A figure with names resolved to columns, series numbered and ranges decided.
package struct ResolvedFigure {
  let figure: Figure
  let x: ResolvedAxis
  package let y: ResolvedAxis
  let colorIndex: Int?
  let shapeIndex: Int?
  let panelIndex: Int?
  /// The values of the colour column in the order of their numbers.
  package let colors: [String]
  /// The values of the marker column likewise.
  package let shapes: [String]
  /// The panels' names; one empty name where the figure is not split.
  package let panels: [String]
  let marks: [ResolvedMark]
  let tooltip: [Int]
  let points: [FigurePoint]
  /// The fitted curves' points likewise; their ends are the last two columns.
  let curves: [FigurePoint]
  /// Rows that have no place on the axes.
  package let undrawnCount: Int

  /// Finds columns, series and ranges; every column that the figure names must be in its data.
  package init(_ figure: Figure) {
    self.figure = figure
    let data = figure.data
    let xIndex = data.requiredIndex(of: figure.x.column)
    let yIndex = data.requiredIndex(of: figure.y.column)
    func index(_ channel: Channel?) -> Int? { channel.map { data.requiredIndex(of: $0.column) } }
    func values(_ index: Int?) -> [String] { index.map(data.values(inColumn:)) ?? [] }
    let colorIndex = index(figure.color)
    self.colorIndex = colorIndex
    shapeIndex = index(figure.shape) ?? colorIndex
    panelIndex = index(figure.panel)
    colors = values(colorIndex)
    shapes = values(shapeIndex)
    panels = values(panelIndex).isEmpty ? [""] : values(panelIndex)
    marks = figure.marks.map { mark in
      switch mark {
      case .points: .points
      case .interval(let low, let high):
        .interval(low: data.requiredIndex(of: low), high: data.requiredIndex(of: high))
      case .line(let names):
        .line(by: names.isEmpty ? [colorIndex].compactMap(\.self) : names.map(data.requiredIndex))
      }
    }
    tooltip = figure.tooltip.map(data.requiredIndex)

    let ends = marks.flatMap { mark -> [Int] in
      if case .interval(let low, let high) = mark { [low, high] } else { [] }
    }
    x = Domain.resolve(figure.x, xIndex, data)
    y = Domain.resolve(
      figure.y, yIndex, data, also: ends, rules: figure.rules.compactMap(\.yValue))
    points = Self.place(
      data, x, y, colorIndex: colorIndex, colors: colors, shapeIndex: shapeIndex, shapes: shapes,
      panelIndex: panelIndex, panels: panels)
    curves = Self.curves(figure, x, y, colors: colors, panels: panels)
    undrawnCount = data.rows.count - points.count { $0.y != nil }
  }

  func isMuted(_ point: FigurePoint) -> Bool {
    colors.indices.contains(point.color) && figure.muted.contains(colors[point.color])
  }

  private static func place(
    _ data: Records, _ x: ResolvedAxis, _ y: ResolvedAxis, colorIndex: Int?, colors: [String],
    shapeIndex: Int?, shapes: [String], panelIndex: Int?, panels: [String]
  ) -> [FigurePoint] {
    let colorNumber = numbers(colors)
    let shapeNumber = numbers(shapes)
    let panelNumber = numbers(panels)
    return data.rows.enumerated().compactMap { row, cells in
      guard let place = x.value(cells) else { return nil }
      // A row without its panel's name has no panel to stand in.
      guard let panel = panelIndex.map({ panelNumber[cells[$0].plain] }) ?? 0 else { return nil }
      return FigurePoint(
        row: row, x: place, y: y.value(cells),
        color: colorIndex.flatMap { colorNumber[cells[$0].plain] } ?? 0,
        shape: shapeIndex.flatMap { shapeNumber[cells[$0].plain] } ?? 0, panel: panel)
    }
  }

  private static func curves(
    _ figure: Figure, _ x: ResolvedAxis, _ y: ResolvedAxis, colors: [String], panels: [String]
  ) -> [FigurePoint] {
    guard let data = figure.fit?.data else { return [] }
    func index(_ column: String) -> Int { data.requiredIndex(of: column) }
    return place(
      data, x.standing(at: index(x.axis.column)), y.standing(at: index(y.axis.column)),
      colorIndex: figure.color.map { index($0.column) }, colors: colors, shapeIndex: nil,
      shapes: [], panelIndex: figure.panel.map { index($0.column) }, panels: panels)
  }

  private static func numbers(_ values: [String]) -> [String: Int] {
    Dictionary(values.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
  }
}

extension ResolvedAxis {
  /// The same axis for another table, whose column stands elsewhere.
  fileprivate func standing(at index: Int) -> ResolvedAxis {
    ResolvedAxis(axis: axis, index: index, domain: domain, format: format)
  }

  /// A row's value on this axis; nil where it has none or lies outside the range.
  func value(_ cells: [Cell]) -> Double? {
    guard let value = cells[index].finite, axis.scale == .linear || value > 0 else { return nil }
    let slack = 1e-9 * (domain.upperBound - domain.lowerBound)
    guard value >= domain.lowerBound - slack, value <= domain.upperBound + slack else {
      return nil
    }
    return value
  }
}

extension Rule {
  fileprivate var yValue: Double? {
    if case .horizontal(let value) = position { value } else { nil }
  }
}
