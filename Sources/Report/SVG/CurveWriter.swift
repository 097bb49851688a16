/// Draws the fitted curves of one panel with their bands.
struct CurveWriter {
  let panel: Panel

  /// Bands first, so that no curve is under one.
  func write() -> String {
    guard let data = panel.figure.figure.fit?.data else { return "" }
    let low = data.requiredIndex(of: "lower")
    let high = data.requiredIndex(of: "upper")
    var bands = ""
    var curves = ""
    for color in panel.figure.colors.isEmpty ? [0] : Array(panel.figure.colors.indices) {
      let points = panel.figure.curves.filter {
        $0.panel == panel.number && $0.color == color
      }
      let places = points.compactMap(panel.place)
      guard places.count > 1 else { continue }
      let ends = points.compactMap { point -> (x: Double, low: Double, high: Double)? in
        let row = data.rows[point.row]
        guard let low = row[low].finite, let high = row[high].finite else { return nil }
        return (panel.x.position(point.x), panel.y.clamped(low), panel.y.clamped(high))
      }
      if ends.count > 1 {
        let outline = ends.map { ($0.x, $0.low) } + ends.reversed().map { ($0.x, $0.high) }
        bands += Markup.empty("path", ["class": "band c\(color)", "d": Self.path(outline) + "Z"])
      }
      curves += Markup.empty(
        "path", ["class": "fit c\(color)", "d": Self.path(places.map { ($0.x, $0.y) })])
    }
    return bands + curves
  }

  private static func path(_ places: [(Double, Double)]) -> String {
    places.enumerated().map { index, place in
      "\(index == 0 ? "M" : "L")\(Markup.number(place.0)) \(Markup.number(place.1))"
    }.joined()
  }
}
