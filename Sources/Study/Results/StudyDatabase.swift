package import Foundation
import GRDB
import KnowledgeGraph
import LabCore

/// study.sqlite: all results of a study in one file, made anew from the runs each time.
package enum StudyDatabase {
  /// "kgls" in ASCII, as `PRAGMA application_id`.
  static let applicationID: Int32 = 0x6B67_6C73
  /// `PRAGMA user_version`: raised when the layout changes.
  static let version: Int32 = 3

  /// Replaces the file by one with `results`: whole under its name, or the old one still is.
  ///
  /// Equal results give a file with equal contents. Throws `LabError` when it cannot be written.
  package static func write(_ results: StudyResults, to url: URL) throws {
    do {
      try AtomicFile.make(url) { try fill($0, results) }
    } catch let failure as any LabFailure {
      throw failure
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      throw LabError(
        "the results of the study contradict each other (\(error.message ?? "one stands twice")); run "
          + "'kglab study run' with the study's file again, which writes plan.json anew and measures what is missing"
      )
    } catch {
      let reason = (error as? DatabaseError)?.message ?? FailureReason.text(error)
      throw LabError(
        "cannot write \(url.path): \(reason); check free space and permission, then run 'kglab report' again",
        .failure)
    }
  }

  private static func fill(_ file: URL, _ results: StudyResults) throws {
    EmptyFile.create(file)
    let queue = try DatabaseQueue(path: file.path)
    try queue.writeWithoutTransaction { database in
      try database.execute(
        sql: """
          PRAGMA journal_mode = MEMORY; PRAGMA application_id = \(applicationID);
          PRAGMA user_version = \(version);
          """)
      try database.inTransaction {
        try database.execute(sql: tables)
        let metadata = [
          ("name", results.name), ("question", results.question),
          ("top_k", results.topK.map(String.init)), ("top_p", results.topP.map { "\($0)" }),
        ]
        for case (let key, let value?) in metadata {
          try database.execute(
            sql: "INSERT INTO metadata (key, value) VALUES (?, ?)", arguments: [key, value])
        }
        func insert(_ rows: [some PersistableRecord]) throws {
          for row in rows {
            try checkNumbers(of: row)
            try row.insert(database)
          }
        }
        try insert(results.graphs)
        try insert(results.runs)
        try insert(results.rates)
        try insert(results.verdicts)
        try insert(results.coverages)
        try insert(results.grades)
        try insert(results.detectors)
        try insert(results.failures)
        return .commit
      }
    }
    try queue.close()
  }

  /// Refuses numbers that no run can have: counts below 0 or above 2^53, others of a size above 1e100.
  ///
  /// What is not a number is stored as NULL, which the layout takes only where a result may be missing.
  private static func checkNumbers(of row: some PersistableRecord) throws {
    let columns = try row.databaseDictionary
    for (name, value) in columns.sorted(by: { $0.key < $1.key }) where name != "seed" {
      let isPossible =
        switch value.storage {
        case .int64(let count): (0...(1 << 53)).contains(count)
        case .double(let number): number.isNaN || abs(number) <= 1e100
        case .null, .string, .blob: true
        }
      guard isPossible else {
        let run =
          (columns["run_id"] ?? columns["id"]).flatMap { String.fromDatabaseValue($0) } ?? ""
        throw LabError(
          "the \(type(of: row).databaseTableName) results of '\(run)' have \(value) as \(name), which cannot be: a file "
            + "was altered or damaged; remove that folder of models/ or graphs/, then run 'kglab study run' with the "
            + "study's file again")
      }
    }
  }

  /// Reads all results back, in the order in which they were written.
  ///
  /// Throws `LabError` when the file is missing, of another program, of a newer kglab or damaged.
  package static func read(_ url: URL) throws -> StudyResults {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw LabError(
        "\(url.relativePath) does not exist; make it with 'kglab report' or 'kglab study run'")
    }
    do {
      let queue = try ReadOnlyDatabase.open(url)
      return try queue.read { database in
        try check(database, url)
        return try results(database)
      }
    } catch let error as LabError {
      throw error
    } catch {
      throw LabError(
        "\(url.relativePath) cannot be read as the results of a study; run 'kglab report' to make it "
          + "again from the runs")
    }
  }

  private static func check(_ database: Database, _ url: URL) throws {
    let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let present = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard application == applicationID else {
      throw LabError(
        "\(url.relativePath) is an SQLite file of another program, not the results of a study; "
          + "give the folder of a study")
    }
    guard present <= version else {
      throw LabError(
        "\(url.relativePath) has format \(present), made by a newer kglab; this one reads up to "
          + "\(version): update kglab")
    }
  }

  private static func results(_ database: Database) throws -> StudyResults {
    func all<Row: FetchableRecord & PersistableRecord>(_ type: Row.Type) throws -> [Row] {
      let rows = try Row.fetchAll(
        database, sql: "SELECT * FROM \(Row.databaseTableName) ORDER BY rowid")
      for row in rows { try checkNumbers(of: row) }
      return rows
    }
    func metadata(_ key: String) throws -> String? {
      try String.fetchOne(
        database, sql: "SELECT value FROM metadata WHERE key = ?", arguments: [key])
    }
    var results = StudyResults()
    results.name = try metadata("name") ?? ""
    results.question = try metadata("question") ?? ""
    results.topK = try metadata("top_k").flatMap(Int.init)
    results.topP = try metadata("top_p").flatMap(Double.init)
    results.graphs = try all(GraphSummary.self)
    results.runs = try all(RunRow.self)
    results.rates = try all(RateRow.self)
    results.verdicts = try all(VerdictRow.self)
    results.coverages = try all(CoverageRow.self)
    results.grades = try all(GradeRow.self)
    results.detectors = try all(DetectorRow.self)
    results.failures = try all(FailureRow.self)
    return results
  }
}
