import Foundation
import LabCore

/// A file that is written in pieces under another name, and renamed once it is whole.
struct PartialFile {
  private let url: URL
  private let temporary: URL
  private let handle: FileHandle

  /// Throws `LabError` where the folder cannot be written.
  init(_ url: URL) throws {
    self.url = url
    temporary = url.deletingLastPathComponent()
      .appendingPathComponent(".writing-\(url.lastPathComponent)")
    try? FileManager.default.removeItem(at: temporary)
    do {
      handle = try AtomicFile.newFile(temporary)
    } catch {
      throw LabError(
        "cannot write \(url.path): \(FailureReason.text(error)); check free space and permission",
        .failure)
    }
  }

  /// Adds bytes; throws `LabError` when the disk is full.
  mutating func append(_ piece: Data) throws {
    do {
      try handle.write(contentsOf: piece)
    } catch {
      throw LabError(
        "cannot write \(url.path): \(FailureReason.text(error)); free some space and run the command again, "
          + "which continues", .failure)
    }
  }

  /// Renames the file to its place; returns the hash of its bytes.
  func finish() throws -> ContentHash {
    try? handle.synchronize()
    try? handle.close()
    let hash = try ContentHash(ofFile: temporary)
    try AtomicFile.rename(temporary, to: url)
    return hash
  }

  /// Removes what was written.
  func discard() {
    try? handle.close()
    try? FileManager.default.removeItem(at: temporary)
  }
}
