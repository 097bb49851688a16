package import Foundation

/// Files that are either whole or absent, whenever the process dies.
package enum AtomicFile {
  /// Takes the pieces of a file that is being written.
  package struct Writer {
    fileprivate let handle: FileHandle
    fileprivate var hasher = SHA256()
    /// Bytes so far.
    package fileprivate(set) var count = 0

    /// Adds bytes to the end of the file.
    package mutating func append(_ piece: Data) throws {
      try handle.write(contentsOf: piece)
      hasher.update(piece)
      count += piece.count
    }
  }

  /// Writes `data` under a temporary name, flushes it to the disk, then renames it to `url`.
  ///
  /// Throws `LabError` naming the file when the disk is full or the folder cannot be written; nothing
  /// half-written is left behind.
  package static func write(_ data: Data, to url: URL) throws {
    try write(to: url, size: data.count) { try $0.append(data) }
  }

  /// The same for a file that comes in pieces, so that it need not be in memory at once.
  ///
  /// `size` is the expected number of bytes, for the message of a failure. Returns the hash of the bytes.
  @discardableResult
  package static func write(
    to url: URL, size: Int, _ body: (inout Writer) throws -> Void
  ) throws -> ContentHash {
    let process = ProcessInfo.processInfo.processIdentifier
    let folder = url.deletingLastPathComponent()
    let temporary = folder.appendingPathComponent(".\(url.lastPathComponent).\(process).tmp")
    let hash: ContentHash
    do {
      guard FileManager.default.createFile(atPath: temporary.path, contents: nil) else {
        throw CocoaError(isFolder(folder) ? .fileWriteNoPermission : .fileNoSuchFile)
      }
      let handle = try FileHandle(forWritingTo: temporary)
      defer { try? handle.close() }
      var writer = Writer(handle: handle)
      try body(&writer)
      try handle.synchronize()
      hash = ContentHash(digest: writer.hasher.finalize())
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      if let failure = error as? any LabFailure { throw failure }
      throw LabError(
        "cannot write \(url.path) (\(size) bytes): \(reason(error)); "
          + "check free space and permission, then run the command again", .failure)
    }
    do {
      try rename(temporary, to: url)
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
    return hash
  }

  /// Renames `source` over `destination` in one step and flushes the folder's entry.
  ///
  /// Throws `LabError` when the file system refuses.
  package static func rename(_ source: URL, to destination: URL) throws {
    guard Posix.rename(source.path, to: destination.path) else {
      throw LabError(
        "cannot rename \(source.path) to \(destination.path): \(Posix.message())", .failure)
    }
    Posix.synchronizeFolder(destination.deletingLastPathComponent().path)
  }

  /// Creates a folder and those above it, each with its entry flushed to the disk.
  ///
  /// Throws `LabError` naming the folder when it cannot be made.
  package static func createFolder(_ url: URL) throws {
    var missing: [URL] = []
    var folder = url.standardizedFileURL
    while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
      missing.append(folder)
      folder.deleteLastPathComponent()
    }
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw LabError(
        "cannot create \(url.path): \(FailureReason.text(error)); check free space and permission, "
          + "then run the command again", .failure)
    }
    for folder in missing { Posix.synchronizeFolder(folder.deletingLastPathComponent().path) }
  }

  private static func isFolder(_ url: URL) -> Bool {
    (try? url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) ?? false
  }

  private static func reason(_ error: any Error) -> String {
    if case CocoaError.fileNoSuchFile = error { return "the folder does not exist" }
    return FailureReason.text(error)
  }
}
