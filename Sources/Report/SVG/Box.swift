/// A rectangle that text, a marker or a piece of line covers.
struct Box {
  var x: Double
  var y: Double
  var width: Double
  var height: Double
}

extension Box {
  /// A line of small text that starts at `x` on the baseline `y`.
  init(textAt x: Double, _ y: Double, width: Double) {
    self.init(x: x, y: y - 9, width: width, height: 11)
  }

  /// A square around a point.
  init(around center: (x: Double, y: Double), radius: Double) {
    self.init(
      x: center.x - radius, y: center.y - radius, width: 2 * radius, height: 2 * radius)
  }

  func meets(_ other: Box) -> Bool {
    x < other.x + other.width && other.x < x + width && y < other.y + other.height
      && other.y < y + height
  }
}
