import Foundation
import GRDB
import TestSupport
import Testing

/// A study that several processes do, beside one that one process does.
@Suite struct StudyPartCommandTests {
  /// The smoke study's own, smaller: two models, the detection of one of which reads the other.
  private static let study = """
    name: parts
    graph: {schema: SCHEMA, seed: 1}
    training: {tokens_per_step: 128, lanes: 2}
    models: {sizes: [3k, 6k], epochs: [3]}
    evaluation: {samples: 2, resamples: 20}
    detection: {sizes: [3k], tasks: [sentence], kinds: [full], full: [6k-pretrained], full_epochs: 1, samples: 2, resamples: 20}
    """

  private func workspace() throws -> TemporaryFolder {
    let workspace = try TemporaryFolder()
    try workspace.write(
      Self.study.replacing("SCHEMA", with: TrainedRun.schema), to: "study.yaml")
    return workspace
  }

  /// study.sqlite of a study without what was timed and weighed, which no two runs have alike.
  private func results(_ workspace: TemporaryFolder, _ study: String) throws -> Data {
    let file = workspace["\(study)/study.sqlite"]
    let queue = try DatabaseQueue(path: file.path)
    try queue.write {
      try $0.execute(
        sql: "UPDATE run SET seconds = NULL, tokens_per_second = NULL, peak_memory_mib = NULL")
    }
    try queue.vacuum()
    try queue.close()
    return try Data(contentsOf: file)
  }

  @Test func twoProcessesGiveTheBytesOfOne() throws {
    let workspace = try workspace()
    func run(_ out: String, _ words: String...) -> Command {
      Command(["study", "run", "study.yaml", "--out", out] + words, in: workspace.url)
    }
    try run("whole").run().expectEnd()
    try workspace.refuse(
      ["study", "run", "study.yaml", "--out", "parts", "--task-index", "2"],
      mentions: ["parts", "no plan.json"])
    try run("parts", "--prepare").run().expectEnd()
    // Nothing is trained yet.
    try run("parts", "--task-index", "3,6").run().expectFailure(
      66, mentions: ["2 of 2 tasks cannot be done yet", "needs 'train 3k, 3 epochs'"])
    let (first, second) = (
      try run("parts", "--task-index", "2-3").start(),
      try run("parts", "--task-index", "4,5").start()
    )
    try first.wait().expectEnd()
    try second.wait().expectEnd()
    try run("parts", "--merge").run().expectFailure(1, mentions: ["lacks 1 of 6 tasks: detect 3k"])
    let table = try workspace.kglab("study", "export", "study.yaml", "--out", "parts")
    #expect(table.lines.count == 2 && table.lines[1].hasPrefix("6\t1\t1\tdetect-"), "\(table.text)")
    try run("parts", "--model-index", "1").run().expectEnd()
    try run("parts", "--merge").run().expectEnd()
    #expect(try results(workspace, "parts") == results(workspace, "whole"))

    try workspace.write(
      workspace.text("study.yaml").replacing("epochs: [3]", with: "epochs: [4]"), to: "study.yaml")
    try run("parts", "--model-index", "1").run().expectFailure(
      65, mentions: ["parts/plan.json is of another study file", "--prepare"])
    try run("parts", "--model-index", "1", "--plan", "0123456789").run().expectFailure(
      65, mentions: ["not 0123456789", "export again"])
  }

  /// One is killed at work; the others end what it had begun, by the system's locks or by touched
  /// files.
  @Test(arguments: ["system", "files"]) func workersEndWhatAKilledOneBegan(locks: String) throws {
    let workspace = try workspace()
    func worker() -> Command {
      var command = Command(["study", "work", "study.yaml", "--out", "work"], in: workspace.url)
      command.environment = ["KGLAB_LOCKS": locks]
      return command
    }
    let killed = try worker().start()
    let hasBegun = killed.wait {
      (try? workspace.names(in: "work").contains { $0.hasSuffix("/run.json") }) ?? false
    }
    #expect(hasBegun)
    killed.send(SIGKILL)
    _ = try killed.wait()
    let others = [try worker().start(), try worker().start()]
    for other in others {
      let result = try other.wait()
      result.expectEnd()
      #expect(
        result.messages.contains(
          locks == "files" ? "locks: by touched files" : "locks: by the file system"))
    }
    try workspace.kglab("study", "run", "study.yaml", "--out", "whole").expectEnd()
    #expect(try results(workspace, "work") == results(workspace, "whole"))
    let names = try workspace.names(in: "work")
    #expect(names.contains { $0.contains(".claim-") } == (locks == "files"))
  }
}
