import Foundation
import LabCore

/// What is wrong with a line; who reads the file adds file and number.
struct LineFault: Error {
  let text: String

  init(_ text: String) { self.text = text }
}

/// The lines of a text file, plain or gzip, read in pieces so that memory does not grow with the
/// file.
enum LineReader {
  /// Longer lines mean that this is no text file of triples.
  private static let longestLine = 1 << 20

  /// Throws `LineFault` for a line with a carriage return inside, which is more likely the end of
  /// one.
  static func refuseReturns(_ line: ArraySlice<UInt8>) throws {
    guard line.contains(0x0D) else { return }
    throw LineFault(
      "a carriage return stands inside the line; if lines end so, convert the file with tr '\\r' '\\n', "
        + "and if a name holds it, write it as an escape")
  }

  /// Calls `body` with each line's bytes, without its end ("\n" or "\r\n"), and its number from 1.
  ///
  /// Empty lines are counted in numbers and otherwise passed over. With `endsAtReturns` a lone
  /// carriage return ends a line too. A byte order mark at the start is dropped. Throws `LabError`
  /// when the file cannot be read or is UTF-16, and with file and number what `body` finds wrong
  /// with a line (`LineFault`). Returns how many lines are not empty.
  @discardableResult
  static func forEachLine(
    of url: URL, endsAtReturns: Bool = false, _ body: (ArraySlice<UInt8>, Int) throws -> Void
  ) throws -> Int {
    let source = try ByteSource(url)
    defer { source.close() }
    var number = 0
    var count = 0
    func pass(_ text: ArraySlice<UInt8>) throws {
      number += 1
      let line = text.last == 0x0D ? text.dropLast() : text
      guard !line.isEmpty else { return }
      count += 1
      do {
        try body(line, number)
      } catch let fault as LineFault {
        throw LabError("\(url.relativePath):\(number): \(fault.text)")
      }
    }
    func end(in piece: ArraySlice<UInt8>) -> Int? {
      guard endsAtReturns else { return piece.firstIndex(of: 0x0A) }
      guard let place = piece.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else { return nil }
      if piece[place] == 0x0A { return place }
      // What follows a carriage return says whether it is half a line end.
      guard place + 1 < piece.endIndex else { return nil }
      return piece[place + 1] == 0x0A ? place + 1 : place
    }
    var rest: [UInt8] = []
    var isFirst = true
    while var piece = try source.next() {
      if isFirst, UTF16Text.isLikely(piece) {
        throw LabError("\(url.relativePath) is UTF-16 text; \(UTF16Text.advice)")
      }
      if isFirst, piece.starts(with: [0xEF, 0xBB, 0xBF]) { piece.removeFirst(3) }
      isFirst = false
      if !rest.isEmpty {
        piece = rest + piece
        rest = []
      }
      var start = piece.startIndex
      while let end = end(in: piece[start...]) {
        try pass(piece[start..<end])
        start = end + 1
      }
      rest = Array(piece[start...])
      guard rest.count <= longestLine else {
        throw LabError(
          "\(url.relativePath):\(number + 1): the line is longer than 1 MiB; give a text file with one "
            + "triple a line")
      }
    }
    // Only now is it known that a compressed file is whole, so that its last line is.
    if !rest.isEmpty { try pass(rest[...]) }
    return count
  }
}
