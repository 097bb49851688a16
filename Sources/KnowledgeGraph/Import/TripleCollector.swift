import Foundation
import LabCore

/// Gathers the triples of text files: names become ids in order of first appearance.
struct TripleCollector {
  struct Entry: Comparable {
    let triple: Triple
    let isTrained: Bool

    /// Trained copies come before held-out ones of the same triple.
    static func < (a: Entry, b: Entry) -> Bool {
      a.triple == b.triple ? a.isTrained && !b.isTrained : a.triple < b.triple
    }
  }

  private(set) var entities: [String] = []
  private(set) var predicates: [String] = []
  private(set) var entries: [Entry] = []
  // Keyed by bytes: Swift's String equality would merge names that differ in normalisation.
  private var entityIDs: [[UInt8]: Int32] = [:]
  private var predicateIDs: [[UInt8]: Int32] = [:]

  /// Reads one file; returns the number of its lines.
  ///
  /// Throws `LabError` with file and line for anything but three non-empty columns of UTF-8.
  mutating func read(
    _ url: URL, columns: ColumnOrder, isTrained: Bool, progress: ProgressReporter
  ) throws -> Int {
    var lineCount = 0
    try LineReader.forEachLine(of: url) { line, number in
      lineCount = number
      if number % 65_536 == 0 {
        guard !Interruption.isRequested else {
          throw LabError.interrupted("interrupted while importing; nothing was written")
        }
        progress.update("\(url.lastPathComponent): \(Readable.count(Double(number))) lines")
      }
      let place = { "\(url.relativePath):\(number)" }
      let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
      guard fields.count == 3 else { throw LabError(Self.complaint(fields, place())) }
      let subject = try id(
        of: fields[columns.subject], &entityIDs, &entities, "subject", place)
      let predicate = try id(
        of: fields[columns.predicate], &predicateIDs, &predicates, "predicate", place)
      let object = try id(of: fields[columns.object], &entityIDs, &entities, "object", place)
      entries.append(
        Entry(
          triple: Triple(subject: subject, predicate: predicate, object: object),
          isTrained: isTrained))
    }
    return lineCount
  }

  private static func complaint(_ fields: [ArraySlice<UInt8>], _ place: String) -> String {
    if fields.count == 1, fields[0].isEmpty {
      return "\(place): the line is empty; remove it"
    }
    let count = fields.count == 1 ? "1 column" : "\(fields.count) columns"
    return "\(place): the line has \(count), not 3; "
      + "give subject, predicate and object separated by tabs"
  }

  private func id(
    of field: ArraySlice<UInt8>, _ ids: inout [[UInt8]: Int32], _ names: inout [String],
    _ column: String, _ place: () -> String
  ) throws -> Int32 {
    let bytes = Array(field)
    if let known = ids[bytes] { return known }
    guard !bytes.isEmpty else {
      throw LabError("\(place()): the \(column) is empty; give it a name or remove the line")
    }
    guard !bytes.contains(0) else {
      throw LabError("\(place()): the \(column) holds a NUL byte; remove it")
    }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw LabError(
        "\(place()): the \(column) is not UTF-8; convert the file, for example with iconv")
    }
    guard names.count < Int(Int32.max) else { throw LabError("\(place()): more names than fit") }
    let id = Int32(names.count)
    ids[bytes] = id
    names.append(name)
    return id
  }

  /// Puts the triples in order and drops repeated ones.
  ///
  /// Returns how many lines repeated a triple with the same role, and how many held-out ones were
  /// dropped because the same triple is trained on.
  mutating func sortAndDeduplicate() -> (repeated: Int, alsoTrained: Int) {
    entries.sort()
    var unique: [Entry] = []
    unique.reserveCapacity(entries.count)
    var repeated = 0
    var alsoTrained = 0
    for entry in entries {
      guard let last = unique.last, last.triple == entry.triple else {
        unique.append(entry)
        continue
      }
      if last.isTrained == entry.isTrained { repeated += 1 } else { alsoTrained += 1 }
    }
    entries = unique
    return (repeated, alsoTrained)
  }
}
