import Foundation

extension Readable {
  /// "950 B", "12.3 KiB", "4.56 MiB", "1.61 GiB": three significant digits.
  package static func bytes(_ count: Int) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    guard count >= 1024 else { return "\(count) B" }
    var value = Double(count) / 1024
    var index = 0
    while value >= 1000, index < units.count - 1 {
      value /= 1024
      index += 1
    }
    let places = value >= 100 ? 0 : value >= 10 ? 1 : 2
    return String(format: "%.\(places)f \(units[index])", value)
  }
}
