/// Time that has passed since it was made, whatever becomes of the date.
package struct Stopwatch: Sendable {
  private let began = ContinuousClock.now

  package init() {}

  /// Seconds so far, never less than 0.
  package var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }
}
