/// Draws the rows of one panel: lines, bands, intervals, points and labels.
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
    case .interval(let low, let high, .bars): panel.points.map { bar($0, low, high) }.joined()
    case .interval(let low, let high, .band): bands(low, high)
    case .labels(let column): labels(column)
    }
  }

  // MARK: Lines and bands

  private func lines(_ columns: [Int]) -> String {
    groups(columns).flatMap { group in
      runs(group).filter { $0.count > 1 }.map { run in
        Markup.empty(
          "path", ["class": names("line", run[0]), "d": path(run.compactMap(panel.place))])
      }
    }.joined()
  }

  private func bands(_ low: Int, _ high: Int) -> String {
    let columns = lineColumns()
    return groups(columns).flatMap { group in
      runs(group, needing: [low, high]).filter { $0.count > 1 }.map { run in
        func edge(_ column: Int) -> [(x: Double, y: Double)] {
          run.map { point in
            (panel.x.position(point.x), panel.y.clamped(rows[point.row][column].finite ?? 0))
          }
        }
        let outline = path(edge(high) + edge(low).reversed()) + "Z"
        return Markup.empty("path", ["class": names("band", run[0]), "d": outline])
      }
    }.joined()
  }

  /// What the figure's line mark groups by, so that bands follow lines.
  private func lineColumns() -> [Int] {
    for mark in figure.marks { if case .line(let columns) = mark { return columns } }
    return [figure.colorIndex].compactMap(\.self)
  }

  /// The panel's points by the values of `columns`, in order of first appearance.
  private func groups(_ columns: [Int]) -> [[FigurePoint]] {
    var order: [[String]] = []
    var members: [[String]: [FigurePoint]] = [:]
    for point in panel.points {
      let key = columns.map { rows[point.row][$0].plain }
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(point)
    }
    return order.map { members[$0] ?? [] }
  }

  /// A group in order of x, cut where a row has nothing to draw.
  private func runs(_ group: [FigurePoint], needing columns: [Int] = []) -> [[FigurePoint]] {
    let sorted = group.enumerated().sorted {
      ($0.element.x, $0.offset) < ($1.element.x, $1.offset)
    }.map(\.element)
    return sorted.split { point in
      point.y == nil || columns.contains { rows[point.row][$0].finite == nil }
    }.map(Array.init)
  }

  private func path(_ points: [(x: Double, y: Double)]) -> String {
    points.enumerated().map { index, point in
      "\(index == 0 ? "M" : "L")\(Markup.number(point.x)) \(Markup.number(point.y))"
    }.joined()
  }

  // MARK: Points, intervals, labels

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

  private func bar(_ point: FigurePoint, _ lowColumn: Int, _ highColumn: Int) -> String {
    guard let place = panel.place(point), let low = rows[point.row][lowColumn].finite,
      let high = rows[point.row][highColumn].finite
    else { return "" }
    func text(_ values: Double...) -> String { values.map(Markup.number).joined(separator: " ") }
    let data: String
    if figure.isHorizontal {
      let (from, to) = (panel.x.clamped(low), panel.x.clamped(high))
      data =
        "M\(text(from, place.y))L\(text(to, place.y))"
        + "M\(text(from, place.y - 3))v6M\(text(to, place.y - 3))v6"
    } else {
      let (from, to) = (panel.y.clamped(low), panel.y.clamped(high))
      data =
        "M\(text(place.x, from))L\(text(place.x, to))"
        + "M\(text(place.x - 3, from))h6M\(text(place.x - 3, to))h6"
    }
    return Markup.empty("path", ["class": names("interval", point), "d": data])
  }

  /// What an interval's bar with its caps covers.
  private func extent(_ point: FigurePoint, _ lowColumn: Int, _ highColumn: Int) -> Box? {
    guard let place = panel.place(point), let low = rows[point.row][lowColumn].finite,
      let high = rows[point.row][highColumn].finite
    else { return nil }
    let scale = figure.isHorizontal ? panel.x : panel.y
    let (from, to) = (scale.clamped(low), scale.clamped(high))
    var box = Box(around: place, radius: 3)
    if figure.isHorizontal {
      (box.x, box.width) = (min(from, to), abs(to - from))
    } else {
      (box.y, box.height) = (min(from, to), abs(to - from))
    }
    return box
  }

  private func labels(_ column: Int) -> String {
    var taken = obstacles()
    return panel.points.map { point in
      guard let place = panel.place(point), rows[point.row][column] != .missing else { return "" }
      let text = figure.figure.data.columns[column].format.string(rows[point.row][column])
      let width = TextMetrics.width(text, size: Panel.tickSize)
      let offsets = [
        (7.0, -6.0), (-7 - width, -6), (7, 14), (-7 - width, 14), (-width / 2, -9),
        (-width / 2, 18),
      ]
      for (dx, dy) in offsets {
        let box = Box(textAt: place.x + dx, place.y + dy, width: width)
        guard box.x >= panel.left, box.x + width <= panel.width, box.y >= panel.top - 8,
          box.y + box.height <= panel.bottom, !taken.contains(where: box.meets)
        else { continue }
        taken.append(box)
        return Markup.text(
          "text",
          [
            "class": names("label", point), "x": Markup.number(box.x),
            "y": Markup.number(place.y + dy),
          ], text)
      }
      return ""
    }.joined()
  }

  /// What text must not cover: markers, intervals, and lines in steps of a few units.
  func obstacles() -> [Box] {
    var boxes = panel.points.compactMap(panel.place).map { Box(around: $0, radius: 4.5) }
    for case .interval(let low, let high, .bars) in figure.marks {
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
    let measured = figure.isHorizontal ? figure.x.index : figure.y.index
    guard index == measured else { return "" }
    for case .interval(let low, let high, _) in figure.marks
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
