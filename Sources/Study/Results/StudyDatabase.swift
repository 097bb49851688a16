import Evaluation
package import Foundation
package import GRDB
import LabCore

/// study.sqlite: all results of a study in one file, made anew from the runs each time.
package enum StudyDatabase {
  /// Replaces the file by one that `fill` fills: whole under its name, or the old one still is.
  ///
  /// Equal results give a file with equal contents. Throws `LabError` when it cannot be written, or
  /// would hold numbers that no run can have.
  package static func make(_ url: URL, _ fill: (Database) throws -> Void) throws {
    do {
      try AtomicFile.make(url) { file in
        EmptyFile.create(file)
        let queue = try DatabaseQueue(path: file.path)
        try queue.writeWithoutTransaction { database in
          try database.execute(
            sql: """
              PRAGMA journal_mode = MEMORY; PRAGMA application_id = \(StudyResults.applicationID);
              PRAGMA user_version = \(StudyResults.version);
              """)
          try database.inTransaction {
            try database.execute(sql: layout)
            try fill(database)
            try PossibleNumbers.check(database)
            return .commit
          }
        }
        try queue.close()
      }
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

  /// Graphs, runs and their probes, then the tables of every measure; docs/studies.md describes it
  /// for those who query it.
  private static let layout =
    tables + ProbeRows.layout
    + MeasureSet.known.flatMap { $0.tables }.map(\.studyDefinition).joined() + views

  private static let tables = """
    CREATE TABLE metadata (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE graph (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL,
      content_hash TEXT NOT NULL, entity_count INTEGER NOT NULL, predicate_count INTEGER NOT NULL,
      triple_count INTEGER NOT NULL, trained_triple_count INTEGER NOT NULL,
      fvs_count INTEGER NOT NULL, pvs_count INTEGER NOT NULL, ivs_count INTEGER NOT NULL,
      guess_rate REAL CHECK (guess_rate BETWEEN 0 AND 1), bits REAL
    ) STRICT;
    CREATE TABLE run (
      id TEXT NOT NULL PRIMARY KEY, graph_id TEXT NOT NULL REFERENCES graph (id),
      name TEXT NOT NULL, size TEXT NOT NULL, parameters INTEGER NOT NULL,
      non_embedding_parameters INTEGER NOT NULL, horizon TEXT NOT NULL, budget_flops REAL,
      epochs REAL NOT NULL,
      fraction REAL NOT NULL, seed INTEGER NOT NULL, learning_rate REAL NOT NULL,
      precision TEXT NOT NULL, variant TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('complete', 'diverged')), diverged_step INTEGER,
      trained_triples INTEGER NOT NULL,
      tokens_per_epoch INTEGER NOT NULL, tokens_per_parameter REAL NOT NULL,
      steps INTEGER NOT NULL, training_flops REAL NOT NULL, initial_cross_entropy REAL,
      cross_entropy REAL, seconds REAL,
      tokens_per_second REAL, peak_memory_mib REAL, stored_bytes INTEGER,
      text_source TEXT, generation INTEGER, wrong_share REAL CHECK (wrong_share BETWEEN 0 AND 1),
      optimizer TEXT, parameterization TEXT, alignment TEXT
    ) STRICT;
    CREATE TABLE failure (
      task_id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
      status TEXT NOT NULL, error TEXT NOT NULL
    ) STRICT;

    """

  private static let views = """

    CREATE VIEW run_rate AS
      SELECT run.name AS run, run.size, run.non_embedding_parameters, run.epochs, run.fraction,
        run.seed, run.learning_rate, run.variant, run.tokens_per_parameter, run.training_flops, rate.visibility, rate.method,
        rate.temperature, rate.rate, rate.lower, rate.upper, rate.query_count, rate.run_id
      FROM rate JOIN run ON run.id = rate.run_id WHERE rate.group_kind = 'all';
    CREATE VIEW run_detector AS
      SELECT run.name AS run, run.size, run.non_embedding_parameters, run.epochs, run.fraction,
        run.seed, run.learning_rate, run.variant, detector.task, detector.position, detector.kind, detector.name AS detector, detector.parameters,
        detector.metric, detector.value, detector.lower, detector.upper, detector.prevalence,
        detector.run_id
      FROM detector JOIN run ON run.id = detector.run_id;
    CREATE VIEW best_detector AS
      SELECT d.* FROM detector d JOIN (
        SELECT run_id, task, name, row_number() OVER (
            PARTITION BY run_id, task, family, pretrained
            ORDER BY coalesce(validation_auroc, -1) DESC, parameters, rowid) AS place
          FROM detector WHERE position = 'each' AND metric = 'auroc'
      ) c ON c.run_id = d.run_id AND c.task = d.task AND c.name = d.name
      WHERE c.place = 1;
    """
}
