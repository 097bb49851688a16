import Foundation
import LabCore

/// One file that an export wrote.
package struct ExportedFile: Encodable, Hashable, Sendable {
  package let name: String
  package let lineCount: Int
  package let byteCount: Int
}

/// The files of one export: a single one, or those of a folder.
final class ExportFiles {
  /// What names can have a file of their own.
  enum List: CaseIterable { case entities, predicates, types }

  private let place: URL
  private let format: TripleFormat
  private let isFolder: Bool
  private let isCompressed: Bool
  private let counts: ExportCounts?
  private var parts: [ExportFile?] = [nil, nil, nil]
  private var lists: [List: ExportFile] = [:]
  private var isTyped = false

  init(
    _ place: URL, format: TripleFormat, isFolder: Bool, isCompressed: Bool, counts: ExportCounts?
  ) throws {
    self.place = place
    self.format = format
    self.isFolder = isFolder
    self.isCompressed = isCompressed
    self.counts = counts
    _ = try part(.train)
  }

  /// Whether names have files of their own.
  var listsNames: Bool { isFolder && (format == .tsv || format == .openke) }

  /// The file of a part; all parts are one where there is no folder.
  func part(_ part: SplitRule.Part) throws -> ExportFile {
    let index = isFolder ? part.rawValue : 0
    if let file = parts[index] { return file }
    let file =
      isFolder
      ? try make(format == .openke ? "\(part.name)2id" : part.name, format.fileEnding)
      : try ExportFile(place, isCompressed: isCompressed)
    if let counts { try file.line { $0.append(contentsOf: String(counts.triples[index]).utf8) } }
    parts[index] = file
    return file
  }

  private func make(_ name: String, _ ending: String) throws -> ExportFile {
    let name = "\(name).\(ending)\(isCompressed ? ".gz" : "")"
    return try ExportFile(place.appendingPathComponent(name), isCompressed: isCompressed)
  }

  // MARK: Names

  func beginNames(isTyped: Bool) throws {
    guard listsNames else { return }
    self.isTyped = isTyped
    if let counts {
      try begin(.entities, "entity2id", "txt", "\(counts.entities)")
      try begin(.predicates, "relation2id", "txt", "\(counts.predicates)")
    } else {
      try begin(
        .entities, IdentifierMaps.entityFile, "tsv", "id\tlabel" + (isTyped ? "\ttype" : ""))
      try begin(
        .predicates, IdentifierMaps.relationFile, "tsv",
        "id\tlabel" + (isTyped ? "\tsubject_type\tobject_type" : ""))
    }
  }

  private func begin(
    _ list: List, _ name: String, _ ending: String, _ firstLine: String
  ) throws {
    let file = try make(name, ending)
    lists[list] = file
    try file.line { $0.append(contentsOf: firstLine.utf8) }
  }

  /// Adds a name with its types to a list, where there is one.
  func add(_ name: [UInt8], id: Int, types: [[UInt8]], to list: List) throws {
    try lists[list]?.line { line in
      if counts != nil {
        line.append(contentsOf: name)
        line.append(contentsOf: "\t\(id)".utf8)
        return
      }
      line.append(contentsOf: "\(id)\t".utf8)
      line.append(contentsOf: name)
      guard isTyped else { return }
      for type in types {
        line.append(0x09)
        line.append(contentsOf: type)
      }
    }
  }

  /// Writes the types with their parents, for a graph that has no other way to keep them.
  func addTypes(_ types: [(name: [UInt8], parent: [UInt8])]) throws {
    guard listsNames, counts == nil, isTyped else { return }
    try begin(.types, IdentifierMaps.typeFile, "tsv", "id\tlabel\tparent")
    for (id, type) in types.enumerated() {
      try add(type.name, id: id, types: [type.parent], to: .types)
    }
  }

  /// Ends the files of names; a map from names to ids is kept only where names are unique.
  func endNames(areUnique: Bool) throws {
    guard listsNames, counts == nil, !areUnique else { return }
    for file in lists.values {
      file.abandon()
      try FileManager.default.removeItem(at: place.appendingPathComponent(file.name))
    }
    lists = [:]
  }

  // MARK: The end

  /// Writes what is left; a held-out part without triples is an empty file beside the other.
  func finish() throws -> [ExportedFile] {
    if isFolder, parts[1] != nil || parts[2] != nil {
      _ = try part(.valid)
      _ = try part(.test)
    }
    return try files.map { file in
      ExportedFile(name: file.name, lineCount: file.lineCount, byteCount: try file.finish())
    }
  }

  /// Ends the writing of files that will be thrown away.
  func abandon() {
    for file in files { file.abandon() }
  }

  private var files: [ExportFile] {
    (parts + List.allCases.map { lists[$0] }).compactMap { $0 }
  }
}

/// What an export will hold: OpenKE's first lines.
struct ExportCounts {
  let entities: Int
  let predicates: Int
  /// By part.
  let triples: [Int]
}
