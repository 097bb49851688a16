package import Foundation
import GRDB
import LabCore

extension KnowledgeGraph {
  /// Loads a graph file into memory; ids are those of the file, which count from 0.
  ///
  /// The content hash is computed from what is read. Throws `LabError` in one sentence for a
  /// missing file, one that is no SQLite database, one of another program or of a newer kglab, or a
  /// damaged one.
  package static func open(_ url: URL) throws -> KnowledgeGraph {
    let file = try GraphFile(url)
    var builder = GraphBuilder(hashVersion: try file.hashVersion())
    try file.read(into: &builder)
    return builder.build()
  }
}

/// A graph file opened for reading only.
struct GraphFile {
  let url: URL
  private let queue: DatabaseQueue

  /// Throws `LabError` when this is no graph file that can be read.
  init(_ url: URL) throws {
    self.url = url
    let kind = FileKind.of(url)
    if kind == .folder {
      throw LabError("\(url.relativePath) is a folder; give the graph's SQLite file")
    }
    if kind == nil || ReadOnlyDatabase.size(url.path) == 0 {
      throw LabError(
        "\(url.relativePath) \(kind == nil ? "does not exist" : "is empty"); make a graph with "
          + "'kglab generate' or 'kglab import'")
    }
    do {
      queue = try ReadOnlyDatabase.open(url)
      let (application, version) = try queue.read { database in
        (
          try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0,
          try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        )
      }
      guard application == GraphFormat.applicationID else {
        throw LabError(
          "\(url.relativePath) is an SQLite file of another program, not a kglab graph; make one with "
            + "'kglab generate' or 'kglab import'")
      }
      guard version <= GraphFormat.version else {
        throw LabError(
          "\(url.relativePath) has format \(version), made by a newer kglab; this one reads up to "
            + "\(GraphFormat.version): update kglab")
      }
      if version < GraphFormat.version { try Self.migrate(url, from: version) }
    } catch let error as DatabaseError {
      throw Self.failure(error, url)
    }
  }

  /// Changes a file of an older layout to the present one, all of it or nothing.
  private static func migrate(_ url: URL, from version: Int32) throws {
    do {
      let queue = try DatabaseQueue(path: url.path)
      try queue.write { database in
        for step in version..<GraphFormat.version {
          guard let sql = GraphFormat.migrations[step] else {
            throw LabError(
              "\(url.relativePath) is damaged: its format \(step) never existed; generate or import "
                + "the graph again")
          }
          try database.execute(sql: sql)
        }
        try database.execute(sql: "PRAGMA user_version = \(GraphFormat.version)")
      }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
      throw LabError(
        "\(url.relativePath) has the older format \(version) and cannot be changed to format "
          + "\(GraphFormat.version), since it is read-only; make it writable or work on a copy")
    }
  }

  /// Runs queries; turns SQLite's errors into sentences that name the file.
  func query<T>(_ body: (Database) throws -> T) throws -> T {
    do {
      return try queue.read(body)
    } catch let error as DatabaseError {
      throw Self.failure(error, url)
    }
  }

