/// A figure on the page: title, legend, panels, caption, downloads, the command that made it.
struct FigureWriter {
  let figure: ResolvedFigure
  let number: Int

  init(_ figure: Figure, number: Int) {
    self.figure = ResolvedFigure(figure)
    self.number = number
  }

  func html() throws -> String {
    let source = figure.figure
    var parts = [
      Markup.element(
        "h3", [:],
        Markup.text("span", ["class": "number"], "Figure \(number)") + " "
          + Markup.escape(source.title))
    ]
    parts += [legend(), panels(), caption(), try tools(), data()].filter { !$0.isEmpty }
    return Markup.element(
      "figure", ["id": source.id, "style": colors], parts.joined(separator: "\n"))
  }

  /// The colours of the series as variables for both themes.
  private var colors: String {
    Palette.pairs(figure).enumerated().map { index, pair in
      "--l\(index):\(pair.light);--d\(index):\(pair.dark)"
    }.joined(separator: ";")
  }

  private func legend() -> String {
    let groups = Legend(figure).groups.map { group in
      let keys = group.keys.map { key in
        let picture = Markup.element(
          "svg",
          ["viewBox": "0 0 26 12", "width": "26", "height": "12", "aria-hidden": "true"],
          Legend.picture(key))
        let content = picture + Markup.text("span", [:], key.name)
        guard let color = key.color else { return Markup.element("li", [:], content) }
        return Markup.element("li", ["data-series": "c\(color)"], content)
      }
      return Markup.element(
        "div", ["class": "legend"],
        Markup.text("span", [:], group.title) + Markup.element("ul", [:], keys.joined()))
    }
    return groups.joined(separator: "\n")
  }

  // MARK: Panels

  /// One to two panels are drawn twice, for wide and for narrow screens, so that text keeps its
  /// size.
  private func panels() -> String {
    let count = figure.panels.count
    let wide: (Double, Double)? =
      switch count {
      case 1: (760, 400)
      case 2, 4: (470, 325)
      default: nil
      }
    func box(_ name: String, _ width: Double, _ height: Double) -> String {
      let drawn = figure.panels.indices.map { number in
        PanelWriter(Panel(figure, number: number, width: width, height: height)).svg()
      }
      return Markup.element(
        "div", ["class": "panels \(name) n\(min(count, 5))"], drawn.joined(separator: "\n"))
    }
    let narrow = box(wide == nil ? "every" : "narrow", 350, 270)
    return (wide.map { box("wide", $0.0, $0.1) + "\n" } ?? "") + narrow
  }

  // MARK: Below the panels

  private func caption() -> String {
    var words = ProseWriter.inline(figure.figure.caption)
    if figure.figure.fit != nil {
      words +=
        " Dotted curves are fits, their bands 95 % intervals where there are runs enough; the fit's CSV has both."
    }
    if figure.undrawnCount > 0 {
      let rows = figure.undrawnCount == 1 ? "1 row" : "\(figure.undrawnCount) rows"
      words += Markup.text(
        "span", ["class": "undrawn"],
        " \(rows) of the data have no place on these axes (missing, not positive on a logarithmic "
          + "axis, or outside its range); the CSV has them.")
    }
    return words.isEmpty ? "" : Markup.element("figcaption", [:], words)
  }

  private func tools() throws -> String {
    let source = figure.figure
    let fit = source.fit.map {
      ProseWriter.download("Fit CSV", "\(source.id)-fit.csv", "text/csv", CSV.data($0.data))
    }
    let links = [
      ProseWriter.download(
        "Download CSV", "\(source.id).csv", "text/csv", CSV.data(source.data)),
      fit,
      ProseWriter.download(
        "Vega-Lite", "\(source.id).vl.json", "application/json", try VegaLite.data(source)),
      ProseWriter.download(
        "SVG", "\(source.id).svg", "image/svg+xml", SVGFigure.data(source)),
    ].compactMap(\.self)
    let made = source.command.isEmpty ? "" : ProseWriter.command(source.command)
    return Markup.element("p", ["class": "tools"], links.joined(separator: " ")) + made
  }

  private func data() -> String {
    Markup.element(
      "details", [:],
      Markup.text("summary", [:], "Data as a table (\(figure.figure.data.rows.count) rows)")
        + TableWriter.grid(figure.figure.data, label: "Data of figure \(number)"))
  }
}
