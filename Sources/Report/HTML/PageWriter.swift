/// Assembles the page: head, header, contents, sections.
struct PageWriter {
  let document: ReportDocument

  func page() throws -> String {
    var main = header()
    if document.sections.count > 1 { main += contents() }
    var numbers = (figure: 0, table: 0)
    for (index, section) in document.sections.enumerated() {
      main += try write(section, index, &numbers)
    }
    if !document.colophon.isEmpty {
      main += Markup.element(
        "footer", [:], document.colophon.map(ProseWriter.paragraph).joined(separator: "\n"))
    }
    return "<!DOCTYPE html>\n"
      + Markup.element(
        "html", ["lang": "en"],
        "\n" + head() + "\n"
          + Markup.element("body", [:], "\n" + Markup.element("main", [:], main) + script()) + "\n")
      + "\n"
  }

  private func head() -> String {
    Markup.element(
      "head", [:],
      [
        Markup.empty("meta", ["charset": "utf-8"]),
        Markup.empty(
          "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        Markup.empty("meta", ["name": "color-scheme", "content": "light dark"]),
        Markup.empty("meta", ["name": "referrer", "content": "no-referrer"]),
        Markup.text("title", [:], document.title),
        "<style>/*<![CDATA[*/\n\(PageStyle.css)/*]]>*/</style>",
      ].joined(separator: "\n"))
  }

  private func script() -> String {
    "\n<script>//<![CDATA[\n\(PageScript.source)//]]></script>\n"
  }

  private func header() -> String {
    var parts = [Markup.text("h1", [:], document.title)]
    if !document.subtitle.isEmpty {
      parts.append(
        Markup.element("p", ["class": "subtitle"], ProseWriter.inline(document.subtitle)))
    }
    parts += document.introduction.map(ProseWriter.paragraph)
    if !document.headlines.isEmpty { parts.append(headlines(document.headlines)) }
    return Markup.element("header", [:], parts.joined(separator: "\n")) + "\n"
  }

  private func headlines(_ headlines: [Headline]) -> String {
    let cards = headlines.map { headline in
      Markup.element(
        "div", ["class": "card"],
        Markup.text("dt", [:], headline.label)
          + Markup.text("dd", ["class": "value"], headline.value)
          + (headline.detail.isEmpty
            ? ""
            : Markup.element("dd", ["class": "detail"], ProseWriter.inline(headline.detail))))
    }
    return Markup.element("dl", ["class": "cards"], cards.joined(separator: "\n"))
  }

  // MARK: Contents

  private func contents() -> String {
    let entries = document.sections.enumerated().map { index, section in
      let parts = section.blocks.compactMap { block -> String? in
        switch block {
        case .figure(let figure): Self.link(figure.id, figure.title)
        case .table(let table): Self.link(table.id, table.title)
        default: nil
        }
      }
      let inner =
        parts.isEmpty
        ? "" : Markup.element("ul", [:], parts.map { Markup.element("li", [:], $0) }.joined())
      return Markup.element(
        "li", [:], Self.link("section-\(index + 1)", section.title) + inner)
    }
    return Markup.element(
      "nav", ["aria-label": "Contents"],
      Markup.element("h2", [:], "Contents")
        + Markup.element("ol", [:], entries.joined(separator: "\n"))) + "\n"
  }

  private static func link(_ anchor: String, _ title: String) -> String {
    Markup.text("a", ["href": "#\(anchor)"], title)
  }

  // MARK: Sections

  private func write(
    _ section: ReportSection, _ index: Int, _ numbers: inout (figure: Int, table: Int)
  ) throws -> String {
    var parts = [Markup.text("h2", [:], section.title)]
    for block in section.blocks { parts.append(try write(block, &numbers)) }
    return Markup.element(
      "section", ["id": "section-\(index + 1)"], parts.joined(separator: "\n")) + "\n"
  }

  private func write(_ block: Block, _ numbers: inout (figure: Int, table: Int)) throws -> String {
    switch block {
    case .paragraph(let prose): return ProseWriter.paragraph(prose)
    case .list(let items):
      return Markup.element(
        "ul", [:], items.map { Markup.element("li", [:], ProseWriter.inline($0)) }.joined())
    case .note(let prose):
      return Markup.element("p", ["class": "note"], ProseWriter.inline(prose))
    case .figure(let figure):
      numbers.figure += 1
      return try FigureWriter(figure, number: numbers.figure).html()
    case .table(let table):
      numbers.table += 1
      return TableWriter(table: table, number: numbers.table).html()
    }
  }
}
