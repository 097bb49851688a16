/// A table on the page: sortable by its headings, scrolling inside its own box.
struct TableWriter {
  let table: Table
  let number: Int

  func html() -> String {
    let title = Markup.element(
      "h3", [:],
      Markup.text("span", ["class": "number"], "Table \(number)") + " "
        + Markup.escape(table.title))
    var parts = [title, Self.grid(table.data, label: table.title)]
    if !table.caption.isEmpty {
      parts.append(Markup.element("figcaption", [:], ProseWriter.inline(table.caption)))
    }
    let link = ProseWriter.download(
      "Download CSV", "\(table.id).csv", "text/csv", CSV.data(table.data))
    parts.append(Markup.element("p", ["class": "tools"], link))
    if !table.command.isEmpty { parts.append(ProseWriter.command(table.command)) }
    return Markup.element("figure", ["id": table.id], parts.joined(separator: "\n"))
  }

  /// Texts up to this many characters stay on one line.
  private static let unbrokenLength = 26

  /// The rows in a box that scrolls sideways when they are too wide.
  static func grid(_ data: Records, label: String) -> String {
    let headings = data.columns.map { column in
      Markup.element(
        "th", ["scope": "col", "class": column.format.isNumeric ? "num" : "txt"],
        Markup.text("button", ["type": "button"], column.title))
    }
    let rows = data.rows.map { row in
      Markup.element("tr", [:], zip(data.columns, row).map(cell).joined())
    }
    return Markup.element(
      "div", ["class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"],
      Markup.element(
        "table", [:],
        Markup.element("thead", [:], Markup.element("tr", [:], headings.joined()))
          + Markup.element("tbody", [:], "\n" + rows.joined(separator: "\n") + "\n")))
  }

  /// One cell; the exact value, where the shown one is rounded, is what sorting compares.
  private static func cell(_ column: Column, _ value: Cell) -> String {
    let shown = column.format.string(value)
    guard column.format.isNumeric else {
      let isLong = shown.count > unbrokenLength
      return Markup.text("td", isLong ? ["class": "long"] : [:], shown)
    }
    guard let exact = value.finite else {
      return Markup.text("td", ["class": "num"], shown)
    }
    return Markup.text(
      "td", ["class": "num", "data-value": Cell.number(exact).plain], shown)
  }
}
