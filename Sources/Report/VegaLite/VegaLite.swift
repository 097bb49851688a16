package import Foundation
import LabCore

/// A figure as a Vega-Lite version 5 specification with its data inside.
///
/// Panels become a `concat` of views that each filter the shared data, so that a reference line can
/// belong to one panel; all views have the ranges of the SVG.
package enum VegaLite {
  /// The specification as indented JSON with sorted keys.
  ///
  /// Throws `ReportError` when the figure names a column that its data lacks.
  package static func data(_ figure: Figure) throws -> Data {
    try CanonicalJSON.pretty(VegaLiteWriter(ResolvedFigure(figure)).specification())
  }
}

/// Translates one figure.
private struct VegaLiteWriter {
  let figure: ResolvedFigure
  private var columns: [Column] { figure.figure.data.columns }

  init(_ figure: ResolvedFigure) { self.figure = figure }

  func specification() -> JSONValue {
    let source = figure.figure
    let values = source.data.rows.map { row in
      JSONValue.object(
        Dictionary(
          zip(columns, row).map { ($0.name, JSONValue($1)) }, uniquingKeysWith: { $1 }))
    }
    var top: [String: JSONValue] = [
      "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
      "title": .string(source.title), "data": ["values": .array(values)],
    ]
    let words = [source.caption.text, source.command.isEmpty ? "" : "Made by: \(source.command)"]
    top["description"] = .string(words.filter { !$0.isEmpty }.joined(separator: " "))
    guard let panel = figure.panelIndex, figure.panels.count > 1 else {
      return view(figure.panels[0]).merging(["width": 520, "height": 320]).merging(top)
    }
    let views = figure.panels.map { name in
      view(name).merging([
        "title": .string(name), "width": 280, "height": 220,
        "transform": [["filter": ["field": .string(columns[panel].name), "equal": value(name, panel)]]],
      ])
    }
    top["concat"] = .array(views)
    top["columns"] = .integer(min(3, views.count))
    top["resolve"] = ["scale": ["color": "shared", "shape": "shared"]]
    return .object(top)
  }

  /// The typed value behind a panel's name.
  private func value(_ name: String, _ index: Int) -> JSONValue {
    let cell = figure.figure.data.rows.first { $0[index].plain == name }?[index]
    return cell.map { JSONValue($0) } ?? .string(name)
  }

  private func view(_ panel: String) -> JSONValue {
    let rules = figure.figure.rules.filter { $0.panel == nil || $0.panel == panel }
    return [
      "layer": .array(rules.flatMap(layers) + figure.marks.map(layer)),
      "encoding": .object(sharedEncoding()),
    ]
  }

  // MARK: Encodings

  private func sharedEncoding() -> [String: JSONValue] {
    var encoding: [String: JSONValue] = ["x": position(figure.x), "y": position(figure.y)]
    if let index = figure.colorIndex, let channel = figure.figure.color {
      let range = Palette.pairs(figure).map { JSONValue.string($0.light) }
      encoding["color"] = series(index, channel.title, figure.colors, range)
    }
    return encoding
  }

  private func series(
    _ index: Int, _ title: String, _ names: [String], _ range: [JSONValue]
  ) -> JSONValue {
    [
      "field": .string(columns[index].name), "type": "nominal", "title": .string(title),
      "sort": .null,
      "scale": ["domain": .array(names.map { value($0, index) }), "range": .array(range)],
    ]
  }

  private func position(_ axis: ResolvedAxis) -> JSONValue {
    let field = JSONValue.string(columns[axis.index].name)
    let title = JSONValue.string(axis.axis.title)
    guard axis.axis.scale != .category else {
      let sort = JSONValue.array(axis.categories.map { value($0, axis.index) })
      return ["field": field, "type": "nominal", "title": title, "sort": sort]
    }
    let ends: JSONValue = [.number(axis.domain.lowerBound), .number(axis.domain.upperBound)]
    var settings: [String: JSONValue] = ["grid": .bool(axis.index == figure.y.index)]
    if let format = d3(axis.format) { settings["format"] = .string(format) }
    return [
      "field": field, "type": "quantitative", "title": title, "axis": .object(settings),
      "scale": [
        "type": .string(axis.axis.scale == .log ? "log" : "linear"), "domain": ends,
        "nice": false, "zero": false,
      ],
    ]
  }

  /// The d3 number format nearest to a column's own.
  private func d3(_ format: ColumnFormat) -> String? {
    switch format {
    case .text: nil
    case .integer: ",d"
    case .number(let digits): ".\(digits)f"
    case .percent(let digits): ".\(digits)%"
    case .count: "~s"
    case .scientific: "~e"
    }
  }

  // MARK: Layers

