package import Foundation
import GRDB
import LabCore

/// What is in a graph file, and whether it is sound.
package struct GraphInspection: Encodable, Sendable {
  /// One check of a graph file and its outcome.
  package struct Check: Encodable, Sendable {
    package let name: String
    package let passed: Bool
    /// What was found; empty where the check passed.
    package let detail: String

    /// Passed where `fault` is nil.
    fileprivate init(_ name: String, _ fault: String?) {
      self.name = name
      passed = fault == nil
      detail = fault ?? ""
    }
  }

  package let name: String
  /// "generated" or "imported".
  package let source: String
  package let seed: UInt64?
  /// Computed from the file's content.
  package let contentHash: String
  package let profile: GraphProfile
  /// Different words, split at spaces, in the names of entities and predicates.
  package let wordCount: Int
  /// Nil for imported graphs.
  package let statistics: [AchievedStatistic]?
  package let information: InformationContent?
  package let importReport: ImportReport?
  /// Nil where nothing is held out.
  package let split: SplitAudit?
  package let checks: [Check]

  package var isSound: Bool { checks.allSatisfy(\.passed) }

  enum CodingKeys: String, CodingKey {
    case name, source, seed, contentHash, profile, wordCount, statistics, information, split, checks
    case importReport = "import"
  }

  /// Reads the whole file and checks it.
  ///
  /// Throws `LabError` in one sentence when it is no graph file or cannot be read.
  package init(of url: URL) throws {
    let file = try GraphFile(url)
    let metadata = try file.metadata()
    let schema: GraphSchema? = Self.decode(metadata[GraphFormat.Key.schema])
    let hasHeldOut = try file.query { database in
      try Bool.fetchOne(
        database, sql: "SELECT EXISTS (SELECT 1 FROM triple WHERE held_out IS NOT NULL)") ?? false
    }
    var sink = InspectionSink(
      schema, hashVersion: try file.hashVersion(), auditor: hasHeldOut ? SplitAuditor() : nil)
    try file.read(into: &sink)
    name = metadata[GraphFormat.Key.name] ?? url.deletingPathExtension().lastPathComponent
    source = metadata[GraphFormat.Key.source] ?? "unknown"
    seed = metadata[GraphFormat.Key.seed].flatMap { UInt64($0) }
    contentHash = sink.measured.first.finalize()
    profile = sink.measured.second.profile()
    wordCount = sink.words.count
    split = sink.auditor?.finish()
    statistics = Self.decode(metadata[GraphFormat.Key.statistics])
    information = Self.decode(metadata[GraphFormat.Key.information])
    importReport = Self.decode(metadata[GraphFormat.Key.importReport])
    checks =
      try Self.checks(
        file, sink, contentHash: contentHash, stored: metadata[GraphFormat.Key.contentHash])
      + Self.promiseChecks(file, sink)
  }

  /// Whether the triples keep what the schema in the file promises; none for a graph without
  /// schema.
  private static func promiseChecks(_ file: GraphFile, _ sink: InspectionSink) throws -> [Check] {
    guard var promised = sink.promised else { return [] }
    promised.finish()
    func name(_ id: Int32, _ table: String) throws -> String {
      try file.query { database in
        try String.fetchOne(
          database, sql: "SELECT name FROM \(table) WHERE id = ?", arguments: [id]) ?? "?"
      }
    }
    return try promised.promises.map { promise in
      guard let breach = promised.breaches[promise] else { return Check(promise.rawValue, nil) }
      let triple = breach.triple
      let predicate = try name(triple.predicate, "predicate")
      let problem = breach.problem.replacingOccurrences(
        of: "%", with: try breach.other.map { try name($0, "entity") } ?? "%")
      return Check(
        promise.rawValue,
        "predicate '\(predicate)': (\(try name(triple.subject, "entity")), \(predicate), "
          + "\(try name(triple.object, "entity"))) \(problem)"
          + (breach.count > 1 ? " (and \(breach.count - 1) more)" : ""))
    }
  }

  private static func decode<T: Decodable>(_ text: String?) -> T? {
    text.flatMap { try? JSONDecoder().decode(T.self, from: Data($0.utf8)) }
  }

  private static func checks(
    _ file: GraphFile, _ sink: InspectionSink, contentHash: String, stored: String?
  ) throws -> [Check] {
    let integrity = try file.query { database in
      try String.fetchAll(database, sql: "PRAGMA integrity_check").joined(separator: "; ")
    }
    let foreignKeys = try file.query { database in
      try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count
    }
    return [
      Check("SQLite integrity", integrity == "ok" ? nil : integrity),
      Check(
        "foreign keys",
        foreignKeys == 0 ? nil : "\(foreignKeys) rows refer to rows that do not exist"),
      Check(
        "entity types",
        sink.mistypedCount == 0
          ? nil : "\(sink.mistypedCount) triples have a subject or object of another type"),
      Check(
        "content hash",
        stored == contentHash
          ? nil
          : "the content was changed after the file was made (it was \(stored ?? "not stored"))"),
    ]
  }
}

/// Takes a graph for inspection: measures it, hashes it and compares types.
private struct InspectionSink: GraphSink {
  var measured: SinkPair<GraphHasher, GraphProfiler>
  var words: Set<Substring> = []
  var mistypedCount = 0
  var auditor: SplitAuditor?
  private var predicates: [Predicate] = []
  private var kinds = TypeKinds()
  private var types: [Int32] = []
  private let schema: GraphSchema?
  /// Nil without a schema.
  private(set) var promised: ConstraintChecks?

  init(_ schema: GraphSchema?, hashVersion: Int, auditor: SplitAuditor?) {
    self.schema = schema
    self.auditor = auditor
    measured = SinkPair(first: GraphHasher(version: hashVersion), second: GraphProfiler())
  }

  mutating func begin(entityTypes: [EntityType], predicates: [Predicate]) throws {
    try measured.begin(entityTypes: entityTypes, predicates: predicates)
    auditor?.begin(entityTypes: entityTypes, predicates: predicates)
    self.predicates = predicates
    kinds = TypeKinds(entityTypes)
    promised = schema.map {
      ConstraintChecks($0, entityTypes: entityTypes, predicates: predicates)
    }
    for predicate in predicates { words.formUnion(predicate.name.split(separator: " ")) }
  }

  mutating func add(_ entity: Entity) throws {
    try measured.add(entity)
    promised?.add(entity)
    auditor?.add(entity)
    types.append(entity.type)
    words.formUnion(entity.name.split(separator: " "))
  }

  mutating func add(_ fact: Fact) throws {
    try measured.add(fact)
    promised?.add(fact)
    auditor?.add(fact)
    let predicate = predicates[Int(fact.triple.predicate)]
    if !kinds.isKind(types[Int(fact.triple.subject)], of: predicate.subjectType)
      || !kinds.isKind(types[Int(fact.triple.object)], of: predicate.objectType)
    {
      mistypedCount += 1
    }
  }
}
