/// Draws one panel as SVG.
package struct PanelWriter {
  let panel: Panel
  private var figure: ResolvedFigure { panel.figure }

  package init(_ panel: Panel) { self.panel = panel }

  /// The panel as an `svg` element that scales with its box.
  package func svg() -> String {
    let (width, height) = (Markup.number(panel.width), Markup.number(panel.height))
    return Markup.element(
      "svg",
      [
        "class": "panel", "viewBox": "0 0 \(width) \(height)", "role": "img",
        "aria-label": summary, "tabindex": "0",
      ], content())
  }

  /// What the panel holds, for those who cannot see it.
  private var summary: String {
    let name = panel.title.isEmpty ? "" : ", \(panel.title)"
    let count = panel.points.count { $0.y != nil }
    return "\(figure.figure.title)\(name): \(figure.y.axis.title) against "
      + "\(figure.x.axis.title), \(count) points"
  }

  /// The panel's elements, for placing inside another `svg`.
  func content() -> String {
    var parts = [axes()]
    let marks = MarkWriter(panel)
    let rules = figure.figure.rules.filter { $0.panel == nil || $0.panel == panel.title }
    let obstacles = rules.isEmpty ? [] : marks.obstacles()
    parts += rules.map { rule($0, obstacles) }
    parts += figure.marks.map(marks.write)
    return parts.joined()
  }

  // MARK: Axes

  private func axes() -> String {
    var parts: [String] = []
    for tick in panel.yTicks where tick.label != nil { parts.append(yTick(tick)) }
    for tick in panel.xTicks { parts.append(xTick(tick)) }
    parts.append(line("axis", panel.left, panel.bottom, panel.right, panel.bottom))
    parts += titles()
    return Markup.element("g", ["aria-hidden": "true"], parts.joined())
  }

  private func yTick(_ tick: Tick) -> String {
    let y = panel.y.position(tick.value)
    let limit = panel.left - 10
    let full = tick.label ?? ""
    let label = TextMetrics.fitted(full, size: Panel.tickSize, limit: limit)
    let text = text("tick", panel.left - 7, y + 3.8, label, anchor: "end", full: full)
    let grid = abs(y - panel.bottom) < 0.5 ? "" : line("grid", panel.left, y, panel.right, y)
    return grid + text
  }

  private func xTick(_ tick: Tick) -> String {
    let x = panel.x.position(tick.value)
    guard let label = tick.label else {
      return line("axis", x, panel.bottom, x, panel.bottom + 3)
    }
    let full = panel.x.kind == .category ? panel.x.categories[Int(tick.value)] : label
    let grid = figure.isHorizontal ? line("grid", x, panel.top, x, panel.bottom) : ""
    return grid + line("axis", x, panel.bottom, x, panel.bottom + 5)
      + text("tick", x, panel.bottom + 17, label, anchor: "middle", full: full)
  }

  private func titles() -> [String] {
    var parts: [String] = []
    let limit = panel.width - 4
    func fitted(_ text: String) -> String {
      TextMetrics.fitted(text, size: Panel.titleSize, limit: limit)
    }
    if !panel.title.isEmpty {
      parts.append(text("name", 0, 13, fitted(panel.title), full: panel.title))
    }
    if !figure.y.axis.title.isEmpty {
      let title = fitted(figure.y.axis.title)
      parts.append(text("title", 0, panel.top - 12, title, full: figure.y.axis.title))
    }
    if !figure.x.axis.title.isEmpty {
      let title = fitted(figure.x.axis.title)
      parts.append(
        text(
          "title", panel.right, panel.height - 5, title, anchor: "end", full: figure.x.axis.title))
    }
    return parts
  }

  // MARK: Reference lines

  private func rule(_ rule: Rule, _ obstacles: [Box]) -> String {
    let width = TextMetrics.width(rule.label, size: Panel.tickSize)
    let (left, right) = (panel.left + 4, panel.right - 2 - width)
    func label(_ places: [(Double, Double)]) -> String {
      let free = places.first { place in
        let box = Box(textAt: place.0, place.1, width: width)
        return !obstacles.contains(where: box.meets)
      }
      guard let (x, y) = free ?? places.first else { return "" }
      return text("rule-label", x, y, rule.label)
    }
    switch rule.position {
    case .horizontal(let value):
      guard panel.y.domain.contains(value) else { return "" }
      let y = panel.y.position(value)
      let places = [(right, y - 5), (left, y - 5), (right, y + 14), (left, y + 14)]
      return line("rule", panel.left, y, panel.right, y) + label(places)
    case .vertical(let value):
      guard panel.x.domain.contains(value) else { return "" }
      let x = panel.x.position(value)
      let sides = [x + 5, x - 5 - width].filter { $0 >= left && $0 <= right }
      let places = [panel.top + 9, panel.bottom - 6].flatMap { y in sides.map { ($0, y) } }
      return line("rule", x, panel.top, x, panel.bottom) + label(places)
    case .identity:
      let points = identity()
      let path = points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(Markup.number(point.x)) \(Markup.number(point.y))"
      }.joined()
      let places = points.reversed().filter { $0.x + 8 < right && $0.y + 12 < panel.bottom }
        .map { ($0.x + 8, $0.y + 12) }
      return Markup.empty("path", ["class": "rule", "d": path]) + label(places)
    }
  }

  /// The curve y = x over the shared part of both ranges; straight where both scales are of one kind.
  private func identity() -> [(x: Double, y: Double)] {
    let low = max(panel.x.domain.lowerBound, panel.y.domain.lowerBound)
    let high = min(panel.x.domain.upperBound, panel.y.domain.upperBound)
    guard low < high else { return [] }
    return (0...48).map { step in
      let value = low + (high - low) * Double(step) / 48
      return (panel.x.position(value), panel.y.position(value))
    }
  }

  // MARK: Pieces

  private func line(_ name: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double)
    -> String
  {
    Markup.empty(
      "line",
      [
        "class": name, "x1": Markup.number(x1), "y1": Markup.number(y1), "x2": Markup.number(x2),
        "y2": Markup.number(y2),
      ])
  }

  private func text(
    _ name: String, _ x: Double, _ y: Double, _ content: String, anchor: String = "start",
    full: String? = nil
  ) -> String {
    guard !content.isEmpty else { return "" }
    let title = full.map { $0 == content ? "" : Markup.text("title", [:], $0) } ?? ""
    return Markup.element(
      "text",
      [
        "class": name, "x": Markup.number(x), "y": Markup.number(y), "text-anchor": anchor,
      ], Markup.escape(content) + title)
  }
}
