/// Malformed lines that an import left out.
package struct SkippedLines: Codable, Hashable, Sendable {
  package private(set) var count = 0
  /// The first of them, each with file, number and what is wrong.
  package private(set) var first: [String] = []

  private static let shown = 5

  mutating func add(_ complaint: String) {
    count += 1
    if first.count < Self.shown { first.append(complaint) }
  }
}
