import Foundation
import LabCore

/// Reads tab-separated triples.
struct TabularReader {
  let columns: ColumnOrder
  let escape: NameEscape
  let skipsHeader: Bool

  /// Reads one file into `collector`; returns the number of its lines.
  ///
  /// Throws `LabError` with file and line for anything but the columns asked for.
  func read(
    _ url: URL, isTrained: Bool, into collector: inout TripleCollector
  ) throws -> Int {
    let attribute = collector.number(of: TripleAttributes(isTrained: isTrained))
    var scratch: [UInt8] = []
    var tabs = [Int](repeating: 0, count: columns.count + 1)
    return try LineReader.forEachLine(of: url) { line, number in
      if skipsHeader, number == 1 { return }
      try collector.read(line, number, of: url) { collector in
        // The ends of the columns; one too many is enough to know that there are too many.
        var count = 0
        for index in line.indices where line[index] == 0x09 && count < columns.count {
          tabs[count] = index
          count += 1
        }
        guard count == columns.count - 1 else { throw complaint(line) }
        tabs[count] = line.endIndex
        func field(_ column: Int) throws -> ArraySlice<UInt8> {
          let start = column == 0 ? line.startIndex : tabs[column - 1] + 1
          return try escape.read(line[start..<tabs[column]], &scratch)
        }
        let subject = try collector.entity(field(columns.subject), .subject)
        let predicate = try collector.predicate(field(columns.predicate))
        let object = try collector.entity(field(columns.object), .object)
        try collector.add(
          subject: subject, predicate: predicate, object: object, attribute: attribute)
      }
    }
  }

  private func complaint(_ line: ArraySlice<UInt8>) -> LineFault {
    let count = line.count { $0 == 0x09 } + 1
    let columnCount = count == 1 ? "1 column" : "\(count) columns"
    let advice =
      count > columns.count
      ? ", or name those to skip, such as --columns s,p,o"
        + String(repeating: ",_", count: count - 3)
      : ""
    return LineFault(
      "the line has \(columnCount), not \(columns.count); "
        + "give subject, predicate and object separated by tabs\(advice)")
  }
}
