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
        "transform": [
          ["filter": ["field": .string(columns[panel].name), "equal": value(name, panel)]]
        ],
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
    // Not a shared encoding: a reference line's datum would inherit the field of its axis.
    let shared = sharedEncoding()
    let marks = figure.marks.map { mark in
      let layer = layer(mark)
      let encoding = JSONValue.object(shared).merging(layer.encoding)
      return JSONValue.object(layer.settings).merging(["encoding": encoding])
    }
    return ["layer": .array(rules.flatMap(layers) + marks)]
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
    var entry: [String: JSONValue] = [
      "field": .string(columns[index].name), "type": "nominal", "title": .string(title),
      "sort": .null,
      "scale": ["domain": .array(names.map { value($0, index) }), "range": .array(range)],
    ]
    if let format = d3(columns[index].format) {
      let words = "isNumber(datum.value) ? format(datum.value, '\(format)') : datum.label"
      entry["legend"] = ["labelExpr": .string(words), "labelLimit": 400]
    } else {
      entry["legend"] = ["labelLimit": 400]
    }
    return .object(entry)
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
    if let format = d3(axis.format, trims: true) { settings["format"] = .string(format) }
    return [
      "field": field, "type": "quantitative", "title": title, "axis": .object(settings),
      "scale": [
        "type": .string(axis.axis.scale == .log ? "log" : "linear"), "domain": ends,
        "nice": false, "zero": false,
      ],
    ]
  }

  /// The d3 number format nearest to a column's own; `trims` drops zeros at the end.
  private func d3(_ format: ColumnFormat, trims: Bool = false) -> String? {
    let mark = trims ? "~" : ""
    return switch format {
    case .text: nil
    case .integer: ",d"
    case .number(let digits): ".\(trims ? max(3, digits) : digits)\(mark)f"
    case .percent(let digits): ".\(trims ? max(3, digits) : digits)\(mark)%"
    case .count: ".3~s"
    case .scientific: ".2~e"
    }
  }

  // MARK: Layers

  /// What a mark adds to the positions and the colour.
  private struct Layer {
    var settings: [String: JSONValue]
    var encoding: [String: JSONValue] = [:]
  }

  private func layer(_ mark: ResolvedMark) -> Layer {
    switch mark {
    case .line(let indices):
      Layer(settings: ["mark": ["type": "line"]], encoding: detail(indices))
    case .points: points()
    case .interval(let low, let high, .bars): interval(low, high, mark: "rule")
    case .interval(let low, let high, .band): interval(low, high, mark: "area")
    case .labels(let index):
      Layer(
        settings: [
          "mark": ["type": "text", "align": "left", "dx": 7, "dy": -6],
          "transform": [["filter": .string("isValid(datum.\(columns[index].name))")]],
        ], encoding: ["text": described(index)])
    }
  }

  /// A column as text or tooltip, written as the page writes it.
  private func described(_ index: Int) -> JSONValue {
    let column = columns[index]
    var entry: [String: JSONValue] = [
      "field": .string(column.name), "title": .string(column.title),
      "type": column.format.isNumeric ? "quantitative" : "nominal",
    ]
    if let format = d3(column.format) { entry["format"] = .string(format) }
    return .object(entry)
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

  private func points() -> Layer {
    var encoding: [String: JSONValue] = ["tooltip": .array(figure.tooltip.map(described))]
    if let index = figure.shapeIndex {
      let title = figure.figure.shape?.title ?? figure.figure.color?.title ?? ""
      let range = figure.shapes.indices.map { JSONValue.string(MarkerShape.number($0).rawValue) }
      encoding["shape"] = series(index, title, figure.shapes, range)
    }
    return Layer(
      settings: ["mark": ["type": "point", "filled": true, "size": 55, "opacity": 1]],
      encoding: encoding)
  }

  private func interval(_ low: Int, _ high: Int, mark: String) -> Layer {
    let axis = figure.isHorizontal ? figure.x : figure.y
    let (first, second) = figure.isHorizontal ? ("x", "x2") : ("y", "y2")
    let from = position(axis).merging(["field": .string(columns[low].name)])
    let encoding: [String: JSONValue] = [
      first: from, second: ["field": .string(columns[high].name)],
    ]
    let style: JSONValue =
      mark == "area" ? ["type": "area", "opacity": 0.16] : ["type": "rule", "opacity": 0.75]
    let split = mark == "area" ? detail(lineColumns()) : [:]
    return Layer(settings: ["mark": style], encoding: encoding.merging(split) { $1 })
  }

  private func lineColumns() -> [Int] {
    for mark in figure.marks { if case .line(let columns) = mark { return columns } }
    return []
  }

  // MARK: Reference lines

  private func layers(_ rule: Rule) -> [JSONValue] {
    let style: [String: JSONValue] = ["strokeDash": [5, 4], "color": "#5a6270"]
    switch rule.position {
    case .horizontal(let value):
      let place: [String: JSONValue] = ["y": ["datum": .number(value)]]
      let mark = JSONValue.object(style).merging(["type": "rule"])
      let text: JSONValue = ["type": "text", "align": "right", "dx": -2, "dy": -6]
      return reference(rule.label, mark, place, text, at: ["x": ["value": "width"]])
    case .vertical(let value):
      let place: [String: JSONValue] = ["x": ["datum": .number(value)]]
      let mark = JSONValue.object(style).merging(["type": "rule"])
      let text: JSONValue = ["type": "text", "align": "left", "dx": 5, "dy": 9]
      return reference(rule.label, mark, place, text, at: ["y": ["value": 0]])
    case .identity: return identity(rule, style)
    }
  }

  /// A straight line and its label, each drawn once.
  private func reference(
    _ label: String, _ mark: JSONValue, _ place: [String: JSONValue], _ text: JSONValue,
    at end: [String: JSONValue]
  ) -> [JSONValue] {
    let single: JSONValue = ["values": [JSONValue.object([:])]]
    let line: JSONValue = ["data": single, "mark": mark, "encoding": .object(place)]
    guard !label.isEmpty else { return [line] }
    let words: [String: JSONValue] = ["text": ["value": .string(label)]]
    let encoding = place.merging(end) { $1 }.merging(words) { $1 }
    return [
      line,
      [
        "data": single, "mark": text.merging(["color": "#5a6270"]), "encoding": .object(encoding),
      ],
    ]
  }

  private func identity(_ rule: Rule, _ style: [String: JSONValue]) -> [JSONValue] {
    let low = max(figure.x.domain.lowerBound, figure.y.domain.lowerBound)
    let high = min(figure.x.domain.upperBound, figure.y.domain.upperBound)
    guard low < high else { return [] }
    let (x, y) = (columns[figure.x.index].name, columns[figure.y.index].name)
    let ends = [low, high].map { JSONValue.object([x: .number($0), y: .number($0)]) }
    return [
      [
        "data": ["values": .array(ends)], "description": .string(rule.label),
        "mark": JSONValue.object(style).merging(["type": "line"]),
        "encoding": ["x": position(figure.x), "y": position(figure.y)],
      ]
    ]
  }
}
