import Foundation
import LabCore

/// Reads entity_to_id.tsv and relation_to_id.tsv beside the triples of a folder.
///
/// Their first line names the columns: `id`, `label`, and types where the graph has them. A graph
/// whose types are kinds of others has type_to_id.tsv too, with `id`, `label` and `parent`. Other
/// files of these names, in whatever layout, are refused rather than misread.
struct IdentifierMaps {
  static let typeFile = "type_to_id"
  static let entityFile = "entity_to_id"
  static let relationFile = "relation_to_id"
  static let untyped = "-"

  let escape: NameEscape

  /// Takes the ids of both files, if they are there; returns how many lines they have.
  func read(
    in folder: URL, into collector: inout TripleCollector
  ) throws -> [(url: URL, lineCount: Int)] {
    let files = try [Self.entityFile, Self.relationFile, Self.typeFile].map { name in
      try SplitFiles.file([name], ["tsv"], in: folder)
    }
    guard let entityFile = files[0], let relationFile = files[1] else {
      if let file = files.compactMap({ $0 }).first {
        throw LabError(
          "\(folder.relativePath) holds \(file.lastPathComponent) and only one of entity_to_id.tsv and "
            + "relation_to_id.tsv, or none; add what is missing or remove this one")
      }
      return []
    }
    var types = VocabularyTypes()
    let typeLines = try files[2].map { ($0, try readTypes($0, &types)) }
    let (entities, typeOfEntity, entityLines) = try table(
      entityFile, columns: ["type"], .subject, &types)
    let (predicates, typesOfPredicate, predicateLines) = try table(
      relationFile, columns: ["subject_type", "object_type"], .predicate, &types)
    types.ofEntities = typeOfEntity.compactMap { $0[0] }
    guard types.ofEntities.count == typeOfEntity.count else {
      throw LabError("\(entityFile.relativePath): an entity is without type; give each one")
    }
    types.ofPredicates = typesOfPredicate.map { ($0[0], $0[1]) }
    guard !types.ofEntities.isEmpty || types.ofPredicates.isEmpty && files[2] == nil else {
      throw LabError(
        "\(entityFile.relativePath) gives no entity a type, and another file has types; add the column "
          + "'type', or remove theirs")
    }
    types.renumber()
    collector.fix(
      entities: entities, predicates: predicates, types: types,
      source: "\(entityFile.lastPathComponent) or \(relationFile.lastPathComponent)")
    return [(entityFile, entityLines), (relationFile, predicateLines)]
      + (typeLines.map { [(url: $0.0, lineCount: $0.1)] } ?? [])
  }

  /// Takes the types of type_to_id.tsv; returns the number of its lines.
  private func readTypes(_ url: URL, _ types: inout VocabularyTypes) throws -> Int {
    var parents = VocabularyTypes()
    let (names, given, lineCount) = try table(url, columns: ["parent"], .type, &parents)
    guard given.count == names.count, names.count > 0 else {
      throw LabError(
        "\(url.relativePath) has no types with parents; its columns are id, label and parent")
    }
    do {
      try types.fix(
        names,
        parents: try given.map { columns in
          try columns[0].map { parent in
            let name = Array(parents.name(parent).utf8)
            guard let id = names.id(of: name[...]) else {
              throw LineFault("the parent '\(parents.name(parent))' is no type; add it or write -")
            }
            return id
          }
        })
    } catch let fault as LineFault {
      throw LabError("\(url.relativePath): \(fault.text)")
    }
    return lineCount
  }

  /// The names by id, and the types by id where the file has those columns.
  private func table(
    _ url: URL, columns: [String], _ part: TripleCollector.Part, _ types: inout VocabularyTypes
  ) throws -> (NameTable, [[Int32?]], Int) {
    var list = NumberedNames()
    var given: [[Int32?]] = []
    var isTyped = false
    var scratch: [UInt8] = []
    let lineCount = try LineReader.forEachLine(of: url) { line, number in
      try LineReader.refuseReturns(line)
      let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
      guard number > 1 else {
        let names = fields.map { String(decoding: $0, as: UTF8.self) }
        isTyped = names == ["id", "label"] + columns
        guard isTyped || names == ["id", "label"] else {
          throw LineFault(
            "the first line must name the columns id, label"
              + " (and \(columns.joined(separator: ", "))), separated by tabs; remove the file if it is "
              + "of another kind")
        }
        return
      }
      guard fields.count == (isTyped ? 2 + columns.count : 2) else {
        throw LineFault("the line has \(fields.count) columns, and the first line names others")
      }
      guard let id = OpenKEReader.integer(fields[0]) else {
        throw LineFault("'\(OpenKEReader.shown(fields[0]))' is no id; give a whole number")
      }
      try list.add(try escape.read(fields[1], &scratch), id: id, part, line: number)
      guard isTyped else { return }
      given.append(
        try fields[2...].map { field in
          if field.elementsEqual(Self.untyped.utf8) { return nil }
          let name = try escape.read(field, &scratch)
          try TripleCollector.check(name, .type)
          return try types.number(of: name)
        })
    }
    let table = try list.table(url, isUnique: true)
    return (table, isTyped ? try list.order(url).map { given[$0] } : [], lineCount)
  }
}
