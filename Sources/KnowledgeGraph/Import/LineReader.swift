import Foundation
import LabCore

/// The lines of a text file, read in pieces so that memory does not grow with the file.
enum LineReader {
  /// Longer lines mean that this is no text file of triples.
  private static let longestLine = 1 << 20

  /// Calls `body` with each line's bytes, without its end ("\n" or "\r\n"), and its number from 1.
  ///
  /// A byte order mark at the start is dropped. Throws `LabError` when the file cannot be read.
  static func forEachLine(
    of url: URL, _ body: (ArraySlice<UInt8>, Int) throws -> Void
  ) throws {
    guard FileKind.of(url) == .file, let handle = try? FileHandle(forReadingFrom: url) else {
      throw LabError("cannot read \(url.relativePath): check that it exists and is readable")
    }
    defer { try? handle.close() }
    var rest: [UInt8] = []
    var number = 0
    var isFirst = true
    while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
      var piece = [UInt8](data)
      if isFirst {
        isFirst = false
        if piece.starts(with: [0x1F, 0x8B]) {
          throw LabError("\(url.relativePath) is compressed; unpack it first: gunzip -k FILE")
        }
        if piece.starts(with: [0xEF, 0xBB, 0xBF]) { piece.removeFirst(3) }
      }
      if !rest.isEmpty {
        piece = rest + piece
        rest = []
      }
      var start = piece.startIndex
      while let end = piece[start...].firstIndex(of: 0x0A) {
        number += 1
        try body(trimmed(piece[start..<end]), number)
        start = end + 1
      }
      rest = Array(piece[start...])
      guard rest.count <= longestLine else {
        throw LabError(
          "\(url.relativePath):\(number + 1): the line is longer than 1 MiB; give a text file with one "
            + "triple a line")
      }
    }
    if !rest.isEmpty { try body(trimmed(rest[...]), number + 1) }
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.last == 0x0D ? line.dropLast() : line
  }
}
