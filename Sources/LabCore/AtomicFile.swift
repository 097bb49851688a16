package import Foundation

/// Files that are either whole or absent, whenever the process dies.
package enum AtomicFile {
  /// Writes `data` under a temporary name, flushes it to the disk, then renames it to `url`.
  ///
  /// Throws `LabError` naming the file when the disk is full or the folder cannot be written; nothing
  /// half-written is left behind.
  package static func write(_ data: Data, to url: URL) throws {
    let process = ProcessInfo.processInfo.processIdentifier
    let folder = url.deletingLastPathComponent()
    let temporary = folder.appendingPathComponent(".\(url.lastPathComponent).\(process).tmp")
    do {
      guard FileManager.default.createFile(atPath: temporary.path, contents: nil) else {
        throw CocoaError(isFolder(folder) ? .fileWriteNoPermission : .fileNoSuchFile)
      }
      let handle = try FileHandle(forWritingTo: temporary)
      defer { try? handle.close() }
      try handle.write(contentsOf: data)
      try handle.synchronize()
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw LabError(
        "cannot write \(url.path) (\(data.count) bytes): \(reason(error)); "
          + "check free space and permission, then run the command again", .failure)
    }
    do {
      try rename(temporary, to: url)
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
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

  private static func isFolder(_ url: URL) -> Bool {
    (try? url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) ?? false
  }

  private static func reason(_ error: any Error) -> String {
    if case CocoaError.fileNoSuchFile = error { return "the folder does not exist" }
    return FailureReason.text(error)
  }
}