  private func layer(_ mark: ResolvedMark) -> JSONValue {
    switch mark {
    case .line(let indices):
      return ["mark": ["type": "line"], "encoding": .object(detail(indices))]
    case .points: return points()
    case .interval(let low, let high, .bars): return interval(low, high, mark: "rule")
    case .interval(let low, let high, .band): return interval(low, high, mark: "area")
    case .labels(let index):
      let text: JSONValue = ["field": .string(columns[index].name), "type": "nominal"]
      return [
        "mark": ["type": "text", "align": "left", "dx": 7, "dy": -6], "encoding": ["text": text],
      ]
    }
  }

  /// Columns that split lines beyond the colour.
  private func detail(_ indices: [Int]) -> [String: JSONValue] {
    let extra = indices.filter { $0 != figure.colorIndex }
    guard !extra.isEmpty else { return [:] }
    let fields = extra.map { index -> JSONValue in
      ["field": .string(columns[index].name), "type": "nominal"]
    }
    return ["detail": .array(fields)]
  }

  private func points() -> JSONValue {
    let tooltip = figure.tooltip.map { index -> JSONValue in
      var entry: [String: JSONValue] = [
        "field": .string(columns[index].name), "title": .string(columns[index].title),
        "type": columns[index].format.isNumeric ? "quantitative" : "nominal",
      ]
      if let format = d3(columns[index].format) { entry["format"] = .string(format) }
      return .object(entry)
    }
    var encoding: [String: JSONValue] = ["tooltip": .array(tooltip)]
    if let index = figure.shapeIndex {
      let title = figure.figure.shape?.title ?? figure.figure.color?.title ?? ""
      let range = figure.shapes.indices.map { JSONValue.string(MarkerShape.number($0).rawValue) }
      encoding["shape"] = series(index, title, figure.shapes, range)
    }
    return [
      "mark": ["type": "point", "filled": true, "size": 55, "opacity": 1],
      "encoding": .object(encoding),
    ]
  }

  private func interval(_ low: Int, _ high: Int, mark: String) -> JSONValue {
    let axis = figure.isHorizontal ? figure.x : figure.y
    let (first, second) = figure.isHorizontal ? ("x", "x2") : ("y", "y2")
    let from = position(axis).merging(["field": .string(columns[low].name)])
    let encoding: [String: JSONValue] = [
      first: from, second: ["field": .string(columns[high].name)],
    ]
    let style: JSONValue =
      mark == "area" ? ["type": "area", "opacity": 0.16] : ["type": "rule", "opacity": 0.75]
    let split = mark == "area" ? detail(lineColumns()) : [:]
    return ["mark": style, "encoding": .object(encoding.merging(split) { $1 })]
  }

  private func lineColumns() -> [Int] {
    for mark in figure.marks { if case .line(let columns) = mark { return columns } }
    return []
  }

  // MARK: Reference lines

  private func layers(_ rule: Rule) -> [JSONValue] {
    let dashes: JSONValue = ["type": "rule", "strokeDash": [5, 4], "color": "#5a6270"]
    switch rule.position {
    case .horizontal(let value):
      return reference(rule, dashes, ["y": ["datum": .number(value)]], hidden: "x", at: "width")
    case .vertical(let value):
      return reference(rule, dashes, ["x": ["datum": .number(value)]], hidden: "y", at: nil)
    case .identity:
      let low = max(figure.x.domain.lowerBound, figure.y.domain.lowerBound)
      let high = min(figure.x.domain.upperBound, figure.y.domain.upperBound)
      guard low < high else { return [] }
      let ends = [low, high].map { value -> JSONValue in
        [
          columns[figure.x.index].name: .number(value), columns[figure.y.index].name: .number(value),
        ].object
      }
      return [
        [
          "data": ["values": .array(ends)], "description": .string(rule.label),
          "mark": ["type": "line", "strokeDash": [5, 4], "color": "#5a6270"],
          "encoding": ["color": .null],
        ]
      ]
    }
  }

  /// A straight line and its label; the other position and the colour are not inherited.
  private func reference(
    _ rule: Rule, _ mark: JSONValue, _ place: [String: JSONValue], hidden: String, at end: String?
  ) -> [JSONValue] {
    let line = place.merging([hidden: .null, "color": .null]) { $1 }
    let single: JSONValue = ["values": [JSONValue.object([:])]]
    var layers: [JSONValue] = [
      ["data": single, "mark": mark, "encoding": .object(line)]
    ]
    guard !rule.label.isEmpty else { return layers }
    let along: JSONValue = end.map { ["value": .string($0)] } ?? ["value": 0]
    let labelled = place.merging([
      hidden: along, "color": .null, "text": ["value": .string(rule.label)],
    ]) { $1 }
    layers.append([
      "data": single,
      "mark": [
        "type": "text", "align": end == nil ? "left" : "right", "dx": end == nil ? 5 : -2,
        "dy": end == nil ? 9 : -6, "color": "#5a6270",
      ],
      "encoding": .object(labelled),
    ])
    return layers
  }
}

extension Dictionary where Key == String, Value == JSONValue {
  fileprivate var object: JSONValue { .object(self) }
}
