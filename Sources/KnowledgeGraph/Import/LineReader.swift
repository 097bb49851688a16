import Foundation
import LabCore

/// What is wrong with a line; who reads the file adds file and number.
struct LineFault: Error {
  let text: String

  init(_ text: String) { self.text = text }
}

/// The lines of a text file, plain or gzip, read in pieces so that memory does not grow with the file.
enum LineReader {
  /// Longer lines mean that this is no text file of triples.
  private static let longestLine = 1 << 20

  /// Calls `body` with each line's bytes, without its end ("\n" or "\r\n"), and its number from 1.
  ///
  /// A byte order mark at the start is dropped. Throws `LabError` when the file cannot be read, and with
  /// file and number what `body` finds wrong with a line (`LineFault`). Returns the number of lines.
  @discardableResult
  static func forEachLine(
    of url: URL, _ body: (ArraySlice<UInt8>, Int) throws -> Void
  ) throws -> Int {
    let source = try ByteSource(url)
    defer { source.close() }
    func pass(_ line: ArraySlice<UInt8>, _ number: Int) throws {
      do {
        try body(line.last == 0x0D ? line.dropLast() : line, number)
      } catch let fault as LineFault {
        throw LabError("\(url.relativePath):\(number): \(fault.text)")
      }
    }
    var rest: [UInt8] = []
    var number = 0
    var isFirst = true
    while var piece = try source.next() {
      if isFirst, piece.starts(with: [0xEF, 0xBB, 0xBF]) { piece.removeFirst(3) }
      isFirst = false
      if !rest.isEmpty {
        piece = rest + piece
        rest = []
      }
      var start = piece.startIndex
      while let end = piece[start...].firstIndex(of: 0x0A) {
        number += 1
        try pass(piece[start..<end], number)
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
    if !rest.isEmpty {
      number += 1
      try pass(rest[...], number)
    }
    return number
  }
}
