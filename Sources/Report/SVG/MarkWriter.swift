import LabCore

/// Draws the rows of one panel: lines, intervals and points.
struct MarkWriter {
  let panel: Panel
  private let rows: [[Cell]]
  private var figure: ResolvedFigure { panel.figure }

  init(_ panel: Panel) {
    self.panel = panel
    rows = panel.figure.figure.data.rows
  }

  func write(_ mark: ResolvedMark) -> String {
    switch mark {
    case .line(let columns): lines(columns)
    case .points: panel.points.map(point).joined()
    case .interval(let low, let high): panel.points.map { bar($0, low, high) }.joined()
    }
  }

  // MARK: Lines

  private func lines(_ columns: [Int]) -> String {
    groups(columns).flatMap { group in
      runs(group).filter { $0.count > 1 }.map { run in
        Markup.empty(
          "path", ["class": names("line", run[0]), "d": path(run.compactMap(panel.place))])
      }
    }.joined()
  }

  /// The panel's points by the values of `columns`, in order of first appearance.
  private func groups(_ columns: [Int]) -> [[FigurePoint]] {
    panel.points.grouped { point in columns.map { rows[point.row][$0].plain } }.map(\.elements)
  }

  /// A group in order of x, cut where a row has nothing to draw.
  private func runs(_ group: [FigurePoint]) -> [[FigurePoint]] {
    let sorted = group.enumerated().sorted {
      ($0.element.x, $0.offset) < ($1.element.x, $1.offset)
    }.map(\.element)
    return sorted.split { $0.y == nil }.map(Array.init)
  }

  private func path(_ points: [(x: Double, y: Double)]) -> String {
    points.enumerated().map { index, point in
      "\(index == 0 ? "M" : "L")\(Markup.number(point.x)) \(Markup.number(point.y))"
    }.joined()
  }

  // MARK: Points and intervals

  private func point(_ point: FigurePoint) -> String {
    guard let place = panel.place(point) else { return "" }
    let shape = MarkerShape.number(point.shape).path
    return Markup.element(
      "g",
      [
        "class": names("point", point),
        "transform": "translate(\(Markup.number(place.x)) \(Markup.number(place.y)))",
      ],
      Markup.text("title", [:], tooltip(point))
        + Markup.empty("path", ["class": "marker", "d": shape]))
  }

  /// Where a point's interval runs.
  private func ends(
    _ point: FigurePoint, _ lowColumn: Int, _ highColumn: Int
  ) -> (x: Double, from: Double, to: Double)? {
    guard let place = panel.place(point), let low = rows[point.row][lowColumn].finite,
      let high = rows[point.row][highColumn].finite
    else { return nil }
    return (place.x, panel.y.clamped(low), panel.y.clamped(high))
  }

  private func bar(_ point: FigurePoint, _ lowColumn: Int, _ highColumn: Int) -> String {
    guard let (x, from, to) = ends(point, lowColumn, highColumn) else { return "" }
    func text(_ values: Double...) -> String { values.map(Markup.number).joined(separator: " ") }
    let data =
      "M\(text(x, from))L\(text(x, to))M\(text(x - 3, from))h6M\(text(x - 3, to))h6"
    return Markup.empty("path", ["class": names("interval", point), "d": data])
  }

  /// What an interval's bar with its caps covers.
  private func extent(_ point: FigurePoint, _ lowColumn: Int, _ highColumn: Int) -> Box? {
    guard let (x, from, to) = ends(point, lowColumn, highColumn) else { return nil }
    return Box(x: x - 3, y: min(from, to), width: 6, height: abs(to - from))
  }

  /// What text must not cover: markers, intervals, and lines in steps of a few units.
  func obstacles() -> [Box] {
    var boxes = panel.points.compactMap(panel.place).map { Box(around: $0, radius: 4.5) }
    for case .interval(let low, let high) in figure.marks {
      boxes += panel.points.compactMap { extent($0, low, high) }
    }
    for case .line(let columns) in figure.marks {
      for run in groups(columns).flatMap({ runs($0) }) {
        let places = run.compactMap(panel.place)
        for (from, to) in zip(places, places.dropFirst()) {
          let length = ((to.x - from.x) * (to.x - from.x) + (to.y - from.y) * (to.y - from.y))
            .squareRoot()
          let steps = max(1, Int(length / 5))
          boxes += (0...steps).map { step in
            let share = Double(step) / Double(steps)
            return Box(
              around: (from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share),
              radius: 1)
          }
        }
      }
    }
    return boxes
  }

  /// One line for each tooltip column; y carries its interval.
  private func tooltip(_ point: FigurePoint) -> String {
    let columns = figure.figure.data.columns
    let row = rows[point.row]
    return figure.tooltip.map { index in
      "\(columns[index].title): \(columns[index].format.string(row[index]))"
        + interval(of: index, row)
    }.joined(separator: "\n")
  }

  private func interval(of index: Int, _ row: [Cell]) -> String {
    guard index == figure.y.index else { return "" }
    for case .interval(let low, let high) in figure.marks
    where row[low].finite != nil && row[high].finite != nil {
      let format = figure.figure.data.columns[index].format
      return " (\(format.string(row[low])) to \(format.string(row[high])))"
    }
    return ""
  }

  /// The classes of an element that belongs to a point's series.
  private func names(_ kind: String, _ point: FigurePoint) -> String {
    "\(kind) c\(point.color)" + (figure.isMuted(point) ? " muted" : "")
  }
}
