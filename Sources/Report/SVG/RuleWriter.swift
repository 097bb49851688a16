/// Draws the reference lines of one panel, each with its label where nothing else is drawn.
struct RuleWriter {
  let panel: Panel
  private var figure: ResolvedFigure { panel.figure }

  init(_ panel: Panel) { self.panel = panel }

  func write() -> String {
    let rules = figure.figure.rules.filter { $0.panel == nil || $0.panel == panel.title }
    guard !rules.isEmpty else { return "" }
    var obstacles = MarkWriter(panel).obstacles()
    return rules.map { rule in
      guard let (line, places) = drawing(rule) else { return "" }
      let width = TextMetrics.width(rule.label, size: Panel.tickSize)
      guard !rule.label.isEmpty, let (x, y) = best(places, width, obstacles) else { return line }
      obstacles.append(Box(textAt: x, y, width: width))
      return line
        + Markup.text(
          "text", ["class": "rule-label", "x": Markup.number(x), "y": Markup.number(y)], rule.label)
    }.joined()
  }

  /// A rule's line with the places its label may have, the best first; nil where the line is
  /// outside the panel.
  private func drawing(_ rule: Rule) -> (line: String, places: [(x: Double, y: Double)])? {
    let width = TextMetrics.width(rule.label, size: Panel.tickSize)
    switch rule.position {
    case .horizontal(let value):
      guard panel.y.domain.contains(value) else { return nil }
      let y = panel.y.position(value)
      let line = Markup.line("rule", (panel.left, y), (panel.right, y))
      return (line, beside(y, width: width))
    case .identity:
      let points = identity()
      let path = points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(Markup.number(point.x)) \(Markup.number(point.y))"
      }.joined()
      let places = points.reversed().map { (x: $0.x + 8, y: $0.y + 12) }.filter {
        $0.x < panel.right - 2 - width && $0.y < panel.bottom
      }
      return (Markup.empty("path", ["class": "rule", "d": path]), places)
    }
  }

  /// Places along a line from right to left, the two ends first: close above it, close below it,
  /// then farther away.
  private func beside(_ y: Double, width: Double) -> [(x: Double, y: Double)] {
    let (left, right) = (panel.left + 4, panel.right - 2 - width)
    let xs: [Double] = [right, left] + Array(stride(from: right - 8, to: left, by: -8))
    let distances: [Double] = (0...20).flatMap { step -> [Double] in
      let farther = 12 * Double(step)
      return [-5 - farther, 14 + farther]
    }
    let ys: [Double] = distances.map { y + $0 }.filter {
      $0 >= panel.top + 9 && $0 <= panel.bottom - 3
    }
    return ys.flatMap { y in xs.map { ($0, y) } }
  }

  /// The first place where the label covers nothing, or the one where it covers least.
  private func best(
    _ places: [(x: Double, y: Double)], _ width: Double, _ obstacles: [Box]
  ) -> (x: Double, y: Double)? {
    var best: (place: (x: Double, y: Double), covered: Int)?
    for place in places {
      let box = Box(textAt: place.x, place.y, width: width)
      let covered = obstacles.count(where: box.meets)
      if covered == 0 { return place }
      if covered < best?.covered ?? .max { best = (place, covered) }
    }
    return best?.place
  }

  /// The curve y = x over the shared part of both ranges; straight where both scales are of one
  /// kind.
  private func identity() -> [(x: Double, y: Double)] {
    let low = max(panel.x.domain.lowerBound, panel.y.domain.lowerBound)
    let high = min(panel.x.domain.upperBound, panel.y.domain.upperBound)
    guard low < high else { return [] }
    return (0...48).map { step in
      let value = low + (high - low) * Double(step) / 48
      return (panel.x.position(value), panel.y.position(value))
    }
  }
}
