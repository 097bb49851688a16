import Foundation
import LabCore

/// The bytes of a file in pieces, unpacked by the system's gzip where they begin as gzip's do.
final class ByteSource {
  private static let pieceSize = 1 << 20
  /// How other kinds of compressed files begin, and what unpacks them.
  private static let refused: [(start: [UInt8], program: String)] = [
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd -d"), ([0x42, 0x5A, 0x68], "bunzip2"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "unxz"), ([0x50, 0x4B, 0x03, 0x04], "unzip"),
  ]

  private let url: URL
  private let file: FileHandle
  private var gzip: GzipReader?
  private var first: Data?

  /// Throws `LabError` where there is no such file, or one that is packed in another way.
  init(_ url: URL) throws {
    self.url = url
    if FileKind.of(url) == .folder {
      throw LabError("\(url.relativePath) is a folder; give a file of triples")
    }
    guard let file = try? FileHandle(forReadingFrom: url) else {
      throw LabError("cannot read \(url.relativePath): check that it exists and is readable")
    }
    self.file = file
    let start = try file.read(upToCount: 6) ?? Data()
    for (magic, program) in Self.refused where start.starts(with: magic) {
      throw LabError(
        "\(url.relativePath) is compressed, and not by gzip; unpack it first with \(program)")
    }
    if start.starts(with: [0x1F, 0x8B]) {
      gzip = try GzipReader(file, start: start, name: url.relativePath)
    } else {
      first = start
    }
  }

  /// The next bytes; nil at the end, when a packed file has proved to be whole.
  func next() throws -> [UInt8]? {
    if let start = first {
      first = nil
      return start.isEmpty ? nil : [UInt8](start)
    }
    do {
      let data =
        try gzip?.read(upToCount: Self.pieceSize)
        ?? file.read(upToCount: Self.pieceSize) ?? Data()
      if !data.isEmpty { return [UInt8](data) }
    } catch {
      throw LabError("cannot read \(url.relativePath): \(FailureReason.text(error))", .failure)
    }
    try gzip?.finish()
    return nil
  }

  /// Ends the reading, at whatever place.
  func close() {
    gzip?.stop()
    try? file.close()
  }
}
