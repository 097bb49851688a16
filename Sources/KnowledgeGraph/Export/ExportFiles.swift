import Foundation
import LabCore

/// One file that an export wrote.
package struct ExportedFile: Codable, Hashable, Sendable {
  package let name: String
  package let lineCount: Int
  package let byteCount: Int

  enum CodingKeys: String, CodingKey {
    case name
    case lineCount = "line_count"
    case byteCount = "byte_count"
  }
}

/// The files of one export: a single one, or those of a folder.
final class ExportFiles {
  private let place: URL
  private let format: TripleFormat
  private let isFolder: Bool
  private let isCompressed: Bool
  /// How many lines follow in each part, and how many names there are: OpenKE's first lines.
  private let counts: ExportCounts?
  private var parts: [ExportFile?] = [nil, nil, nil]
  private var entities: ExportFile?
  private var predicates: ExportFile?
  private var typeList: ExportFile?
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
    if let counts { try file.line { $0.append(contentsOf: String(counts.parts[index]).utf8) } }
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
      entities = try make("entity2id", "txt")
      predicates = try make("relation2id", "txt")
      try entities?.line { $0.append(contentsOf: String(counts.entities).utf8) }
      try predicates?.line { $0.append(contentsOf: String(counts.predicates).utf8) }
    } else {
      entities = try make(IdentifierMaps.entityFile, "tsv")
      predicates = try make(IdentifierMaps.relationFile, "tsv")
      try entities?.line { $0.append(contentsOf: "id\tlabel\(isTyped ? "\ttype" : "")".utf8) }
      try predicates?.line {
        $0.append(contentsOf: "id\tlabel\(isTyped ? "\tsubject_type\tobject_type" : "")".utf8)
      }
    }
  }

  func addEntity(_ name: [UInt8], id: Int, type: [UInt8]) throws {
    try add(name, id, [type], to: entities)
  }

  func addPredicate(_ name: [UInt8], id: Int, types: [[UInt8]]) throws {
    try add(name, id, types, to: predicates)
  }

  private func add(_ name: [UInt8], _ id: Int, _ types: [[UInt8]], to file: ExportFile?) throws {
    try file?.line { line in
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
    let file = try make(IdentifierMaps.typeFile, "tsv")
    typeList = file
    try file.line { $0.append(contentsOf: "id\tlabel\tparent".utf8) }
    for (id, type) in types.enumerated() {
      try file.line { line in
        line.append(contentsOf: "\(id)\t".utf8)
        line.append(contentsOf: type.name)
        line.append(0x09)
        line.append(contentsOf: type.parent)
      }
    }
  }

  /// Ends the files of names; a map from names to ids is kept only where names are unique.
  func endNames(areUnique: Bool) throws {
    guard listsNames, counts == nil, !areUnique else { return }
    for file in [entities, predicates, typeList].compactMap({ $0 }) {
      file.abandon()
      try FileManager.default.removeItem(at: place.appendingPathComponent(file.name))
    }
    entities = nil
    predicates = nil
    typeList = nil
  }

  // MARK: The end

  /// Writes what is left; a held-out part without triples is an empty file beside the other.
  func finish() throws -> [ExportedFile] {
    if isFolder, parts[1] != nil || parts[2] != nil {
      _ = try part(.valid)
      _ = try part(.test)
    }
    return try (parts + [entities, predicates, typeList]).compactMap { $0 }.map { file in
      ExportedFile(name: file.name, lineCount: file.lineCount, byteCount: try file.finish())
    }
  }

  /// Ends the writing of files that will be thrown away.
  func abandon() {
    for file in (parts + [entities, predicates, typeList]).compactMap({ $0 }) { file.abandon() }
  }
}

/// Counts what an export will hold, by reading the graph once more.
struct ExportCounts: GraphSink {
  private let fraction: Double
  private(set) var entities = 0
  private(set) var predicates = 0
  private(set) var parts = [0, 0, 0]
  private var hashes: [UInt64] = []
  private var predicateHashes: [UInt64] = []

  init(fraction: Double) { self.fraction = fraction }

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) {
    self.predicates = predicates.count
    predicateHashes = predicates.map { NameHash.hash($0.name) }
  }

  mutating func add(_ entity: Entity) {
    entities += 1
    hashes.append(NameHash.hash(entity.name))
  }

  mutating func add(_ fact: Fact) {
    guard fact.isTrue else { return }
    let subject = hashes[Int(fact.triple.subject)]
    let predicate = predicateHashes[Int(fact.triple.predicate)]
    if fraction < 1, NameHash.rank(subject: subject, predicate: predicate) >= fraction { return }
    parts[SplitRule.part(of: fact, subject: subject, predicate: predicate).rawValue] += 1
  }
}
