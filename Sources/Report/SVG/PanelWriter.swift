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
    parts.append(CurveWriter(panel: panel).write())
    parts.append(RuleWriter(panel).write())
    parts += figure.marks.map(marks.write)
    return parts.joined()
  }

  // MARK: Axes

  private func axes() -> String {
    var parts: [String] = []
    for tick in panel.yTicks where tick.label != nil { parts.append(yTick(tick)) }
    for tick in panel.xTicks { parts.append(xTick(tick)) }
    parts.append(Markup.line("axis", (panel.left, panel.bottom), (panel.right, panel.bottom)))
    parts += titles()
    return Markup.element("g", ["aria-hidden": "true"], parts.joined())
  }

  private func yTick(_ tick: Tick) -> String {
    let y = panel.y.position(tick.value)
    let limit = panel.left - 10
    let full = tick.label ?? ""
    let label = TextMetrics.fitted(full, size: Panel.tickSize, limit: limit)
    let text = text("tick", panel.left - 7, y + 3.8, label, anchor: "end", full: full)
    let grid =
      abs(y - panel.bottom) < 0.5 ? "" : Markup.line("grid", (panel.left, y), (panel.right, y))
    return grid + text
  }

  private func xTick(_ tick: Tick) -> String {
    let x = panel.x.position(tick.value)
    guard let label = tick.label else {
      return Markup.line("axis", (x, panel.bottom), (x, panel.bottom + 3))
    }
    return Markup.line("axis", (x, panel.bottom), (x, panel.bottom + 5))
      + text("tick", x, panel.bottom + 17, label, anchor: "middle")
  }

  private func titles() -> [String] {
    var parts: [String] = []
    let limit = panel.width - 4
    func fitted(_ text: String) -> String {
      TextMetrics.fitted(text, size: Panel.titleSize, limit: limit)
    }
    let isCut = panel.name.joined(separator: " ") != panel.title
    for (number, line) in panel.name.enumerated() {
      let y = 13 + Panel.nameHeight * Double(number)
      parts.append(text("name", 0, y, line, full: isCut ? panel.title : nil))
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

  // MARK: Pieces

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
