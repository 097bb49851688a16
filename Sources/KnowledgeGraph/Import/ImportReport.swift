import LabCore

/// What was read by an import, and what of it did not become a triple of its own.
package struct ImportReport: Codable, Hashable, Sendable {
  /// One file that was read.
  package struct File: Codable, Hashable, Sendable {
    package let name: String
    /// Whether its triples are trained on; the others are held out.
    package let isTrained: Bool
    package let lineCount: Int
    /// True for a file of ids and names; nil for one of triples.
    package let holdsNames: Bool?

    enum CodingKeys: String, SnakeCaseKey {
      case name, isTrained, lineCount, holdsNames
    }
  }

  package let files: [File]
  /// Lines that repeat a triple already read with the same role.
  package let repeatedCount: Int
  /// Held-out lines whose triple is trained on as well, and therefore not held out.
  package let alsoTrainedCount: Int
  /// Nil in graphs of older versions.
  package let format: TripleFormat?
  /// The IRI under which names stand in N-Triples; nil for other formats.
  package let base: String?
  /// Malformed lines that were left out; nil where such a line would have ended the import.
  package let skipped: SkippedLines?

  enum CodingKeys: String, SnakeCaseKey {
    case files, format, base, skipped, repeatedCount, alsoTrainedCount
  }
}