  func metadata() throws -> [String: String] {
    try query { database in
      let rows = try Row.fetchAll(database, sql: "SELECT key, value FROM metadata")
      let pairs = try rows.map { (try text($0, 0, "metadata"), try text($0, 1, "metadata")) }
      return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
  }

  /// How the file's content hash is made: files of older versions go on under theirs.
  func hashVersion() throws -> Int {
    let text = try metadata()[GraphFormat.Key.hashVersion] ?? "1"
    guard let version = Int(text), (1...GraphHasher.version).contains(version) else {
      throw LabError(
        "\(url.relativePath) has a content hash of version \(text), made by a newer kglab; this one knows "
          + "up to \(GraphHasher.version): update kglab")
    }
    return version
  }

  /// Passes the whole graph to `sink` in its fixed order.
  func read(into sink: inout some GraphSink) throws {
    try query { database in
      let types = try rows(of: "entity_type", "name, parent_id", database)
      let relations = try rows(
        of: "predicate", "name, subject_type_id, object_type_id, inverse_of_id", database)
      var templates: [[String]] = Array(repeating: [], count: relations.count)
      for row in try Row.fetchAll(
        database, sql: "SELECT predicate_id, text FROM template ORDER BY predicate_id, number")
      {
        let predicate = try id(row, 0, below: relations.count, "template")
        templates[Int(predicate)].append(try text(row, 1, "template"))
      }
      let entityTypes = try types.map { row in
        EntityType(
          name: try text(row, 1, "entity_type"),
          parent: try reference(row, 2, below: types.count, "entity_type"))
      }
      if let type = TypeKinds(entityTypes).typeOnACircle {
        throw damaged(
          "the parents of the entity type '\(entityTypes[Int(type)].name)' lead back to itself")
      }
      try sink.begin(
        entityTypes: entityTypes,
        predicates: relations.enumerated().map { index, row in
          Predicate(
            name: try text(row, 1, "predicate"),
            subjectType: try reference(row, 2, below: types.count, "predicate"),
            objectType: try reference(row, 3, below: types.count, "predicate"),
            inverseOf: try reference(row, 4, below: relations.count, "predicate"),
            templates: templates[index])
        })
      let entityCount = try readEntities(database, typeCount: types.count, &sink)
      try readTriples(database, entityCount, predicateCount: relations.count, &sink)
    }
  }

  /// All rows of a small table, each with its id first.
  private func rows(of table: String, _ columns: String, _ database: Database) throws -> [Row] {
    let rows = try Row.fetchAll(
      database, sql: "SELECT id, \(columns) FROM \(table) ORDER BY id")
    for (position, row) in rows.enumerated() { try expect(row, position, table) }
    return rows
  }

  private func readEntities(
    _ database: Database, typeCount: Int, _ sink: inout some GraphSink
  ) throws -> Int {
    let rows = try Row.fetchCursor(
      database, sql: "SELECT id, entity_type_id, name FROM entity ORDER BY id")
    var position = 0
    while let row = try rows.next() {
      try expect(row, position, "entity")
      guard position < Int(Int32.max) else { throw damaged("it has more entities than fit") }
      try sink.add(
        Entity(
          name: try text(row, 2, "entity"), type: try id(row, 1, below: typeCount, "entity")))
      position += 1
    }
    return position
  }

  private func readTriples(
    _ database: Database, _ entityCount: Int, predicateCount: Int, _ sink: inout some GraphSink
  ) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT subject_id, predicate_id, object_id, held_out, bits, exposures, derivation, inferable,
          noise
        FROM triple ORDER BY subject_id, predicate_id, object_id
        """)
    while let row = try rows.next() {
      let triple = Triple(
        subject: try id(row, 0, below: entityCount, "triple"),
        predicate: try id(row, 1, below: predicateCount, "triple"),
        object: try id(row, 2, below: entityCount, "triple"))
      guard let exposures = Int32.fromDatabaseValue(row[5]), exposures > 0 else {
        throw damaged("a triple has exposures that are no number above 0")
      }
      try sink.add(
        Fact(
          triple: triple, heldOut: try label(row, 3, HeldOutLevel.self),
          bits: Double.fromDatabaseValue(row[4]), exposures: exposures,
          derivation: try label(row, 6, Derivation.self),
          isInferable: Int64.fromDatabaseValue(row[7]) == 1, noise: try label(row, 8, Noise.self)))
    }
  }

  // A damaged record can hold a value of any type in any column, so that none is taken on trust.

  private func text(_ row: Row, _ column: Int, _ table: String) throws -> String {
    guard let text = String.fromDatabaseValue(row[column]), !text.isEmpty else {
      throw damaged("table \(table) has a row without text in column \(column + 1)")
    }
    return text
  }

  private func id(_ row: Row, _ column: Int, below count: Int, _ table: String) throws -> Int32 {
    guard let id = Int64.fromDatabaseValue(row[column]), (0..<Int64(count)).contains(id) else {
      let value: DatabaseValue = row[column]
      throw damaged("table \(table) refers to the id \(value), which does not exist")
    }
    return Int32(id)
  }

  private func reference(
    _ row: Row, _ column: Int, below count: Int, _ table: String
  ) throws -> Int32? {
    (row[column] as DatabaseValue).isNull ? nil : try id(row, column, below: count, table)
  }

  /// The value of a column of labels; nil where it is null.
  private func label<Label: RawRepresentable<String>>(
    _ row: Row, _ column: Int, _ type: Label.Type
  ) throws -> Label? {
    if (row[column] as DatabaseValue).isNull { return nil }
    let text = try text(row, column, "triple")
    guard let label = Label(rawValue: text) else {
      throw damaged("a triple has the unknown \(Array(row.columnNames)[column]) '\(text)'")
    }
    return label
  }

  private func expect(_ row: Row, _ position: Int, _ table: String) throws {
    guard Int64.fromDatabaseValue(row[0]) == Int64(position) else {
      throw damaged("the ids of table \(table) do not count from 0: row \(position) has another")
    }
  }

  private func damaged(_ what: String) -> LabError {
    LabError("\(url.relativePath) is damaged: \(what); generate or import the graph again")
  }

  private static func failure(_ error: DatabaseError, _ url: URL) -> LabError {
    switch error.resultCode {
    case .SQLITE_NOTADB:
      LabError(
        "\(url.relativePath) is no SQLite file, so no graph; make one with 'kglab generate' or "
          + "'kglab import'")
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      LabError("\(url.relativePath) cannot be opened; check its permission")
    default:
      LabError(
        "\(url.relativePath) cannot be read as a graph: \(error.message ?? "SQLite error"); it is "
          + "damaged or was changed, so generate or import it again")
    }
  }
}
