import Foundation
import LabCore

/// Reads N-Triples.
struct NTriplesReader {
  let names: TermNames

  /// Reads one file into `collector`; returns the number of its lines.
  ///
  /// Throws `LabError` with file and line for what the grammar does not allow.
  func read(
    _ url: URL, isTrained: Bool, into collector: inout TripleCollector
  ) throws -> Int {
    let attribute = collector.number(of: TripleAttributes(isTrained: isTrained))
    var parser = TermParser(names)
    return try LineReader.forEachLine(of: url, endsAtReturns: true) { line, number in
      try collector.read(line, number, of: url) { collector in
        parser.start(line)
        if parser.isAtEndOrComment() { return }
        let subject = try collector.entity(parser.next(.subject), .subject)
        let predicate = try collector.predicate(parser.next(.predicate))
        let object = try collector.entity(parser.next(.object), .object)
        try parser.endStatement()
        try collector.add(
          subject: subject, predicate: predicate, object: object, attribute: attribute)
      }
    }
  }
}
