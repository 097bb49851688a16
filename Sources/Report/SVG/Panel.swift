/// The geometry of one panel: its size, margins and scales.
package struct Panel {
  static let tickSize = 11.0
  static let titleSize = 12.0
  /// That of a panel's name, 13, and a seventh more for its bold face.
  private static let nameSize = 15.0
  static let nameHeight = 16.0

  let figure: ResolvedFigure
  let number: Int
  let width: Double
  let height: Double
  /// Where the plot area begins and ends.
  package let left: Double
  package let right: Double
  package let top: Double
  package let bottom: Double
  let x: PositionScale
  let y: PositionScale
  /// The panel's name in lines that fit; panels of one figure leave room for the longest.
  let name: [String]
  let xTicks: [Tick]
  let yTicks: [Tick]

  /// Lays out panel `number` of a figure in a box of `width` by `height` units.
  package init(_ figure: ResolvedFigure, number: Int, width: Double, height: Double) {
    self.figure = figure
    self.number = number
    self.width = width
    self.height = height
    let names = figure.panels.map {
      TextMetrics.lines($0, size: Self.nameSize, limit: width - 4, most: 5)
    }
    name = names[number]
    let nameLines = Double(names.map(\.count).max() ?? 0)
    top = 4 + Self.nameHeight * nameLines + (figure.y.axis.title.isEmpty ? 6 : 22)
    bottom = height - (figure.x.axis.title.isEmpty ? 24 : 42)
    func widthOf(_ text: String) -> Double { TextMetrics.width(text, size: Self.tickSize) }
    y = PositionScale(figure.y, from: bottom, to: top)
    yTicks = y.ticks { _ in Self.tickSize * 1.9 }
    let labelWidth = yTicks.compactMap { $0.label.map(widthOf) }.max() ?? 0
    left = min(labelWidth, width * 0.42) + 12
    // The last x label may reach half its width past the axis.
    let loose = PositionScale(figure.x, from: left, to: width - 16)
    let last = loose.ticks { widthOf($0) + 14 }.last { $0.label != nil }
    let reach = last.map { loose.position($0.value) + widthOf($0.label ?? "") / 2 } ?? 0
    right = width - max(14, reach - width + 18)
    x = PositionScale(figure.x, from: left, to: right)
    xTicks = x.ticks { widthOf($0) + 14 }
  }

  var title: String { figure.panels[number] }

  /// The points of this panel that have a place, in data order.
  package var points: [FigurePoint] { figure.points.filter { $0.panel == number } }

  /// Where a point is drawn.
  package func place(_ point: FigurePoint) -> (x: Double, y: Double)? {
    point.y.map { (x.position(point.x), y.position($0)) }
  }
}
