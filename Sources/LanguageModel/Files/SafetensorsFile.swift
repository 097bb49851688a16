package import Compute
package import Foundation
package import LabCore

/// Safetensors files of values in a device's memory, in pieces of 1 MiB: saving needs no second
/// copy.
extension Safetensors {
  private static let pieceCount = 1 << 18

  /// Bytes of the file for `entries`.
  package static func fileSize(_ entries: [Entry]) throws -> Int {
    try head(entries).count + entries.reduce(0) { $0 + 4 * $1.count }
  }

  /// Writes the file for `entries`, whose values lie back to back in `blocks`; returns its hash.
  ///
  /// The same bytes as those of `encode`. Throws `LabError` naming the file when it cannot be
  /// written.
  package static func write(
    _ entries: [Entry], _ blocks: [FloatSlice], to url: URL
  ) throws -> ContentHash {
    precondition(
      entries.reduce(0) { $0 + $1.count } == blocks.reduce(0) { $0 + $1.count },
      "entries do not cover the values")
    let head = try head(entries)
    return try AtomicFile.write(to: url, size: fileSize(entries)) { file in
      try file.append(head)
      for block in blocks {
        for start in stride(from: 0, to: block.count, by: pieceCount) {
          try file.append(
            block.slice(start, min(pieceCount, block.count - start)).copyOutBytes())
        }
      }
    }
  }

  /// Reads the values of a file that `write` made with the same entries into `blocks`.
  ///
  /// Throws `LabError` naming the file when its header or its length is another.
  package static func read(
    _ url: URL, _ entries: [Entry], into blocks: [FloatSlice]
  ) throws {
    let head = try head(entries)
    guard let handle = try? FileHandle(forReadingFrom: url) else {
      throw LabError("cannot read \(url.path): check that it exists and is readable")
    }
    defer { try? handle.close() }
    guard try handle.read(upToCount: head.count) == head else {
      throw LabError(
        "\(url.path) holds other tensors than this model has; restore it or train again")
    }
    for block in blocks {
      for start in stride(from: 0, to: block.count, by: pieceCount) {
        let piece = block.slice(start, min(pieceCount, block.count - start))
        guard let bytes = try handle.read(upToCount: 4 * piece.count),
          bytes.count == 4 * piece.count
        else { throw LabError("\(url.path) is truncated; restore it or train again") }
        piece.copyInBytes(bytes)
      }
    }
  }
}
