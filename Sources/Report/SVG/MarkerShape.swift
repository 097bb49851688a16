/// Markers of about equal area, named as Vega-Lite names them.
package enum MarkerShape: String, CaseIterable {
  case circle
  case square
  case triangleUp = "triangle-up"
  case diamond
  case cross
  case triangleDown = "triangle-down"
  case triangleRight = "triangle-right"
  case triangleLeft = "triangle-left"

  /// The marker of the series with this number; they repeat after eight.
  static func number(_ index: Int) -> MarkerShape { allCases[index % allCases.count] }

  /// Path data around the origin.
  package var path: String {
    switch self {
    case .circle: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z"
    case .square: "M-3.6 -3.6H3.6V3.6H-3.6Z"
    case .triangleUp: "M0 -5L4.6 3.4H-4.6Z"
    case .diamond: "M0 -5.2L4.6 0L0 5.2L-4.6 0Z"
    case .cross: "M-1.7 -4.8H1.7V-1.7H4.8V1.7H1.7V4.8H-1.7V1.7H-4.8V-1.7H-1.7Z"
    case .triangleDown: "M0 5L4.6 -3.4H-4.6Z"
    case .triangleRight: "M5 0L-3.4 4.6V-4.6Z"
    case .triangleLeft: "M-5 0L3.4 4.6V-4.6Z"
    }
  }
}
