import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import Study
import TestSupport
import Testing

/// A study's folder whose files were damaged, lost or replaced.
@Suite struct StudyRecoveryTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a\tlikes\tx\nb\tlikes\ty\nc\tlikes\tx\n", to: "facts.tsv")
    try folder.write(
      """
      name: small
      graph: {import: facts.tsv, seed: 1}
      models: [{sizes: [3k], epochs: [2]}]
      evaluation: {samples: 1, resamples: 10}
      """, to: "study.yaml")
  }

  private func runner() throws -> StudyRunner {
    try StudyRunner(file: .read(folder["study.yaml"]), folder: out)
  }

  @discardableResult
  private func run() throws -> ExecutionSummary { try runner().run() }

  @Test(arguments: ["", "{", "gone", #"{"format_version": 1}"#])
  func aPlanThatCannotBeReadIsWrittenAnewAndAllWorkIsKept(plan: String) throws {
    try run()
    let file = out.appendingPathComponent("plan.json")
    let before = try Data(contentsOf: file)
    if plan == "gone" {
      try FileManager.default.removeItem(at: file)
    } else {
      try Data(plan.utf8).write(to: file)
    }
    let again = try run()
    #expect(again.reusedCount == 3)
    #expect(try Data(contentsOf: file) == before)
  }

  @Test func recordsThatCannotBeReadCostTheirTaskAlone() throws {
    try run()
    let tasks = out.appendingPathComponent("tasks")
    let record = try #require(
      try FileManager.default.contentsOfDirectory(atPath: tasks.path).first {
        $0.hasPrefix("evaluate")
      })
    try Data("{".utf8).write(to: tasks.appendingPathComponent(record))
    #expect(try run().reusedCount == 2)
    #expect(try run().reusedCount == 3)
  }

  /// Another graph, or one with a cell changed, is not what the task made.
  @Test(arguments: [true, false])
  func aGraphThatWasReplacedOrEditedIsMadeAnew(isReplaced: Bool) throws {
    try run()
    let name = try #require(
      try FileManager.default.contentsOfDirectory(
        atPath: out.appendingPathComponent("graphs").path
      ).first { !$0.hasPrefix(".") })
    let file = out.appendingPathComponent("graphs/\(name)/graph.sqlite")
    let before = try Data(contentsOf: file)
    if isReplaced {
      try folder.write("p\tq\tr\ns\tq\tr\n", to: "other.tsv")
      _ = try TripleImporter(name: "other").write([folder["other.tsv"]], to: file, overwrite: true)
    } else {
      try DatabaseQueue(path: file.path).write {
        try $0.execute(sql: "UPDATE entity SET name = 'z' WHERE name = 'x'")
      }
    }
    #expect(try Data(contentsOf: file) != before)
    let again = try run()
    #expect(again.reusedCount == 2, "what was trained on the right graph is kept")
    #expect(try Data(contentsOf: file) == before)
  }

  @Test func resultsThatWereRemovedAreMeasuredAgain() throws {
    try run()
    let models = out.appendingPathComponent("models")
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: models.path).first { !$0.hasPrefix(".") })
    let file = models.appendingPathComponent("\(name)/run.sqlite")
    try DatabaseQueue(path: file.path).write { try $0.execute(sql: "DELETE FROM evaluation") }
    #expect(try run().reusedCount == 2)
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    #expect(try !results.rows("SELECT * FROM rate").isEmpty)
  }

  @Test func aStudyOfMillionsOfModelsIsRefusedWithTheNumber() throws {
    let numbers = (1...1_000).map(String.init).joined(separator: ", ")
    try folder.write(
      """
      name: small
      graph: {import: facts.tsv, seed: 1}
      models: [{sizes: [3k, 10k], epochs: [\(numbers)], seeds: [\(numbers)]}]
      """, to: "study.yaml")
    expectFailure("2m models", "10000") { try runner() }
  }
}
