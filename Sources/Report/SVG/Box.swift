/// A rectangle that text, a marker or a piece of line covers.
struct Box {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  /// A line of small text that starts at `x` on the baseline `y`.
  init(textAt x: Double, _ y: Double, width: Double) {
    (self.x, self.y, self.width, self.height) = (x, y - 9, width, 11)
  }

  /// A square around a point.
  init(around center: (x: Double, y: Double), radius: Double) {
    (x, y) = (center.x - radius, center.y - radius)
    (width, height) = (2 * radius, 2 * radius)
  }

  func meets(_ other: Box) -> Bool {
    x < other.x + other.width && other.x < x + width && y < other.y + other.height
      && other.y < y + height
  }
}
