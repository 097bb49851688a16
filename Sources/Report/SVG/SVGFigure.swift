package import Foundation

/// A figure as SVG.
package enum SVGFigure {
  /// One picture that stands alone: style included, light background, all panels, legend and title.
  ///
  /// Panels stand in rows of at most three.
  package static func standalone(_ figure: Figure) -> String {
    StandaloneWriter(figure: ResolvedFigure(figure)).svg()
  }

  /// The same as bytes of a file.
  package static func data(_ figure: Figure) -> Data {
    Data(("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + standalone(figure)).utf8)
  }
}

/// Lays out title, legend and panels in one picture.
private struct StandaloneWriter {
  private static let margin = 20.0
  private static let gap = 24.0
  /// In pixels.
  private let width = 960.0

  let figure: ResolvedFigure

  func svg() -> String {
    let columns = min(3, figure.panels.count)
    let inner = width - 2 * Self.margin
    let panelWidth = (inner - Self.gap * Double(columns - 1)) / Double(columns)
    let panelHeight = min(420, max(240, panelWidth * 0.72))
    let title = TextMetrics.fitted(figure.figure.title, size: 17, limit: inner)
    var content = Markup.text("text", ["class": "heading", "x": "20", "y": "34"], title)
    var y = 52.0
    for group in Legend(figure).groups {
      let (markup, next) = legend(group, y)
      content += markup
      y = next
    }
    y += 8
    for number in figure.panels.indices {
      let panel = Panel(figure, number: number, width: panelWidth, height: panelHeight)
      let left = Self.margin + Double(number % columns) * (panelWidth + Self.gap)
      let top = y + Double(number / columns) * (panelHeight + Self.gap)
      content += Markup.element(
        "g", ["transform": "translate(\(Markup.number(left)) \(Markup.number(top)))"],
        PanelWriter(panel).content())
    }
    let rows = Double((figure.panels.count + columns - 1) / columns)
    let height = y + rows * panelHeight + (rows - 1) * Self.gap + 12
    return frame(content, height)
  }

  private func frame(_ content: String, _ height: Double) -> String {
    let (w, h) = (Markup.number(width), Markup.number(height))
    let background = Markup.empty("rect", ["width": w, "height": h, "fill": "#ffffff"])
    return Markup.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": w, "height": h, "viewBox": "0 0 \(w) \(h)",
        "role": "img", "aria-label": figure.figure.title,
      ],
      Markup.text("title", [:], figure.figure.title)
        + Markup.element("style", [:], Markup.escapeStyle(style)) + background + content) + "\n"
  }

  private var style: String {
    let colors = Palette.pairs(figure).enumerated()
      .map { ".c\($0.offset){color:\($0.element.light)}\n" }.joined()
    return "\n" + FigureStyle.css(FigureStyle.light)
      + ".heading{font-size:17px;font-weight:600;fill:#1b1f24}\n"
      + ".legend{font-size:12px;fill:#1b1f24}\n.legend-title{font-size:12px;fill:#5a6270}\n"
      + ".key{color:#5a6270}\n" + colors
  }

  /// One group of legend entries from `y` down, wrapped at the picture's width.
  private func legend(_ group: Legend.Group, _ start: Double) -> (String, Double) {
    var (x, y) = (Self.margin, start)
    var content = ""
    func text(_ name: String, _ words: String) {
      content += Markup.text(
        "text", ["class": name, "x": Markup.number(x), "y": Markup.number(y + 10)], words)
      x += TextMetrics.width(words, size: 12)
    }
    text("legend-title", group.title)
    x += 12
    for key in group.keys {
      if x + 32 + TextMetrics.width(key.name, size: 12) > width - Self.margin {
        (x, y) = (Self.margin, y + 20)
      }
      content += Markup.element(
        "g", ["transform": "translate(\(Markup.number(x)) \(Markup.number(y)))"],
        Legend.picture(key))
      x += 31
      text("legend", key.name)
      x += 16
    }
    return (content, y + 22)
  }
}
