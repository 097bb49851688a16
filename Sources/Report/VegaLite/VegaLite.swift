package import Foundation
import LabCore

/// A figure as a Vega-Lite version 5 specification with its data inside.
///
/// Panels become a `concat` of views that each filter the shared data, so that a reference line can
/// belong to one panel; all views have the ranges of the SVG.
package enum VegaLite {
  /// The specification as indented JSON with sorted keys.
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
    let values = Self.values(source.data)
    var top: [String: JSONValue] = [
      "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
      "title": .text(source.title), "data": ["values": .list(values)],
    ]
    let words = [source.caption.text, source.command.isEmpty ? "" : "Made by: \(source.command)"]
    top["description"] = .text(words.filter { !$0.isEmpty }.joined(separator: " "))
    guard let panel = figure.panelIndex, figure.panels.count > 1 else {
      return view(figure.panels[0]).merging(["width": 520, "height": 320]).merging(.object(top))
    }
    let views = figure.panels.map { name in
      view(name).merging([
        "title": .text(name), "width": 280, "height": 220,
        "transform": [
          ["filter": ["field": .text(columns[panel].name), "equal": value(name, panel)]]
        ],
      ])
    }
    top["concat"] = .list(views)
    top["columns"] = .number(Double(min(3, views.count)))
    top["resolve"] = ["scale": ["color": "shared", "shape": "shared"]]
    return .object(top)
  }

  private static func values(_ data: Records) -> [JSONValue] {
    data.rows.map { row in
      JSONValue.object(
        Dictionary(
          zip(data.columns, row).map { ($0.name, JSONValue($1)) }, uniquingKeysWith: { $1 }))
    }
  }

  /// The typed value behind a panel's name.
  private func value(_ name: String, _ index: Int) -> JSONValue {
    let cell = figure.figure.data.rows.first { $0[index].plain == name }?[index]
    return cell.map { JSONValue($0) } ?? .text(name)
  }

  private func view(_ panel: String) -> JSONValue {
    let rules = figure.figure.rules.filter { $0.panel == nil || $0.panel == panel }
    // Not a shared encoding: a reference line's datum would inherit the field of its axis.
    let shared = sharedEncoding()
    let marks = figure.marks.map { mark in
      let layer = layer(mark)
      let encoding = JSONValue.object(shared).merging(.object(layer.encoding))
      return JSONValue.object(layer.settings).merging(["encoding": encoding])
    }
    return ["layer": .list(curves(panel, shared) + rules.flatMap(layers) + marks)]
  }

  /// The fitted curves of a panel and, under them, their bands.
  private func curves(_ panel: String, _ shared: [String: JSONValue]) -> [JSONValue] {
    guard var data = figure.figure.fit?.data else { return [] }
    if let column = figure.figure.panel.flatMap({ data.index(of: $0.column) }) {
      data = Records(data.columns, data.rows.filter { $0[column].plain == panel })
    }
    let ends: JSONValue = [
      "y": position(figure.y).merging(["field": "lower"]), "y2": ["field": "upper"],
    ]
    let band: JSONValue = ["type": "area", "opacity": 0.16]
    let line: JSONValue = ["type": "line", "strokeDash": [2, 3], "strokeWidth": 1.4]
    return [(band, JSONValue.object(shared).merging(ends)), (line, .object(shared))].map {
      ["data": ["values": .list(Self.values(data))], "mark": $0, "encoding": $1]
    }
  }

  // MARK: Encodings

  private func sharedEncoding() -> [String: JSONValue] {
    var encoding: [String: JSONValue] = ["x": position(figure.x), "y": position(figure.y)]
    if let index = figure.colorIndex, let channel = figure.figure.color {
      let range = Palette.pairs(figure).map { JSONValue.text($0.light) }
      encoding["color"] = series(index, channel.title, figure.colors, range)
    }
    return encoding
  }

  private func series(
    _ index: Int, _ title: String, _ names: [String], _ range: [JSONValue]
  ) -> JSONValue {
    var entry: [String: JSONValue] = [
      "field": .text(columns[index].name), "type": "nominal", "title": .text(title),
      "sort": .null,
      "scale": ["domain": .list(names.map { value($0, index) }), "range": .list(range)],
    ]
    if let format = d3(columns[index].format) {
      let words = "isNumber(datum.value) ? format(datum.value, '\(format)') : datum.label"
      entry["legend"] = ["labelExpr": .text(words), "labelLimit": 400]
    } else {
      entry["legend"] = ["labelLimit": 400]
    }
    return .object(entry)
  }

  private func position(_ axis: ResolvedAxis) -> JSONValue {
    let field = JSONValue.text(columns[axis.index].name)
    let title = JSONValue.text(axis.axis.title)
    let ends: JSONValue = [.number(axis.domain.lowerBound), .number(axis.domain.upperBound)]
    var settings: [String: JSONValue] = ["grid": .flag(axis.index == figure.y.index)]
    if let format = d3(axis.format, trims: true) { settings["format"] = .text(format) }
    if axis.format == .integer { settings["tickMinStep"] = .number(1) }
    return [
      "field": field, "type": "quantitative", "title": title, "axis": .object(settings),
      "scale": [
        "type": .text(axis.axis.scale == .log ? "log" : "linear"), "domain": ends,
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
    case .interval(let low, let high): interval(low, high)
    }
  }

  /// A column as a tooltip, written as the page writes it.
  private func described(_ index: Int) -> JSONValue {
    let column = columns[index]
    var entry: [String: JSONValue] = [
      "field": .text(column.name), "title": .text(column.title),
      "type": column.format.isNumeric ? "quantitative" : "nominal",
    ]
    if let format = d3(column.format) { entry["format"] = .text(format) }
    return .object(entry)
  }

  /// Columns that split lines beyond the colour.
  private func detail(_ indices: [Int]) -> [String: JSONValue] {
    let extra = indices.filter { $0 != figure.colorIndex }
    guard !extra.isEmpty else { return [:] }
    let fields = extra.map { index -> JSONValue in
      ["field": .text(columns[index].name), "type": "nominal"]
    }
    return ["detail": .list(fields)]
  }

  private func points() -> Layer {
    var encoding: [String: JSONValue] = ["tooltip": .list(figure.tooltip.map(described))]
    if let index = figure.shapeIndex {
      let title = figure.figure.shape?.title ?? figure.figure.color?.title ?? ""
      let range = figure.shapes.indices.map { JSONValue.text(MarkerShape.number($0).rawValue) }
      encoding["shape"] = series(index, title, figure.shapes, range)
    }
    return Layer(
      settings: ["mark": ["type": "point", "filled": true, "size": 55, "opacity": 1]],
      encoding: encoding)
  }

  private func interval(_ low: Int, _ high: Int) -> Layer {
    Layer(
      settings: ["mark": ["type": "rule", "opacity": 0.75]],
      encoding: [
        "y": position(figure.y).merging(["field": .text(columns[low].name)]),
        "y2": ["field": .text(columns[high].name)],
      ])
  }

  // MARK: Reference lines

  private func layers(_ rule: Rule) -> [JSONValue] {
    let style: [String: JSONValue] = ["strokeDash": [5, 4], "color": "#5a6270"]
    switch rule.position {
    case .horizontal(let value): return horizontal(value, rule.label, style)
    case .identity: return identity(rule, style)
    }
  }

  /// A level line and its label, each drawn once.
  private func horizontal(
    _ value: Double, _ label: String, _ style: [String: JSONValue]
  ) -> [JSONValue] {
    let single: JSONValue = ["values": [[:]]]
    let y: JSONValue = ["datum": .number(value)]
    let line: JSONValue = [
      "data": single, "mark": JSONValue.object(style).merging(["type": "rule"]),
      "encoding": ["y": y],
    ]
    guard !label.isEmpty else { return [line] }
    return [
      line,
      [
        "data": single,
        "mark": ["type": "text", "align": "right", "dx": -2, "dy": -6, "color": "#5a6270"],
        "encoding": ["y": y, "x": ["value": "width"], "text": ["value": .text(label)]],
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
        "data": ["values": .list(ends)], "description": .text(rule.label),
        "mark": JSONValue.object(style).merging(["type": "line"]),
        "encoding": ["x": position(figure.x), "y": position(figure.y)],
      ]
    ]
  }
}

extension JSONValue {
  fileprivate init(_ cell: Cell) {
    switch cell {
    case .text(let value): self = .text(value)
    case .integer(let value): self = .number(Double(value))
    case .number(let value): self = value.isFinite ? .number(value) : .null
    case .missing: self = .null
    }
  }

  /// This object with the entries of `other` added; they win.
  fileprivate func merging(_ other: JSONValue) -> JSONValue {
    guard case .object(let own) = self, case .object(let more) = other else { return self }
    return .object(own.merging(more) { $1 })
  }
}
