/// An axis with its range decided from the data of all panels.
package struct ResolvedAxis {
  let axis: Axis
  let index: Int
  package let domain: ClosedRange<Double>
  let categories: [String]
  let format: ColumnFormat

  /// An axis whose column stands at `index`, with the range and the categories of its data.
  package init(
    axis: Axis, index: Int, domain: ClosedRange<Double>, categories: [String],
    format: ColumnFormat
  ) {
    self.axis = axis
    self.index = index
    self.domain = domain
    self.categories = categories
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
  case interval(low: Int, high: Int, style: IntervalStyle)
  case labels(Int)
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
  /// Rows that have no place on the axes.
  package let undrawnCount: Int

  /// Finds columns, series and ranges.
  ///
  /// Throws `ReportError` when the figure names a column that its data lacks.
  package init(_ figure: Figure) throws(ReportError) {
    try Validation.identifier(figure.id)
    let user = "figure '\(figure.id)'"
    let data = figure.data
    try Validation.columns(data, of: user)
    self.figure = figure
    let xIndex = try data.requiredIndex(of: figure.x.column, for: user)
    let yIndex = try data.requiredIndex(of: figure.y.column, for: user)
    func index(_ channel: Channel?) throws(ReportError) -> Int? {
      guard let channel else { return nil }
      return try data.requiredIndex(of: channel.column, for: user)
    }
    colorIndex = try index(figure.color)
    shapeIndex = try index(figure.shape) ?? colorIndex
    panelIndex = try index(figure.panel)
    func values(_ index: Int?) -> [String] { index.map(data.values(inColumn:)) ?? [] }
    colors = values(colorIndex)
    shapes = values(shapeIndex)
    panels = values(panelIndex).isEmpty ? [""] : values(panelIndex)
    var marks: [ResolvedMark] = []
    for mark in figure.marks {
      marks.append(try Self.resolve(mark, colorIndex, data, user))
    }
    self.marks = marks
    var tooltip: [Int] = []
    for name in figure.tooltip { tooltip.append(try data.requiredIndex(of: name, for: user)) }
    self.tooltip =
      tooltip.isEmpty
      ? Self.defaultTooltip([panelIndex, colorIndex, shapeIndex, xIndex, yIndex]) : tooltip

    let ends = Self.intervalColumns(marks)
    let isAlongX = figure.y.scale == .category
    x = Domain.resolve(
      figure.x, xIndex, data, also: isAlongX ? ends : [], rules: figure.rules.compactMap(\.xValue))
    y = Domain.resolve(
      figure.y, yIndex, data, also: isAlongX ? [] : ends, rules: figure.rules.compactMap(\.yValue))
    points = Self.place(
      data, x, y, colorIndex: colorIndex, colors: colors, shapeIndex: shapeIndex, shapes: shapes,
      panelIndex: panelIndex, panels: panels)
    undrawnCount = data.rows.count - points.count { $0.y != nil }
  }

  /// Whether intervals run sideways because y holds categories.
  var isHorizontal: Bool { y.axis.scale == .category }

  func isMuted(_ point: FigurePoint) -> Bool {
    colors.indices.contains(point.color) && figure.muted.contains(colors[point.color])
  }

  private static func resolve(
    _ mark: Mark, _ colorIndex: Int?, _ data: Records, _ user: String
  ) throws(ReportError) -> ResolvedMark {
    switch mark {
    case .points: return .points
    case .labels(let name): return .labels(try data.requiredIndex(of: name, for: user))
    case .interval(let low, let high, let style):
      return .interval(
        low: try data.requiredIndex(of: low, for: user),
        high: try data.requiredIndex(of: high, for: user), style: style)
    case .line(let names):
      var indices: [Int] = []
      for name in names { indices.append(try data.requiredIndex(of: name, for: user)) }
      return .line(by: indices.isEmpty ? [colorIndex].compactMap(\.self) : indices)
    }
  }

  private static func defaultTooltip(_ indices: [Int?]) -> [Int] {
    var seen = Set<Int>()
    return indices.compactMap(\.self).filter { seen.insert($0).inserted }
  }

  private static func intervalColumns(_ marks: [ResolvedMark]) -> [Int] {
    marks.flatMap { mark -> [Int] in
      if case .interval(let low, let high, _) = mark { [low, high] } else { [] }
    }
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

  private static func numbers(_ values: [String]) -> [String: Int] {
    Dictionary(values.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
  }
}

extension ResolvedAxis {
  /// A row's value on this axis; nil where it has none or lies outside the range.
  func value(_ cells: [Cell]) -> Double? {
    if axis.scale == .category {
      let text = cells[index].plain
      return categories.firstIndex(of: text).map(Double.init)
    }
    guard let value = cells[index].finite, axis.scale == .linear || value > 0 else { return nil }
    let slack = 1e-9 * (domain.upperBound - domain.lowerBound)
    guard value >= domain.lowerBound - slack, value <= domain.upperBound + slack else {
      return nil
    }
    return value
  }
}

extension Rule {
  fileprivate var xValue: Double? { if case .vertical(let value) = position { value } else { nil } }
  fileprivate var yValue: Double? {
    if case .horizontal(let value) = position { value } else { nil }
  }
}
