import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing

/// A study that is done in parts, as jobs of a batch system do it.
@Suite struct StudyPartTests {
  private let folder: TemporaryFolder
  /// Two models, the detection of one of which reads the other's weights.
  private static let study = """
    name: parts
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64, lanes: 2}
    models: {sizes: [3k, 6k], epochs: [1]}
    evaluation: {samples: 2, resamples: 20}
    detection: {sizes: [3k], kinds: [full], full: [6k-pretrained], full_epochs: 1, tasks: [sentence], samples: 4, resamples: 20}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(
    _ out: String = "out", _ text: String = StudyPartTests.study
  ) throws -> StudyRunner {
    try StudyText.runner(text, in: folder, out)
  }

  private func task(_ name: String, of runner: StudyRunner) throws -> StudyTask {
    try #require(runner.plan.tasks.first { $0.name == name }, "\(runner.plan.tasks.map(\.name))")
  }

  /// study.sqlite with what was timed and weighed, which no two runs have alike, taken out.
  private func results(_ runner: StudyRunner) throws -> Data {
    let copy = folder["results.sqlite"]
    try? FileManager.default.removeItem(at: copy)
    try FileManager.default.copyItem(at: runner.folder.database, to: copy)
    let queue = try DatabaseQueue(path: copy.path)
    try queue.write {
      try $0.execute(
        sql: "UPDATE run SET seconds = NULL, tokens_per_second = NULL, peak_memory_mib = NULL")
    }
    try queue.vacuum()
    try queue.close()
    return try Data(contentsOf: copy)
  }

  @Test func modelsAreGroupedByWhatTheyNeedFirst() throws {
    let plan = try runner().plan
    let groups = plan.groups(of: plan.tasks)
    #expect(groups.map(\.stage) == [0, 0, 0, 1])
    #expect(
      groups.map { $0.tasks.map(\.kind.rawValue) } == [
        ["generate"], ["train", "evaluate"], ["train", "evaluate"], ["detect"],
      ])
    #expect(groups[3].owner == groups[1].owner && plan.models == groups[1...2].map(\.owner))
    #expect(try plan.tasks(ofModels: [1]).map(\.number) == [2, 3, 6])
    expectFailure("models are 1 to 2") { try plan.tasks(ofModels: [3]) }
    expectFailure("tasks are 1 to 7") { try plan.tasks(numbered: [0]) }
    expectFailure("task 7 is the report") { try plan.tasks(numbered: [7]) }
  }

  /// The parts give what the whole gives, byte for byte but for times, and touch nothing that is
  /// not theirs.
  @Test func partsGiveWhatTheWholeGives() throws {
    let whole = try runner("whole")
    #expect(try whole.run().records.allSatisfy { $0.status == .done })

    let parts = try runner()
    #expect(try parts.prepare(StudyRunOptions()).records.map(\.status) == [.done])
    let plan = try Data(contentsOf: parts.folder.plan)
    func run(_ model: Int, _ expected: Int, waiting: Int = 0, reused: Int = 0) throws {
      let part = try runner()
      let summary = try part.run(
        part: part.plan.tasks(ofModels: [model]), StudyRunOptions())
      #expect(summary.records(.done).count == expected && summary.reusedCount == reused)
      #expect(summary.waiting.count == waiting, "\(summary.waiting)")
    }
    #expect(try runner().missing(StudyRunOptions()).map(\.number) == [2, 3, 4, 5, 6, 7])
    try run(1, 2, waiting: 1)
    try run(2, 2)
    #expect(try runner().missing(StudyRunOptions()).map(\.number) == [6, 7])
    try run(1, 3, reused: 2)
    #expect(try Data(contentsOf: parts.folder.plan) == plan)
    #expect(!FileManager.default.fileExists(atPath: parts.folder.database.path))
    let status = try StudyStatus(folder: parts.folder)
    #expect(status.count(.done) == 6 && status.count(.pending) == 1)

    #expect(try runner().merge(StudyRunOptions()).missing.isEmpty)
    #expect(try results(parts) == results(whole))
    #expect(try StudyStatus(folder: parts.folder).count(.done) == 7)
  }

  @Test func anotherPlanIsRefused() throws {
    expectFailure("holds no study") { try runner().run(part: [], StudyRunOptions()) }
    _ = try runner().prepare(StudyRunOptions())
    let changed = try runner("out", Self.study.replacing("epochs: [1]", with: "epochs: [2]"))
    expectFailure("it has no 'train 3k, 2 epochs'") {
      try changed.run(part: [], StudyRunOptions())
    }
    #expect(try changed.plan.id != runner().plan.id)
  }

  /// A failed task's dependants say why, as in a run of the whole study; a model that is worked on
  /// is left alone.
  @Test func failuresAndClaims() throws {
    let study = try runner()
    _ = try study.prepare(StudyRunOptions())
    let training = try task("train 6k, 1 epoch", of: study)
    try folder.write("mine", to: "out/models/\(training.id)/notes.txt")
    let second = try study.plan.tasks(ofModels: [2])
    let summary = try study.run(part: second, StudyRunOptions())
    #expect(summary.records.map(\.status) == [.failed, .skipped])
    #expect(summary.records[1].error == "needs 'train 6k, 1 epoch', which failed")
    let evaluation = try study.run(part: [second[1]], StudyRunOptions())
    #expect(evaluation.records.map(\.error) == ["needs 'train 6k, 1 epoch', which failed"])

    var record = TaskRecord(id: training.id, name: training.name, status: .running)
    record.seconds = 1
    try study.folder.journal.write(record)
    #expect(try StudyStatus(folder: study.folder).tasks[3].status == .interrupted)
    let model = folder["out/models/\(training.id)"]
    let claim = try #require(try FolderLock.ifFree(model, name: ".claim"))
    expectFailure("another process works in") { try study.run(part: second, StudyRunOptions()) }
    expectFailure("join in with 'kglab study work'") { try study.run() }
    #expect(try StudyStatus(folder: study.folder).tasks[3].status == .running)
    withExtendedLifetime(claim) {}
  }
}
