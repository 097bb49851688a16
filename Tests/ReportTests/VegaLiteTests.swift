import Foundation
import Report
import TestSupport
import Testing

@Suite struct VegaLiteTests {
  private func specification(_ figure: Figure) throws -> [String: Any] {
    try jsonObject(VegaLite.data(figure))
  }

  private func layers(_ view: [String: Any]) throws -> [[String: Any]] {
    try #require(view["layer"] as? [[String: Any]])
  }

  private func mark(_ layer: [String: Any]) -> String? {
    (layer["mark"] as? [String: Any])?["type"] as? String
  }

  @Test func panelsFilterTheSharedData() throws {
    let specification = try specification(SampleReport.rateBySize)
    #expect(
      specification["$schema"] as? String == "https://vega.github.io/schema/vega-lite/v5.json")
    let data = try #require(specification["data"] as? [String: [[String: Any]]])
    #expect(data["values"]?.count == 36)
    #expect(data["values"]?.first?["size"] as? Int == 3120)
    let views = try #require(specification["concat"] as? [[String: Any]])
    #expect(views.compactMap { $0["title"] as? String } == ["FVS", "PVS", "IVS"])
    let filter = try #require(
      (views[1]["transform"] as? [[String: [String: String]]])?.first?["filter"])
    #expect(filter == ["field": "visibility", "equal": "PVS"])
    // The 5 % line and its label belong to the first panel.
    #expect(try layers(views[0]).map(mark) == ["rule", "text", "rule", "line", "point"])
    #expect(try layers(views[1]).map(mark) == ["rule", "line", "point"])
  }

  @Test func scalesAndEncodingsAreTheFigures() throws {
    let specification = try specification(SampleReport.rateByU)
    // The fit's two come first.
    let layers = try Array(layers(specification).dropFirst(2))
    #expect(layers.map(mark) == ["rule", "line", "point"])
    let encoding = try #require(layers[2]["encoding"] as? [String: Any])
    let x = try #require(encoding["x"] as? [String: Any])
    #expect(x["field"] as? String == "unique_tokens_per_parameter")
    #expect((x["scale"] as? [String: Any])?["type"] as? String == "log")
    let color = try #require(encoding["color"] as? [String: Any])
    let domain = (color["scale"] as? [String: Any])?["domain"] as? [String]
    #expect(domain?.count == 3)
    #expect((encoding["tooltip"] as? [[String: Any]])?.count == 3)
    let bar = try #require(layers[0]["encoding"] as? [String: Any])
    #expect((bar["y"] as? [String: Any])?["field"] as? String == "low")
    #expect((bar["y2"] as? [String: Any])?["field"] as? String == "high")
  }

  @Test func missingValuesAreNullAndCommandsAreKept() throws {
    let specification = try specification(SampleReport.rateByU)
    let values = try #require((specification["data"] as? [String: [[String: Any]]])?["values"])
    #expect(values.last?["size"] is NSNull)
    #expect(
      (specification["description"] as? String)?.hasSuffix(
        "Made by: kglab report runs/quickstart") == true)
  }

  @Test func fittedCurvesAreLayersOfTheirOwnData() throws {
    let specification = try specification(SampleReport.rateByU)
    let layers = try #require(specification["layer"] as? [[String: Any]])
    let kinds = layers.prefix(2).map { ($0["mark"] as? [String: Any])?["type"] as? String }
    #expect(kinds == ["area", "line"])
    let values = (layers[0]["data"] as? [String: [[String: Any]]])?["values"]
    #expect(values?.count == 5 && values?.first?["upper"] as? Double == 0.5)
    let encoding = layers[0]["encoding"] as? [String: [String: Any]]
    #expect(encoding?["y"]?["field"] as? String == "lower")
    #expect(encoding?["y2"]?["field"] as? String == "upper")
  }

  @Test func bytesAreTheSameEachTime() throws {
    for figure in SampleReport.document.figures {
      #expect(try VegaLite.data(figure) == VegaLite.data(figure))
    }
  }
}
