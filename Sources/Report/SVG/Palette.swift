import Foundation

/// Colours of a figure, in pairs for light and dark backgrounds.
///
/// The first six hues stay apart under simulated protanopia, deuteranopia and tritanopia (Machado
/// et al. 2009; CIELAB distance of 12 or more), and markers tell series apart without colour.
package enum Palette {
  /// One colour on a light and on a dark background, as `#rrggbb`.
  package struct Pair: Hashable {
    package let light: String
    package let dark: String
  }

  static let muted = Pair(light: "#767c87", dark: "#8d95a3")

  private static let hues: [Pair] = [
    Pair(light: "#0b5fa5", dark: "#4fa3f0"), Pair(light: "#d9540b", dark: "#ff8f4a"),
    Pair(light: "#00937a", dark: "#35c49c"), Pair(light: "#b862a6", dark: "#e6a0d8"),
    Pair(light: "#584400", dark: "#f3e39a"), Pair(light: "#4a9fd8", dark: "#b5dcff"),
    Pair(light: "#8c1d3f", dark: "#d9607f"), Pair(light: "#6b7280", dark: "#949ba8"),
  ]

  /// Ramp ends and middles, from small to large values.
  private static let lightRamp = ["#e39a1b", "#dd5f3b", "#b8336a", "#73298c", "#1f2a78"]
  private static let darkRamp = ["#7d6be8", "#c264d8", "#f0698f", "#fb9a5a", "#f7e07a"]

  /// One pair for each of `count` values.
  package static func pairs(_ palette: Channel.Palette, count: Int) -> [Pair] {
    switch palette {
    case .categories: (0..<count).map { hues[$0 % hues.count] }
    case .ordered:
      (0..<count).map { index in
        let share = count > 1 ? Double(index) / Double(count - 1) : 0.5
        return Pair(light: mix(lightRamp, share), dark: mix(darkRamp, share))
      }
    }
  }

  /// The pairs of a figure's series, muted ones grey; one pair when it has no colour column.
  static func pairs(_ figure: ResolvedFigure) -> [Pair] {
    let names = figure.colors
    let loud = names.filter { !figure.figure.muted.contains($0) }
    var chosen = pairs(figure.figure.color?.palette ?? .categories, count: max(1, loud.count))[...]
    guard !names.isEmpty else { return Array(chosen) }
    return names.map { name in
      figure.figure.muted.contains(name) ? muted : chosen.popFirst() ?? muted
    }
  }

  /// A colour at `share` of the way along `stops`, linear in sRGB.
  private static func mix(_ stops: [String], _ share: Double) -> String {
    let position = share * Double(stops.count - 1)
    let index = min(Int(position), stops.count - 2)
    let fraction = position - Double(index)
    let (first, second) = (channels(stops[index]), channels(stops[index + 1]))
    let mixed = zip(first, second).map { Int((($1 - $0) * fraction + $0).rounded()) }
    return "#" + mixed.map { String(format: "%02x", $0) }.joined()
  }

  private static func channels(_ color: String) -> [Double] {
    let value = Int(color.dropFirst(), radix: 16) ?? 0
    return [16, 8, 0].map { Double(value >> $0 & 0xFF) }
  }
}
