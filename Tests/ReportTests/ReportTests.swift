import Foundation
import LabCore
import Report
import TestSupport
import Testing

@Suite struct ReportPageTests {
  /// Also writes the sample to `KGLAB_SAMPLE_REPORT`, for looking at it in a browser.
  @Test func pageIsWrittenWholeWithItsParts() throws {
    let folder = try TemporaryFolder()
    let wanted = ProcessInfo.processInfo.environment["KGLAB_SAMPLE_REPORT"]
    let target = wanted.map { URL(fileURLWithPath: $0) } ?? folder.url
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    let page = target.appendingPathComponent("report.html")
    try ReportPage.write(SampleReport.document, to: page)
    let written = try String(contentsOf: page, encoding: .utf8)
    #expect(written == (try ReportPage.html(SampleReport.document)))
    let parts = try ReportPage.writeParts(of: SampleReport.document, to: target)
    #expect(parts.count == 4 * 3 + 1 + 1 && parts.contains("rate-by-u-fit.csv"))
    #expect(parts.prefix(3) == ["rate-by-size.csv", "rate-by-size.svg", "rate-by-size.vl.json"])
    #expect(parts.last == "runs.csv")
  }

  @Test func pageIsWellFormedAndComplete() throws {
    let elements = try XMLElements(SampleReport.html.get())
    #expect(elements.count("h1") == 1)
    #expect(elements.count("section") == 3)
    #expect(elements.count("figure") == 5)
    // Three panels once; one and two panels for wide and for narrow screens.
    #expect(elements.attributes(ofClass: "panel").count == 3 + 2 * (1 + 2 + 2))
    #expect(elements.attributes(ofClass: "card").count == 4)
    #expect(elements.attributes(ofClass: "command").count == 4 + 1)
    #expect(elements.texts("summary").contains("Data as a table (36 rows)"))
    let ids = elements.elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
    let links = elements.elements.compactMap { $0.attributes["href"] }.filter { $0.hasPrefix("#") }
    #expect(links.count == 3 + 5)
    #expect(links.allSatisfy { ids.contains(String($0.dropFirst())) })
  }

  @Test func figuresAreLabelledForThoseWhoCannotSeeThem() throws {
    let elements = try XMLElements(SampleReport.html.get())
    for panel in elements.attributes(ofClass: "panel") {
      #expect(panel["role"] == "img")
      #expect(panel["aria-label"]?.hasSuffix(" points") == true)
      #expect(panel["viewBox"]?.hasPrefix("0 0 ") == true)
    }
  }

  @Test func namesCannotLeaveTheirPlace() throws {
    let hostile = SampleReport.hostile
    var figure = SampleReport.rateBySize
    figure.title = hostile
    figure.command = hostile
    figure.x.title = hostile
    figure.caption = "\(hostile)"
    figure.panel = nil
    figure.color = Channel("visibility", hostile)
    figure.data = Records(
      figure.data.columns, figure.data.rows.map { [.text(hostile)] + $0.dropFirst() })
    let document = ReportDocument(
      title: hostile, subtitle: "\(hostile)",
      headlines: [Headline(hostile, hostile, detail: "\(hostile)")],
      sections: [
        ReportSection(hostile, [.figure(figure)]), ReportSection(hostile, []),
      ])
    let html = try ReportPage.html(document)
    let elements = try XMLElements(html)
    #expect(elements.count("script") == 1)
    #expect(elements.count("b") == 0)
    #expect(html.components(separatedBy: "<script").count == 2)
    let cleaned = hostile.replacing("\u{1}", with: "\u{FFFD}")
    #expect(elements.texts("h1") == [cleaned])
    #expect(elements.texts("title").first == cleaned)
    _ = try XMLElements(SVGFigure.standalone(figure))
  }

  @Test func nothingIsFetched() throws {
    let elements = try XMLElements(SampleReport.html.get())
    #expect(elements.elements.allSatisfy { $0.attributes["src"] == nil })
    #expect(elements.count("link") + elements.count("img") + elements.count("iframe") == 0)
    let addresses = elements.elements.compactMap { $0.attributes["href"] }
    let web = addresses.filter { !$0.hasPrefix("#") && !$0.hasPrefix("data:") }
    #expect(web.isEmpty)
    let code = (elements.texts("style") + elements.texts("script")).joined()
    for word in ["http", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML", "eval("] {
      #expect(!code.contains(word), "the page's style or script has \(word)")
    }
  }

  @Test func downloadsHoldTheExactBytes() throws {
    let elements = try XMLElements(SampleReport.html.get())
    var saved: [String: Data] = [:]
    for element in elements.elements {
      guard let name = element.attributes["download"], let address = element.attributes["href"],
        let comma = address.firstIndex(of: ",")
      else { continue }
      saved[name] = Data(base64Encoded: String(address[address.index(after: comma)...]))
    }
    #expect(saved.count == 4 * 3 + 1 + 1)
    #expect(saved["rate-by-u-fit.csv"] == SampleReport.rateByU.fit.map { CSV.data($0.data) })
    #expect(saved["runs.csv"] == CSV.data(SampleReport.runs.data))
    #expect(saved["rate-by-u.csv"] == CSV.data(SampleReport.rateByU.data))
    #expect(saved["rate-by-u.vl.json"] == (try VegaLite.data(SampleReport.rateByU)))
    #expect(saved["rate-by-u.svg"] == SVGFigure.data(SampleReport.rateByU))
  }

  @Test func tablesSortByExactValues() throws {
    let data = Records(
      [Column("name", "Name"), Column("n", "N", .count)], [["a", 98_688], ["b", .missing]])
    let table = Table(id: "t", title: "T", data: data)
    let document = ReportDocument(title: "T", sections: [ReportSection("S", [.table(table)])])
    let elements = try XMLElements(ReportPage.html(document))
    let cells = elements.elements.filter { $0.name == "td" }
    #expect(cells.map(\.text) == ["a", "98.7k", "b", "–"])
    #expect(cells.map { $0.attributes["data-value"] } == [nil, "98688", nil, nil])
    #expect(elements.count("button") == 2)
  }

  @Test func aDocumentWithNothingIsStillAPage() throws {
    let elements = try XMLElements(ReportPage.html(ReportDocument(title: "Empty")))
    #expect(elements.texts("title") == ["Empty"])
    #expect(elements.count("nav") == 0)
  }
}
