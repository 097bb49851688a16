import Foundation
import Report
import Testing

@Suite struct FigureTests {
  private func page(_ figure: Figure) throws -> String {
    try ReportPage.html(
      ReportDocument(title: "T", sections: [ReportSection("S", [.figure(figure)])]))
  }

  @Test func panelsAndSeriesKeepTheirOrder() throws {
    let figure = ResolvedFigure(SampleReport.rateByFlops)
    #expect(figure.panels == ["FVS", "IVS"])
    #expect(figure.shapes == ["5", "20", "100"])
    #expect(figure.colors == ["3120", "9492", "31320", "98688", "302400", "1048000"])
    #expect(figure.undrawnCount == 0)
    #expect(figure.y.domain == 0...0.7)
  }

  @Test func rowsWithoutAPlaceAreCounted() throws {
    let data = Records(
      [Column("x", "X", .count), Column("y", "Y", .number(digits: 1))],
      [[10, 1.0], [0, 2.0], [-3, 2.0], [100, .missing], [1000, 3.0], [.number(.nan), 1.0]])
    let figure = Figure(
      id: "f", title: "F", data: data, x: Axis("x", "X", scale: .log), y: Axis("y", "Y"),
      tooltip: ["y"])
    #expect(ResolvedFigure(figure).undrawnCount == 4)
    let html = try page(figure)
    #expect(html.contains("4 rows of the data have no place on these axes"))
    // The missing value at 100 breaks the line, so no line is drawn at all.
    #expect(!html.contains("class=\"line c0\""))
  }

  @Test func anEmptyFigureStillDraws() throws {
    let figure = Figure(
      id: "empty", title: "Empty", data: Records([Column("x", "X"), Column("y", "Y")]),
      x: Axis("x", "X", scale: .log), y: Axis("y", "Y"),
      tooltip: ["y"])
    let elements = try XMLElements(SVGFigure.standalone(figure))
    #expect(elements.count("svg") == 1)
    #expect(elements.attributes(ofClass: "point").isEmpty)
  }

  @Test func pointsStandWhereTheScalesPutThem() throws {
    let data = Records(
      [Column("size", "Size", .count), Column("rate", "Rate", .percent(digits: 1))],
      [[1_000, 0.5], [10_000, 0.25], [100_000, 0.0]])
    let figure = ResolvedFigure(
      Figure(
        id: "f", title: "F", data: data,
        x: Axis("size", "Size", scale: .log, domain: 1e3...1e5),
        y: Axis("rate", "Rate", domain: 0...0.5), tooltip: ["rate"]))
    let panel = Panel(figure, number: 0, width: 400, height: 300)
    let places = panel.points.compactMap(panel.place)
    #expect(places.map(\.y) == [panel.top, (panel.top + panel.bottom) / 2, panel.bottom])
    #expect(abs(places[1].x - (panel.left + panel.right) / 2) < 1e-9)
    let elements = try XMLElements(PanelWriter(panel).svg())
    let transforms = elements.attributes(ofClass: "point").compactMap { $0["transform"] }
    #expect(transforms.count == 3)
    #expect(transforms[0].hasSuffix(" \(Int(panel.top)))"))
    #expect(transforms[2].hasSuffix(" \(Int(panel.bottom)))"))
  }

  /// Names of panels that differ at their end alone are told apart: they are wrapped, not cut.
  @Test func longNamesOfPanelsAreWrapped() throws {
    let names = ["graph says", "reward says"].map {
      "10k, 20 epochs, usual learning rate, loss on all, fresh, seed 0, \($0)"
    }
    let data = Records(
      [Column("panel", "Panel"), Column("x", "X"), Column("y", "Y")],
      names.map { [.text($0), 1, 2] })
    let figure = ResolvedFigure(
      Figure(
        id: "f", title: "F", data: data, x: Axis("x", "X"), y: Axis("y", "Y"),
        panel: Channel("panel", "Panel"), tooltip: ["y"]))
    for (number, name) in names.enumerated() {
      let panel = Panel(figure, number: number, width: 350, height: 270)
      let lines = try XMLElements(PanelWriter(panel).svg()).elements
        .filter { $0.attributes["class"] == "name" }
      #expect(lines.count == 2 && lines.map(\.text).joined(separator: " ") == name)
      let last = try #require(lines.last?.attributes["y"].flatMap { Double($0) })
      #expect(last < panel.top - 22)
    }
  }

  @Test func intervalsReachTheirColumns() throws {
    let elements = try XMLElements(
      page(SampleReport.rateBySize))
    #expect(elements.attributes(ofClass: "interval").count == 36)
    #expect(elements.attributes(ofClass: "point").count == 36)
    #expect(elements.attributes(ofClass: "line").count == 6 + 2)
    #expect(
      elements.texts("title").contains {
        $0.hasSuffix("59.7\u{202F}% (58.5\u{202F}% to 60.9\u{202F}%)")
      })
  }

  /// One curve with a band and one without; neither adds points or lines.
  @Test func fittedCurvesAreDrawnWithTheirBands() throws {
    let elements = try XMLElements(SVGFigure.standalone(SampleReport.rateByU))
    let bands = elements.attributes(ofClass: "band")
    #expect(bands.count == 1 && elements.attributes(ofClass: "fit").count == 2)
    // Three ends below and three above, closed.
    #expect(bands[0]["d"]?.filter { $0 == "L" }.count == 5 && bands[0]["d"]?.last == "Z")
    let page = try page(SampleReport.rateByU)
    #expect(page.contains("rate-by-u-fit.csv"))
  }

  @Test func everySampleFigureIsWellFormed() throws {
    for figure in SampleReport.document.figures {
      let text = SVGFigure.standalone(figure)
      let elements = try XMLElements(text)
      #expect(elements.rows(ofRoot: "svg")["xmlns"] == "http://www.w3.org/2000/svg")
      #expect(elements.attributes(ofClass: "point").count == figure.data.rows.count)
      #expect(!text.contains("var(--"))
      #expect(!text.contains("NaN") && !text.contains("nan "))
    }
  }

  @Test func palettesHaveDifferentColors() {
    for count in 1...8 {
      #expect(Set(Palette.pairs(.categories, count: count)).count == count)
    }
    for count in 1...14 { #expect(Set(Palette.pairs(.ordered, count: count)).count == count) }
    #expect(Set(MarkerShape.allCases.map(\.path)).count == 8)
  }
}
