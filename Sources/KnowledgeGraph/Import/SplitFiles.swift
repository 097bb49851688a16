import Foundation
import LabCore

/// The files that an import reads, in order, and whether their triples are trained on.
struct SplitFiles {
  struct File {
    let url: URL
    let isTrained: Bool
    let format: TripleFormat
  }

  let files: [File]
  /// The one folder that was given, or nil.
  let folder: URL?

  /// Names of the second part; WN11 and FB13 have the last.
  private static let validNames = ["valid", "validation", "val", "dev"]
  private static let endings = ["txt", "tsv", "nt", "jsonl", "ndjson"]

  /// Looks for train, valid and test inside a folder; plain files are all trained on.
  ///
  /// `format` overrides what the files' names say.
  init(_ sources: [URL], format: TripleFormat?) throws {
    guard let folder = sources.first(where: { FileKind.of($0) == .folder }) else {
      guard format != .openke else {
        throw LabError(
          "--format openke: give the folder with entity2id.txt, relation2id.txt and train2id.txt",
          .usage)
      }
      self.folder = nil
      files = try sources.map { url in
        File(url: url, isTrained: true, format: try format ?? .toRead(url))
      }
      return
    }
    guard sources.count == 1 else {
      throw LabError("\(folder.relativePath): give either one folder or files, not both", .usage)
    }
    self.folder = folder
    let isOpenKE =
      try format == .openke
      || (format == nil && Self.file(["entity2id"], ["txt"], in: folder) != nil)
    let suffix = isOpenKE ? "2id" : ""
    let endings = isOpenKE ? ["txt"] : Self.endings
    guard let train = try Self.file(["train" + suffix], endings, in: folder) else {
      let names = isOpenKE ? "train2id.txt" : "train.txt, .tsv, .nt or .jsonl, plain or .gz"
      throw LabError(
        "\(folder.relativePath) holds no \(names); give a folder with train, valid and test, or the "
          + "triple files themselves")
    }
    let heldOut = try [Self.validNames, ["test"]].compactMap { names in
      try Self.file(names.map { $0 + suffix }, endings, in: folder)
    }
    files = try ([train] + heldOut).map { url in
      File(
        url: url, isTrained: url == train,
        format: try isOpenKE ? .openke : format ?? .toRead(url))
    }
  }

  /// The one file with any of these names and endings, plain or compressed; nil where there is
  /// none.
  static func file(_ names: [String], _ endings: [String], in folder: URL) throws -> URL? {
    let found = names.flatMap { name in endings.flatMap { ["\(name).\($0)", "\(name).\($0).gz"] } }
      .map { folder.appendingPathComponent($0) }
      .filter { FileKind.of($0) == .file }
    guard found.count < 2 else {
      let names = found.map(\.lastPathComponent)
      throw LabError(
        "\(folder.relativePath) holds both \(names[0]) and \(names[1]); remove one of them")
    }
    return found.first
  }
}
