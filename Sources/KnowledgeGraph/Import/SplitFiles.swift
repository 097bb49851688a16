import Foundation
import LabCore

/// The files that an import reads, in order, and whether their triples are trained on.
struct SplitFiles {
  let url: URL
  let isTrained: Bool

  /// Looks for train, valid and test inside a folder; plain files are all trained on.
  static func find(_ sources: [URL]) throws -> [SplitFiles] {
    let folders = sources.filter { FileKind.of($0) == .folder }
    guard let folder = folders.first else {
      return sources.map { SplitFiles(url: $0, isTrained: true) }
    }
    guard sources.count == 1 else {
      throw LabError("\(folder.relativePath): give either one folder or files, not both", .usage)
    }
    guard let train = try file("train", in: folder) else {
      throw LabError(
        "\(folder.relativePath) holds neither train.txt nor train.tsv; give a folder with train, valid "
          + "and test, or the triple files themselves")
    }
    let heldOut = try ["valid", "test"].compactMap { try file($0, in: folder) }
    return [SplitFiles(url: train, isTrained: true)]
      + heldOut.map { SplitFiles(url: $0, isTrained: false) }
  }

  private static func file(_ split: String, in folder: URL) throws -> URL? {
    let found = ["txt", "tsv"].map { folder.appendingPathComponent("\(split).\($0)") }
      .filter { FileKind.of($0) == .file }
    guard found.count < 2 else {
      throw LabError(
        "\(folder.relativePath) holds both \(split).txt and \(split).tsv; remove one of them")
    }
    return found.first
  }
}
