package import Foundation
package import GRDB
import KnowledgeGraph
import LabCore
package import Report

/// All results of a study, as its figures read them: by queries of study.sqlite.
package struct StudyResults: Sendable {
  /// "kgls" in ASCII, as `PRAGMA application_id`.
  package static let applicationID: Int32 = 0x6B67_6C73
  /// `PRAGMA user_version`: raised when the layout changes.
  package static let version: Int32 = 4

  package let name: String
  package let question: String
  /// The cut of the distribution that rates are of; nil where nothing is cut.
  package let topK: Int?
  package let topP: Double?
  package let graphs: [GraphSummary]
  /// In the order of the plan.
  package let runs: [RunRow]
  private let file: URL
  private let queue: DatabaseQueue

  /// Opens study.sqlite.
  ///
  /// Throws `LabError` when the file is missing, of another program, of another version, damaged,
  /// or has numbers that no run can have.
  package init(_ file: URL) throws {
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw LabError(
        "\(file.relativePath) does not exist; make it with 'kglab report' or 'kglab study run'")
    }
    self.file = file
    (queue, (name, question, topK, topP, graphs, runs)) = try Self.readable(file) {
      let queue = try ReadOnlyDatabase.open(file)
      return try queue.read { database in
        try Self.check(database, file)
        try PossibleNumbers.check(database)
        func metadata(_ key: String) throws -> String? {
          try String.fetchOne(
            database, sql: "SELECT value FROM metadata WHERE key = ?", arguments: [key])
        }
        return (
          queue,
          (
            try metadata("name") ?? "", try metadata("question") ?? "",
            try metadata("top_k").flatMap(Int.init), try metadata("top_p").flatMap(Double.init),
            try GraphSummary.fetchAll(database, sql: "SELECT * FROM graph ORDER BY rowid"),
            try RunRow.fetchAll(database, sql: "SELECT * FROM run ORDER BY rowid")
          )
        )
      }
    }
  }

  /// SQL for how a run was trained: horizon, graph and share of it where there are others, learning
  /// rate where runs that are else alike have several, and variant.
  package static let training = """
    run.horizon
      || CASE (SELECT count(*) FROM graph) WHEN 1 THEN '' ELSE
        ', ' || (SELECT g.name FROM graph g WHERE g.id = run.graph_id) END
      || CASE (SELECT count(DISTINCT o.fraction) FROM run o) WHEN 1 THEN '' ELSE
        ', ' || printf('%g', 100 * run.fraction) || ' % of the graph' END
      || CASE (SELECT count(DISTINCT o.learning_rate) FROM run o
          WHERE o.graph_id = run.graph_id AND o.size = run.size AND o.horizon = run.horizon
            AND o.fraction = run.fraction AND o.variant = run.variant)
        WHEN 1 THEN '' ELSE ', learning rate ' || run.learning_rate END
      || CASE run.variant WHEN '' THEN '' ELSE ', ' || run.variant END
    """

  /// Rows of a query.
  package func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
    try Self.readable(file) {
      try queue.read { try Row.fetchAll($0, sql: sql, arguments: arguments) }
    }
  }

  /// Whether any model was evaluated.
  package var hasRates: Bool {
    get throws { try !rows("SELECT 1 FROM rate LIMIT 1").isEmpty }
  }

  /// Rows of a query under columns of their names.
  package func records(
    _ columns: [Report.Column], _ sql: String, _ arguments: StatementArguments = []
  ) throws -> Records {
    Records(columns, try rows(sql, arguments).map { $0.cells(columns) })
  }

  /// What a query has of each run: its id, a value and its interval.
  package func values(_ sql: String) throws -> [String: Measured] {
    Dictionary(
      try rows(sql).map { row in
        (
          row[0],
          Measured(value: try row.value(1), lower: try row.value(2), upper: try row.value(3))
        )
      }, uniquingKeysWith: { $1 })
  }

  private static func readable<Value>(_ file: URL, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as LabError {
      throw error
    } catch {
      throw LabError(
        "\(file.relativePath) cannot be read as the results of a study; run 'kglab report' to make it "
          + "again from the runs")
    }
  }

  private static func check(_ database: Database, _ file: URL) throws {
    let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let present = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard application == applicationID else {
      throw LabError(
        "\(file.relativePath) is an SQLite file of another program, not the results of a study; "
          + "give the folder of a study")
    }
    guard present <= version else {
      throw LabError(
        "\(file.relativePath) has format \(present), made by a newer kglab; this one reads up to "
          + "\(version): update kglab")
    }
  }
}

extension Row {
  /// The cells of columns of their names.
  package func cells(_ columns: [Report.Column]) -> [Cell] {
    columns.map { Cell(self[$0.name] as DatabaseValue) }
  }
}

extension Cell {
  /// The value of a query's column.
  fileprivate init(_ value: DatabaseValue) {
    switch value.storage {
    case .null, .blob: self = .missing
    case .int64(let number): self = .integer(Int(number))
    case .double(let number): self = .number(number)
    case .string(let text): self = .text(text)
    }
  }
}

/// Refuses numbers that no run can have: counts below 0 or above 2^53, others of a size above
/// 1e100.
///
/// What is not a number is stored as NULL, which the layout takes only where a result may be
/// missing.
package enum PossibleNumbers {
  /// Looks at all tables of study.sqlite; throws `LabError` naming the table, the run and the
  /// column.
  package static func check(_ database: Database) throws {
    let tables = try String.fetchAll(
      database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for table in tables {
      let faults = try database.columns(in: table).filter { $0.name != "seed" }.compactMap {
        column -> (name: String, test: String)? in
        switch column.type {
        case "INTEGER": (column.name, "\(column.name) NOT BETWEEN 0 AND \(1 << 53)")
        case "REAL": (column.name, "abs(\(column.name)) > 1e100")
        default: nil
        }
      }
      for (name, test) in faults {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM \(table) WHERE \(test)")
        else { continue }
        let run = row["run_id"] ?? row["id"] ?? ""
        throw LabError(
          "the \(table) results of '\(run)' have \(row[name] as DatabaseValue) as \(name), which cannot be: a file "
            + "was altered or damaged; remove that folder of models/ or graphs/, then run 'kglab study run' with the "
            + "study's file again")
      }
    }
  }
}
