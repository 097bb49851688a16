import Corpus
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

/// Cells of run.sqlite that hold what no version of kglab writes end a command with a sentence,
/// never a trap.
struct AlteredRowTests {
  private static let tables = [
    "query", "evaluation", "exact_result", "sampled_result", "answer", "candidate_result",
    "scoring",
    "scored_query", "fact_probability", "reversal_result", "knowledge",
  ]
  private static let values = [
    "NULL", "'x'", "-1", "9223372036854775807", "1e308", "x'00'", "2147483647", "''",
  ]

  /// Everything that reads a stored row.
  private func read(_ run: TrainedRun, _ wanted: EvaluationOptions) -> [any Error] {
    var knowing = KnowledgeOptions()
    knowing.resampleCount = 10
    let database = { try #require(try RunDatabase.read(in: run.folder)) }
    let uses: [() throws -> Void] = [
      { _ = try run.run.evaluate(wanted, graph: run.graph, work: Work(shouldStop: { false })) },
      { _ = try run.run.knowledge(knowing, graph: run.graph, work: Work(shouldStop: { false })) },
      {
        _ = try EvaluationComparison(database(), database(), names: ("a", "b"), resamples: 10)
      },
      {
        for summary in try database().summaries() {
          for temperature in [0.0, 1] {
            _ = try database().answers(
              key: summary.key, temperature: temperature, of: run.graph,
              vocabularySize: run.run.tokenizer.vocabularySize)
          }
        }
      },
    ]
    return uses.compactMap { use in
      do {
        try use()
        return nil
      } catch { return error }
    }
  }

  @Test(arguments: tables)
  func everyCellMayBeAltered(table: String) throws {
    let run = try TrainedRun(TestGraph.families(6), epochs: 3)
    var wanted = options(sampled: [0, 1], samples: 2, resamples: 10)
    wanted.candidates = 2
    #expect(read(run, wanted).isEmpty)
    let file = run.folder.appendingPathComponent(RunDatabase.fileName)
    let sound = try Data(contentsOf: file)
    let columns = try DatabaseQueue(path: file.path).read { database in
      try database.columns(in: table).map(\.name)
    }
    var refusals = 0
    for column in columns {
      for value in Self.values {
        try sound.write(to: file)
        try alter(file, table, column, value)
        for error in read(run, wanted) {
          let error = try #require(error as? any LabFailure, "\(error)")
          #expect(error.exitStatus == .badInput || error.exitStatus == .failure, "\(error)")
          #expect(!error.description.contains("\n"))
          refusals += 1
        }
      }
    }
    #expect(refusals > 0)
  }

  /// Sets a cell of every second row in a table without its constraints, and has results made of
  /// rows anew.
  private func alter(_ file: URL, _ table: String, _ column: String, _ value: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    try DatabaseQueue(path: file.path, configuration: configuration).writeWithoutTransaction {
      database in
      let unique = ["evaluation", "scoring", "knowledge"].contains(table)
      try database.execute(
        sql: """
          PRAGMA legacy_alter_table = ON;
          UPDATE evaluation SET status = 'running', summary = NULL
            WHERE '\(table)' IN ('exact_result', 'sampled_result', 'candidate_result');
          DELETE FROM knowledge
            WHERE '\(table)' IN ('scoring', 'scored_query', 'fact_probability', 'reversal_result');
          CREATE TABLE altered AS SELECT * FROM \(table);
          DROP TABLE \(table);
          ALTER TABLE altered RENAME TO \(table);
          UPDATE \(table) SET \(column) = \(value) WHERE rowid % 2 = 1;
          """)
      if unique {
        try? database.execute(sql: "CREATE UNIQUE INDEX altered_key ON \(table) (key)")
      }
    }
  }

  @Test func tokensOutsideTheVocabularyAreRefused() throws {
    let run = try TrainedRun(TestGraph.families(6), epochs: 1)
    let wanted = options(sampled: [1], samples: 2, resamples: 10)
    let summary = try run.run.evaluate(wanted, graph: run.graph, work: Work(shouldStop: { false }))
    let size = run.run.tokenizer.vocabularySize
    for tokens in ["\(size)", "-1", "99999999 2", "2 x", "1e3"] {
      let database = try RunDatabase.open(in: run.folder, graphHash: run.graph.contentHash)
      try database.write { try $0.execute(sql: "UPDATE answer SET token_ids = '\(tokens)'") }
      expectFailure("run.sqlite is damaged: token_ids is \"\(tokens)\"; delete it") {
        try database.answers(
          key: summary.key, temperature: 1, of: run.graph, vocabularySize: size)
      }
    }
  }
}
