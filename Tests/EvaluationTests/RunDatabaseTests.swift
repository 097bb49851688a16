import Corpus
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct RunDatabaseTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func evaluate(
    _ fixture: Fixture, in folder: TemporaryFolder, workers: Int = 1, _ options: EvaluationOptions,
    shouldStop: @escaping @Sendable () -> Bool = { false }
  ) throws -> EvaluationSummary {
    try fixture.evaluator(options, workers: workers).run(
      in: RunDatabase.open(in: folder.url, graphHash: fixture.graph.contentHash),
      weightsHash: "weights", work: Work(shouldStop: shouldStop))
  }

  private func bytes(_ folder: TemporaryFolder) throws -> Data {
    try folder.data(RunDatabase.fileName)
  }

  private func query<T>(_ folder: TemporaryFolder, _ body: (Database) throws -> T) throws -> T {
    try DatabaseQueue(path: folder[RunDatabase.fileName].path).read(body)
  }

  @Test func workersDoNotChangeTheFile() throws {
    let fixture = try Fixture(TestGraph.people(100))
    let wanted = options(sampled: [0, 1], samples: 2, resamples: 20)
    var files: [Data] = []
    for workers in [1, 2, 3] {
      let folder = try TemporaryFolder()
      let summary = try evaluate(fixture, in: folder, workers: workers, wanted)
      #expect(summary.queryCount == 300)
      files.append(try bytes(folder))
    }
    #expect(files[0] == files[1])
    #expect(files[0] == files[2])
  }

  @Test func interruptedEvaluationsContinue() throws {
    let fixture = try Fixture(TestGraph.people(100))
    var wanted = options(sampled: [1], samples: 2, resamples: 20)
    wanted.topP = 0.9
    wanted.candidates = 2
    let whole = try TemporaryFolder()
    let parts = try TemporaryFolder()
    let expected = try evaluate(fixture, in: whole, wanted)
    // Polled before each 32 queries: stopped within the second 256, the first ones are stored.
    expectFailure(status: .interrupted) {
      try evaluate(fixture, in: parts, wanted, shouldStop: stopping(after: 9))
    }
    let stored = try query(parts) { database in
      try Int.fetchOne(database, sql: "SELECT stored_query_count FROM evaluation")
    }
    #expect(stored == 256)
    #expect(try RunDatabase.read(in: parts.url)?.summaries().isEmpty == true)
    #expect(try evaluate(fixture, in: parts, wanted) == expected)
    #expect(try bytes(parts) == bytes(whole))
  }

  /// More rows than SQLite's cache takes must not lock readers out before they are all there.
  @Test func readersDoNotWaitForALargeTransaction() throws {
    let database = try RunDatabase.open(in: folder.url, graphHash: "g")
    try database.write { connection in
      for number in 0..<4_000 {
        try connection.execute(
          sql: "INSERT INTO metadata VALUES (?, ?)",
          arguments: ["\(number)", String(repeating: "x", count: 1_000)])
      }
      let watch = Stopwatch()
      #expect(try RunDatabase.read(in: folder.url)?.summaries() == [])
      #expect(watch.seconds < 5)
    }
  }

  /// What a killed process leaves is a file with a journal beside it, which a reader that may write
  /// takes back.
  @Test func readersMendWhatAKilledProcessWasWriting() throws {
    _ = try RunDatabase.open(in: folder.url, graphHash: "g")
    let killed = try TemporaryFolder()
    let names = ["", "-journal"].map { RunDatabase.fileName + $0 }
    let writer = try DatabaseQueue(path: folder[RunDatabase.fileName].path)
    try writer.write { connection in
      // More than the cache takes, so that the file is written to before the transaction ends.
      try connection.execute(sql: "PRAGMA cache_size = 5")
      for number in 0..<200 {
        try connection.execute(
          sql: "INSERT INTO metadata VALUES (?, ?)",
          arguments: ["\(number)", String(repeating: "x", count: 1_000)])
      }
      for name in names {
        try FileManager.default.copyItem(at: folder[name], to: killed[name])
      }
    }
    #expect(try RunDatabase.read(in: killed.url)?.summaries() == [])
    #expect(try killed.names() == [RunDatabase.fileName])
    #expect(
      try query(killed) { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM metadata") }
        == query(folder) { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM metadata") }.map {
          $0 - 200
        })
  }

  /// Results of a version whose table had other columns are neither copied by their places nor with
  /// holes.
  @Test func tablesOfOtherVersionsAreNamed() throws {
    func table(_ columns: String) -> ResultTable {
      ResultTable("pull", of: "measurement", key: "place", columns: columns)
    }
    let database = try RunDatabase.open(in: folder.url, graphHash: "g")
    try database.write {
      try $0.execute(
        sql: """
          \(table("place INTEGER NOT NULL, value REAL NOT NULL").definition)
          """)
    }
    let study = try DatabaseQueue()
    let now = table("place INTEGER NOT NULL, value REAL NOT NULL, weight REAL NOT NULL")
    try study.write { database in
      try database.execute(sql: "CREATE TABLE run (id TEXT PRIMARY KEY); \(now.studyDefinition)")
    }
    let reader = try #require(try RunDatabase.read(in: folder.url))
    expectFailure("its table pull is of another version of kglab") {
      try study.write { try now.copy("k", from: reader, as: "r", to: $0) }
    }
  }

  @Test func finishedEvaluationsAreReadBack() throws {
    let fixture = try Fixture(TestGraph.tiny)
    let first = try evaluate(fixture, in: folder, options(sampled: [1]))
    let before = try bytes(folder)
    #expect(try evaluate(fixture, in: folder, options(sampled: [1]), shouldStop: { true }) == first)
    #expect(try bytes(folder) == before)
    let other = try evaluate(fixture, in: folder, options(sampled: [1], seed: 1))
    #expect(other.key != first.key)
    #expect(try RunDatabase.read(in: folder.url)?.summaries() == [first, other])
  }

  @Test func everySampledAnswerIsARow() throws {
    let fixture = try Fixture(TestGraph.people(20))
    let wanted = options(sampled: [0, 1], samples: 5)
    let summary = try evaluate(fixture, in: folder, wanted)
    let expected = try fixture.evaluator(wanted).outcomes(of: 0..<60)
    let database = try #require(try RunDatabase.read(in: folder.url))
    for temperature in [0.0, 1] {
      let rows = try database.answers(
        key: summary.key, temperature: temperature, of: fixture.graph,
        vocabularySize: fixture.tokenizer.vocabularySize)
      #expect(rows.count == (temperature == 0 ? 60 : 300))
      let drawn = expected.flatMap { outcome in
        outcome.answers.filter { $0.temperature == temperature }.map { (outcome.query, $0) }
      }
      #expect(rows.map(\.query) == drawn.map(\.0))
      #expect(rows.map(\.answer) == drawn.map(\.1))
    }
    // The stored rates are those that SQL makes of the stored answers.
    let differences = try query(folder) { database in
      try Int.fetchOne(
        database,
        sql: """
          SELECT COUNT(*) FROM rate r JOIN (
            SELECT q.visibility, a.temperature, AVG(a.verdict NOT IN
              ('correct', 'correct_held_out', 'abstained')) AS share
            FROM answer a JOIN query q ON q.id = a.query_id GROUP BY 1, 2
          ) s ON s.visibility = r.visibility AND s.temperature = r.temperature
          WHERE r.method <> 'exact' AND r.group_kind = 'all' AND ABS(r.rate - s.share) < 1e-12
          """)
    }
    #expect(differences == 6)
  }

  @Test func viewsShowNames() throws {
    let fixture = try Fixture(TestGraph.tiny)
    _ = try evaluate(fixture, in: folder, options(sampled: [1], samples: 3))
    let questions = try query(folder) {
      try String.fetchAll(
        $0, sql: "SELECT DISTINCT subject || ' ' || predicate FROM answer_text ORDER BY 1")
    }
    #expect(questions == ["ann in", "ann near", "bob in", "bob near"])
    let exactCount = try query(folder) {
      try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM exact_result_text")
    }
    #expect(exactCount == 4)
    let sets = try query(folder) {
      try String.fetchAll($0, sql: "SELECT visibility FROM headline WHERE method = 'exact'")
    }
    #expect(sets.sorted() == ["fvs", "ivs", "pvs", "seen"])
    let violation = try query(folder) { try Row.fetchOne($0, sql: "PRAGMA foreign_key_check") }
    #expect(violation == nil)
    let version = try query(folder) { try Int.fetchOne($0, sql: "PRAGMA user_version") }
    #expect(version == 4)
  }

  /// Groups that came later are made of stored rows, without asking the model.
  @Test func olderTablesAreMadeAgain() throws {
    let fixture = try Fixture(TestGraph.people(20))
    let wanted = options(sampled: [0, 1], samples: 2, resamples: 20)
    let summary = try evaluate(fixture, in: folder, wanted)
    let path = folder[RunDatabase.fileName].path
    try DatabaseQueue(path: path).write { database in
      try database.execute(
        sql: """
          DELETE FROM rate WHERE group_kind NOT IN ('all', 'predicate', 'answer_count');
          UPDATE evaluation SET summary = json_remove(summary, '$.table_version');
          """)
    }
    #expect(try evaluate(fixture, in: folder, wanted, shouldStop: { true }) == summary)
    let count = try query(folder) { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM rate") }
    #expect(count == summary.rates.count)
  }

  @Test func formatsOfNoReleaseAreRefused() throws {
    let folder = try TemporaryFolder()
    do { _ = try RunDatabase.open(in: folder.url, graphHash: "a") }
    let path = folder[RunDatabase.fileName].path
    for (version, words) in [(2, "no release"), (-1, "no release"), (9, "newer kglab")] {
      try DatabaseQueue(path: path).write {
        try $0.execute(sql: "PRAGMA user_version = \(version)")
      }
      #expect {
        _ = try RunDatabase.open(in: folder.url, graphHash: "a")
      } throws: { "\($0)".contains(words) && "\($0)".contains(path) }
    }
  }

  @Test func anotherProgramsFileIsRefused() throws {
    let path = folder[RunDatabase.fileName].path
    try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE other (x)") }
    expectFailure("another program", path) { try RunDatabase.open(in: folder.url, graphHash: "g") }
  }

  @Test func unreadableFilesAreRefused() throws {
    let path = folder[RunDatabase.fileName].path
    try Data(repeating: 7, count: 4_096).write(to: URL(fileURLWithPath: path))
    expectFailure("is not an SQLite file") { try RunDatabase.open(in: folder.url, graphHash: "g") }
  }

  @Test func anotherGraphIsRefused() throws {
    do { _ = try RunDatabase.open(in: folder.url, graphHash: "a") }
    expectFailure("another graph") { try RunDatabase.open(in: folder.url, graphHash: "b") }
  }

  @Test func oneWriterAtATime() throws {
    let first = try RunDatabase.open(in: folder.url, graphHash: "a")
    expectFailure("another process") { try RunDatabase.open(in: folder.url, graphHash: "a") }
    withExtendedLifetime(first) {}
  }
}
