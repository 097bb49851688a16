import Evaluation
import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing

@Suite struct StudyDatabaseTests {
  private let folder: TemporaryFolder
  private var file: URL { folder["study.sqlite"] }

  init() throws { folder = try TemporaryFolder() }

  @Test func readsBackWhatWasWritten() throws {
    try SampleResults.cutAndGraded().write(to: file)
    let back = try StudyResults(file)
    #expect(back.name == "sample" && back.topK == 10 && back.topP == 0.9)
    #expect(back.graphs.map(\.fvsCount) == [30] && back.runs.map(\.size).first == "3k")
    let counts = try ["rate", "verdict", "detector", "candidate_grade"].map {
      try back.rows("SELECT count(*) FROM \($0)")[0][0] as Int
    }
    #expect(counts == [24, 54, 54, 3])
  }

  @Test func writingAgainGivesTheSameBytes() throws {
    try SampleResults.results().write(to: file)
    let first = try Data(contentsOf: file)
    try SampleResults.results().write(to: file)
    #expect(try Data(contentsOf: file) == first)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(names == ["study.sqlite"])
  }

  @Test func viewsJoinNames() throws {
    try SampleResults.results().write(to: file)
    let queue = try DatabaseQueue(path: file.path)
    try queue.read { database in
      let rate = try Double.fetchOne(
        database,
        sql: """
          SELECT rate FROM run_rate WHERE run = '30k, 100 epochs' AND visibility = 'fvs'
          """)
      #expect(rate == 0.02)
      let auroc = try Double.fetchOne(
        database,
        sql: """
          SELECT value FROM run_detector WHERE run = '3k, 100 epochs' AND detector = 'linear'
            AND task = 'sentence' AND metric = 'auroc'
          """)
      #expect(auroc == 0.8)
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 4)
      #expect(try Int.fetchOne(database, sql: "PRAGMA application_id") == 0x6B67_6C73)
    }
  }

  /// The highest AUROC on the validation part, whatever the one shown; of equals the smaller.
  @Test func theBestOfAFamilyIsChosenOnTheValidationPart() throws {
    var results = SampleResults.results()
    func heads() throws -> Set<String> {
      let rows = try results.study().rows(
        "SELECT DISTINCT name FROM best_detector WHERE family = 'head' AND task = 'sentence'")
      return Set(rows.map { $0[0] })
    }
    #expect(try heads() == ["mlp-64"])
    results["detector"] = results["detector"].map { $0.merging(["validation_auroc": 0.7]) { $1 } }
    #expect(try heads() == ["linear"])
    results["detector"] = results["detector"].map { row in
      row["name"] as? String == "linear" ? row.filter { $0.key != "validation_auroc" } : row
    }
    #expect(try heads() == ["mlp-64"])
  }

  @Test func refusesOtherFiles() throws {
    func message() -> String { failure { try StudyResults(file) } }
    #expect(message().contains("does not exist"))
    try Data("not a database at all".utf8).write(to: file)
    #expect(message().contains("cannot be read as the results of a study"))
    try FileManager.default.removeItem(at: file)
    let other = try DatabaseQueue(path: file.path)
    try other.write { try $0.execute(sql: "CREATE TABLE a (b)") }
    try other.close()
    #expect(message().contains("of another program"))
    try FileManager.default.removeItem(at: file)
    try SampleResults.results().write(to: file)
    let newer = try DatabaseQueue(path: file.path)
    try newer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 9") }
    try newer.close()
    #expect(message().contains("made by a newer kglab"))
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    try SampleResults.results().write(to: file)
    let before = try Data(contentsOf: file)
    var broken = SampleResults.results()
    broken["run"].append(broken["run"][0])
    #expect(throws: LabError.self) { try broken.write(to: file) }
    #expect(try Data(contentsOf: file) == before)
  }
}
