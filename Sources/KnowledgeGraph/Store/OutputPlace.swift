import Foundation
import LabCore

/// Where a graph or an export goes: a file or a folder, whole under its name or not there at all.
struct OutputPlace {
  let url: URL
  let isFolder: Bool
  /// Names, without endings, of the files that an export may leave in a folder.
  private static let known: Set = [
    "train", "valid", "test", "train2id", "valid2id", "test2id", "entity2id", "relation2id",
    "entity_to_id", "relation_to_id", "type_to_id",
  ]

  /// Throws `LabError` where something is in the way that may not be replaced.
  func check(overwrite: Bool) throws {
    let path = url.relativePath
    switch (FileKind.of(url), isFolder) {
    case (nil, _): break
    case (.file, true):
      throw LabError(
        "\(path) is a file, and this export makes a folder; give --out another name", .usage)
    case (.folder, false):
      throw LabError("\(path) is a folder; give --out the name of a file", .usage)
    case (.file, false):
      guard overwrite else {
        throw LabError("\(path) exists; choose another name, or add --force to replace it", .usage)
      }
    case (.folder, true):
      let names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
      if names.isEmpty { return }
      guard overwrite else {
        throw LabError(
          "\(path) exists and is not empty; choose another name, or add --force to replace it",
          .usage)
      }
      let foreign = names.first { name in
        !Self.known.contains(name.split(separator: ".").first.map(String.init) ?? "")
      }
      if let foreign {
        throw LabError(
          "\(path) holds \(foreign), which is of no export; choose another name, or remove the folder "
            + "yourself", .usage)
      }
    }
  }

  /// Lets `body` write under a temporary name; throws `LabError`, and leaves nothing, where it
  /// cannot.
  func write<T>(overwrite: Bool, _ body: (URL) throws -> T) throws -> T {
    try check(overwrite: overwrite)
    do {
      try AtomicFile.createFolder(url.standardizedFileURL.deletingLastPathComponent())
      return try AtomicFile.make(url) { place in
        if isFolder { try AtomicFile.createFolder(place) }
        return try body(place)
      }
    } catch let failure as any LabFailure {
      throw failure
    } catch {
      let reason = (error as? WriteFailure)?.text ?? FailureReason.text(error)
      throw LabError(
        "cannot write \(url.relativePath): \(reason); check free space and permission, then run the "
          + "command again (nothing was written)", .failure)
    }
  }
}

/// Why something could not be written, in words.
struct WriteFailure: Error {
  let text: String
}
