import Foundation
import GRDB
import TestSupport
import Testing

/// Folders written by the first release open, and results are found under the ids they had.
///
/// Fixtures/first-release.sh made them.
@Suite struct FirstReleaseTests {
  private static func folder() throws -> TemporaryFolder {
    let workspace = try TemporaryFolder()
    let archive = Repository.file("Tests/IntegrationTests/Fixtures/first-release.tar.gz").path
    let end = try runProgram(
      "tar", "-xzf", archive, "--strip-components=1", "-C", workspace.url.path)
    try #require(end == 0)
    return workspace
  }

  /// Rows of a run's tables of results.
  private func counts(_ workspace: TemporaryFolder) throws -> [String: Int] {
    let database = try DatabaseQueue(path: workspace["run/run.sqlite"].path)
    return try database.read { database in
      let tables = [
        "evaluation", "rate", "detection", "detector", "knowledge", "lifeline", "fact_lifeline",
        "answer",
      ]
      return Dictionary(
        uniqueKeysWithValues: try tables.map { table in
          let rows = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \(table)")
          return (table, rows ?? -1)
        })
    }
  }

  @Test(arguments: [
    (
      ["evaluate", "run", "--samples", "2"],
      "333001eabaffca4d549c2347dd72360cc3eb84b5b0a6226580e3d19302845fa9"
    ),
    (["knowledge", "run"], "835a78363ff6327eb2dc8a28d6d0f2c68921d47ef7d385354c52bf407bd722bd"),
    (
      ["lifeline", "run", "--all"],
      "37f6901f881dbd3f673d9892335310a7eb2bc2838037232909a50d836389c04f"
    ),
  ])
  func storedResultsKeepTheirIds(arguments: [String], key: String) throws {
    let workspace = try Self.folder()
    let before = try counts(workspace)
    let result = try Command(arguments + ["--workers", "1", "--json"], in: workspace.url).run()
    #expect(result.end == .exited(0), "\(result.messages)")
    let value = try #require(try result.json() as? [String: Any])
    #expect(value["key"] as? String == key)
    #expect(try counts(workspace) == before, "nothing is computed again")
  }

  @Test func itsModelsLoadWithTheSameHashes() throws {
    let workspace = try Self.folder()
    let weights = "weights 1f56c1f45dee"
    let exported = try workspace.kglab("export-model", "run", "--out", "again")
    exported.expectSuccess(wrote: "again")
    #expect(exported.text.contains(weights), "\(exported.text)")
    let imported = try workspace.kglab(
      "import-model", "model", "--graph", "graph.sqlite", "--out", "imported")
    imported.expectSuccess(wrote: "imported")
    let detectors = try workspace.names(in: "run/detectors").filter {
      $0.hasPrefix("sentence-linear")
    }
    let folder = "run/detectors/" + (try #require(detectors.first { !$0.contains("/") }))
    let scored = try workspace.kglab("detect", "score", folder, "--workers", "1")
    #expect(scored.end == .exited(0), "\(scored.messages)")
    let trained = try workspace.kglab(
      "train", "graph.sqlite", "--size", "3k", "--epochs", "20", "--tokens-per-step", "128",
      "--workers", "1", "--keep-epochs", "10", "--step-metrics", "--out", "run")
    #expect(
      trained.text.contains(weights), "a finished run is returned as it is: \(trained.messages)")
  }

  @Test func itsStudyIsDoneAlready() throws {
    let workspace = try Self.folder()
    let result = try workspace.kglab("study", "run", "study.yaml", "--out", "study", "--json")
    #expect(result.end == .exited(0), "\(result.messages)")
    let value = try #require(try result.json() as? [String: Any])
    // All but the detection, whose scores have another version: one of them was mended.
    #expect(value["reused"] as? Int == 3)
    let tasks = try #require(value["tasks"] as? [[String: Any]])
    #expect(
      tasks.map { $0["id"] as? String } == [
        "tiny-372939a045", "3k-e2-s0-d11d1c5692", "evaluate-d4b89b7804", "detect-df7b9193bc",
        "report-f163010e53",
      ])
    let status = try workspace.kglab("study", "status", "study")
    #expect(status.text.contains("5 done"), "\(status.text)")
  }
}
