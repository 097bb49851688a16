package import Foundation

/// Files and folders that are either whole or absent, whenever the process dies.
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
  /// Throws `LabError` naming the file when the disk is full or the folder cannot be written;
  /// nothing half-written is left behind.
  package static func write(_ data: Data, to url: URL) throws {
    try write(to: url, size: data.count) { try $0.append(data) }
  }

  /// The same for a file that comes in pieces, so that it need not be in memory at once.
  ///
  /// `size` is the expected number of bytes, for the message of a failure. Returns the hash of the
  /// bytes.
  @discardableResult
  package static func write(
    to url: URL, size: Int, _ body: (inout Writer) throws -> Void
  ) throws -> ContentHash {
    do {
      let temporary = try Temporary(in: url.deletingLastPathComponent(), isFolder: false)
      defer { temporary.discard() }
      var writer = Writer(handle: temporary.handle)
      try body(&writer)
      try temporary.rename(to: url)
      return ContentHash(digest: writer.hasher.finalize())
    } catch let failure as any LabFailure {
      throw failure
    } catch {
      let isMissing = [ENOENT, ENOTDIR].contains(FailureReason.code(error))
      throw LabError(
        "cannot write \(url.path) (\(size) bytes): "
          + (isMissing ? "the folder does not exist" : FailureReason.text(error))
          + "; check free space and permission, then run the command again", .failure)
    }
  }

  /// Lets `body` make a file or a folder at the place it is given, flushes it and gives it its
  /// name, in place of what has that name.
  ///
  /// The place is in a folder of its own, beside `url`, where there is nothing else; what `body`
  /// leaves there besides goes with it. Throws what `body` throws, the system's error, or
  /// `LabError` where it cannot be renamed.
  package static func make<T>(_ url: URL, _ body: (URL) throws -> T) throws -> T {
    let url = url.standardizedFileURL
    let temporary = try Temporary(in: url.deletingLastPathComponent(), isFolder: true)
    defer { temporary.discard() }
    let place = temporary.url.appendingPathComponent(url.lastPathComponent)
    let result = try body(place)
    guard Posix.synchronize(place.path) else { throw Posix.failure() }
    if Posix.rename(place.path, to: url.path) {
      // Before the disk is waited for, as a kill would leave it beside a result that nothing writes
      // to again.
      temporary.discard()
    } else {
      // Only where a folder, or a link to one, has the name. It stays beside, until the new one
      // stands.
      guard [EEXIST, ENOTEMPTY, ENOTDIR].contains(errno) else {
        throw cannotRename(place, to: url, errno)
      }
      try rename(url, to: temporary.url.appendingPathComponent("replaced"))
      try rename(place, to: url)
    }
    Posix.synchronize(url.deletingLastPathComponent().path)
    return result
  }

  /// Lets `body` fill a folder that gets its name once it is whole, in place of what has that name.
  ///
  /// Throws what `body` throws, or `LabError` naming the folder when it cannot be written; nothing
  /// is left behind then.
  package static func makeFolder<T>(_ url: URL, _ body: (URL) throws -> T) throws -> T {
    var temporary = ""
    do {
      try createFolder(url.standardizedFileURL.deletingLastPathComponent())
      return try make(url) { place in
        temporary = place.path
        try createFolder(place)
        return try body(place)
      }
    } catch let failure as LabError where !temporary.isEmpty {
      // A user knows the folder by the name that it was to have.
      throw LabError(
        failure.description.replacingOccurrences(of: temporary, with: url.path), failure.exitStatus)
    } catch let failure as any LabFailure {
      throw failure
    } catch {
      throw LabError(
        "cannot write \(url.path): \(FailureReason.text(error)); check free space and permission, then run "
          + "the command again", .failure)
    }
  }

  /// Renames `source` over `destination` in one step and flushes the folder's entry.
  ///
  /// Throws `LabError` when the file system refuses.
  package static func rename(_ source: URL, to destination: URL) throws {
    guard Posix.rename(source.path, to: destination.path) else {
      throw cannotRename(source, to: destination, errno)
    }
    Posix.synchronize(destination.deletingLastPathComponent().path)
  }

  private static func cannotRename(_ source: URL, to destination: URL, _ code: Int32) -> LabError {
    LabError(
      "cannot rename \(source.path) to \(destination.path): \(Posix.message(code))", .failure)
  }

  /// Makes a new, empty file at a place that `make` gave.
  ///
  /// Throws the system's error.
  package static func newFile(_ url: URL) throws -> FileHandle {
    let descriptor = Posix.create(url.path)
    guard descriptor >= 0 else { throw Posix.failure() }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
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
    for folder in missing.reversed() {
      // Another process may have made it in the meantime.
      guard Posix.makeFolder(folder.path) || errno == EEXIST else {
        throw cannotCreate(url, errno)
      }
      Posix.synchronize(folder.deletingLastPathComponent().path)
    }
    if FileKind.of(url) != .folder { throw cannotCreate(url, ENOTDIR) }
  }

  private static func cannotCreate(_ url: URL, _ code: Int32) -> LabError {
    let reason =
      [EEXIST, ENOTDIR].contains(code)
      ? "a file stands where a folder is needed" : Posix.message(code)
    return LabError(
      "cannot create the folder \(url.path): \(reason); check free space and permission, or choose another --out",
      .failure)
  }
}
