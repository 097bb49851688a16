package import Foundation

/// SHA-256 of bytes, as lower-case hexadecimal.
package struct ContentHash: Hashable, Sendable, CustomStringConvertible {
  package let hex: String

  package var description: String { hex }

  /// The first `length` digits, for names of folders and for tables.
  package func short(_ length: Int = 12) -> String { String(hex.prefix(length)) }

  package init(of data: Data) {
    hex = Self.hexadecimal(SHA256.hash(data))
  }

  package init(of text: String) { self.init(of: Data(text.utf8)) }

  /// The hash of a file's bytes, read in pieces of 1 MiB.
  ///
  /// Throws `LabError` when the file cannot be read.
  package init(ofFile url: URL) throws {
    guard let handle = try? FileHandle(forReadingFrom: url) else {
      throw LabError("cannot read \(url.path): check that it exists and is readable")
    }
    defer { try? handle.close() }
    var hasher = SHA256()
    while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
      hasher.update(piece)
    }
    hex = Self.hexadecimal(hasher.finalize())
  }

  static func hexadecimal(_ digest: [UInt8]) -> String {
    digest.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }
}
