import Foundation
import GRDB
import LabCore

/// Writes a graph to a new SQLite file: whole under its name, or not there at all.
struct GraphWriter: GraphSink {
  private let database: Database
  private let insertion: BulkInsert
  private var measured = SinkPair(first: GraphHasher(), second: GraphProfiler())
  private var nextEntity: Int64 = 0

  private init(_ database: Database) throws {
    self.database = database
    try database.execute(sql: GraphFormat.tables)
    insertion = try BulkInsert(database)
  }

  /// Lets `fill` write a graph and return the file's metadata, then gives the file its name.
  ///
  /// Throws `LabError` when the file exists and `overwrite` is false, or when it cannot be written.
  /// `pageLimit` stops SQLite at that many pages, as a full disk would; tests set it.
  static func write<Told>(
    to url: URL, overwrite: Bool, pageLimit: Int? = nil,
    _ fill: (inout GraphWriter) throws -> (metadata: [String: String], told: Told)
  ) throws -> WrittenGraph<Told> {
    try OutputPlace(url: url, isFolder: false).write(overwrite: overwrite) { place in
      do {
        return try fillFile(place, pageLimit: pageLimit, fill)
      } catch let error as DatabaseError {
        throw WriteFailure(text: reason(error))
      }
    }
  }

  static func refuseToReplace(_ url: URL, overwrite: Bool) throws {
    try OutputPlace(url: url, isFolder: false).check(overwrite: overwrite)
    try AtomicFile.createFolder(url.deletingLastPathComponent())
  }

  private static func fillFile<Told>(
    _ temporary: URL, pageLimit: Int?,
    _ fill: (inout GraphWriter) throws -> (metadata: [String: String], told: Told)
  ) throws -> WrittenGraph<Told> {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    // A failed file is thrown away as it is: GRDB would end the process over its open transaction.
    configuration.allowsUnsafeTransactions = true
    EmptyFile.create(temporary)
    let queue = try DatabaseQueue(path: temporary.path, configuration: configuration)
    let written = try queue.writeWithoutTransaction { database in
      // A crash leaves only the temporary file, so that no journal is needed. What the tables check
      // holds by the types of `Fact` and `Entity`; sorting for an index gets a thread to help.
      try database.execute(
        sql: """
          PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
          PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE;
          PRAGMA ignore_check_constraints = ON; PRAGMA threads = 1;
          PRAGMA application_id = \(GraphFormat.applicationID);
          PRAGMA user_version = \(GraphFormat.version);
          """)
      if let pageLimit { try database.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
      try database.execute(sql: "BEGIN")
      var writer = try GraphWriter(database)
      let (metadata, told) = try fill(&writer)
      let profile = writer.profile()
      let hash = try writer.finish(metadata)
      try database.execute(sql: "COMMIT")
      return WrittenGraph(contentHash: hash, profile: profile, told: told)
    }
    try queue.close()
    return written
  }

  private static func reason(_ error: DatabaseError) -> String {
    switch error.resultCode {
    case .SQLITE_FULL: "the disk is full"
    case .SQLITE_CANTOPEN: "the file cannot be made in that folder"
    default: error.message ?? "SQLite error \(error.resultCode.rawValue)"
    }
  }

  // MARK: GraphSink

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) throws {
    try measured.begin(entityTypes: entityTypes, predicates: predicates)
    for (id, type) in entityTypes.enumerated() {
      try database.execute(
        sql: "INSERT INTO entity_type (id, name, parent_id) VALUES (?, ?, ?)",
        arguments: [id, type.name, type.parent])
    }
    for (id, predicate) in predicates.enumerated() {
      try database.execute(
        sql: """
          INSERT INTO predicate (id, name, subject_type_id, object_type_id, inverse_of_id)
          VALUES (?, ?, ?, ?, ?)
          """,
        arguments: [
          id, predicate.name, predicate.subjectType, predicate.objectType, predicate.inverseOf,
        ])
      for (number, text) in predicate.templates.enumerated() {
        try database.execute(
          sql: "INSERT INTO template (predicate_id, number, text) VALUES (?, ?, ?)",
          arguments: [id, number, text])
      }
    }
  }

  mutating func add(_ entity: Entity) throws {
    try measured.add(entity)
    try insertion.insert(entity, id: nextEntity)
    nextEntity += 1
  }

  mutating func add(_ fact: Fact) throws {
    try measured.add(fact)
    try insertion.insert(fact)
  }

  /// What has been added so far, in numbers.
  mutating func profile() -> GraphProfile { measured.second.profile() }

  /// Adds the metadata, indexes and views; returns the content hash.
  private mutating func finish(_ metadata: [String: String]) throws -> String {
    let hash = measured.first.finalize()
    let rows = metadata.merging([
      GraphFormat.Key.contentHash: hash,
      GraphFormat.Key.hashVersion: String(GraphHasher.version),
    ]) { _, new in new }
    for (key, value) in rows.sorted(by: { $0.key < $1.key }) {
      try database.execute(
        sql: "INSERT INTO metadata (key, value) VALUES (?, ?)", arguments: [key, value])
    }
    try database.execute(sql: GraphFormat.indexesAndViews)
    return hash
  }
}

/// What a new graph file holds.
struct WrittenGraph<Told> {
  let contentHash: String
  let profile: GraphProfile
  /// What its maker has to tell beside it.
  let told: Told
}
