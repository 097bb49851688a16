import Foundation
import LabCore
import TestSupport
import Testing

/// A training that is ended from outside, and the same command given again.
@Suite struct InterruptionTests {
  private static let options = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "30", "--tokens-per-step", "64",
    "--seed", "5",
  ]
  private static let results = [
    "config.json", "generation_config.json", "metrics.jsonl", "model.safetensors", "tokenizer.json",
  ]

  private func train(
    _ workspace: TemporaryFolder, out: String, workers: Int, checkpoints: Bool = true
  ) -> Command {
    let frequency = checkpoints ? ["--checkpoint-steps", "2"] : []
    return Command(
      Self.options + ["--out", out, "--workers", "\(workers)"] + frequency, in: workspace.url)
  }

  /// Trains once without being disturbed; returns the number of steps.
  private func trainWhole(_ workspace: TemporaryFolder) throws -> Int {
    try train(workspace, out: "whole", workers: 2, checkpoints: false).run()
      .expectSuccess(wrote: "whole")
    return try #require(workspace.object("whole/run.json")["steps"] as? Int)
  }

  /// Holds a run that was interrupted to the one that was not.
  private func expectEqualRuns(_ workspace: TemporaryFolder, _ run: String) throws {
    for name in Self.results {
      #expect(try workspace.hash("\(run)/\(name)") == workspace.hash("whole/\(name)"), "\(name)")
    }
    #expect(try workspace.names(in: run) == workspace.names(in: "whole"), "something is left over")
  }

  /// The step that the first line of progress names.
  private func firstStep(_ result: CommandResult) -> Int? {
    result.messageLines.first { $0.hasPrefix("step ") }?
      .dropFirst(5).split(separator: "/").first.flatMap { Int($0) }
  }

  @Test func killedAtAnyMomentARunEndsWithTheSameBytes() throws {
    let workspace = try TrainedRun.graph()
    let stepCount = try trainWhole(workspace)
    #expect(stepCount >= 300)
    var random = Seed(11).stream("moments")
    var killed = 0
    // While it starts, whatever it is doing then.
    for _ in 0..<3 {
      let running = try train(workspace, out: "run", workers: 1).start()
      Thread.sleep(forTimeInterval: 0.15 * random.uniform())
      running.send(SIGKILL)
      if try running.wait().end == .killed(signal: SIGKILL) { killed += 1 }
    }
    // While it trains or writes a checkpoint, at four places of the run.
    for part in 0..<4 {
      let moment = (part * stepCount + random.below(stepCount)) / 5
      let delay = 0.02 * random.uniform()
      let before = workspace.checkpointStep(of: "run")
      let running = try train(workspace, out: "run", workers: 1 + part % 2).start()
      let isThere = running.wait { (workspace.checkpointStep(of: "run") ?? -1) >= moment }
      #expect(isThere, "the run ended before step \(moment)")
      Thread.sleep(forTimeInterval: delay)
      running.send(SIGKILL)
      let result = try running.wait()
      if result.end == .killed(signal: SIGKILL) { killed += 1 }
      if let before, let first = firstStep(result) {
        #expect(first == before + 1, "it continues from the newest checkpoint")
      }
    }
    #expect(killed >= 5, "too many runs ended by themselves")
    try train(workspace, out: "run", workers: 2).run().expectSuccess(wrote: "run")
    try expectEqualRuns(workspace, "run")
  }

  @Test func signalsSaveAndTheSameCommandContinues() throws {
    let workspace = try TrainedRun.graph()
    let stepCount = try trainWhole(workspace)
    for (index, signal) in [SIGTERM, SIGINT].enumerated() {
      let moment = stepCount / 6 * (1 + 2 * index)
      let running = try train(workspace, out: "run", workers: 1 + index).start()
      let isThere = running.wait { (workspace.checkpointStep(of: "run") ?? -1) >= moment }
      #expect(isThere)
      running.send(signal)
      let result = try running.wait()
      result.expectFailure(
        75, mentions: ["stopped at step", "of \(stepCount)", "run the same command again"])
      let saved = try #require(workspace.checkpointStep(of: "run"))
      #expect(result.messages.contains("stopped at step \(saved) of "))
      #expect(saved >= moment)
    }
    // Neither finished nor usable in the meantime, and it says so.
    try workspace.kglab("evaluate", "run")
      .expectFailure(65, mentions: ["run", "has not finished training", "kglab train"])
    try train(workspace, out: "run", workers: 1).run().expectSuccess(wrote: "run")
    try expectEqualRuns(workspace, "run")
  }

  /// `timeout` and schedulers signal a process and then its group: that is one wish to stop, not
  /// two.
  @Test func twoSignalsAtOnceSaveAsOneDoes() throws {
    let workspace = try TrainedRun.graph()
    let running = try train(workspace, out: "run", workers: 2).start()
    #expect(running.wait { (workspace.checkpointStep(of: "run") ?? -1) >= 4 })
    running.send(SIGTERM)
    running.send(SIGINT)
    let result = try running.wait()
    result.expectFailure(75, mentions: ["stopped at step", "run the same command again"])
  }

  /// Named on standard error, set aside, and made good by the one before it.
  @Test func aDamagedCheckpointCostsStepsAndNothingElse() throws {
    let workspace = try TrainedRun.graph()
    let stepCount = try trainWhole(workspace)
    let running = try train(workspace, out: "run", workers: 1).start()
    #expect(running.wait { (workspace.checkpointStep(of: "run") ?? -1) >= stepCount / 2 })
    running.send(SIGTERM)
    _ = try running.wait()
    let step = try #require(workspace.checkpointStep(of: "run"))
    let digits = String(step)
    let name = "step-" + String(repeating: "0", count: 9 - digits.count) + digits
    try workspace.truncate("run/checkpoints/\(name)/optimizer.safetensors")
    let result = try train(workspace, out: "run", workers: 2).run().expectSuccess(wrote: "run")
    let warnings = result.messageLines.filter { $0.hasPrefix("warning: ") }
    #expect(warnings.count == 1)
    #expect(
      warnings.first?.contains("checkpoints/\(name)/optimizer.safetensors is truncated") == true)
    #expect(warnings.first?.contains("training continues from step ") == true)
    #expect(try #require(firstStep(result)) > 1, "it continues from the checkpoint before")
    try expectEqualRuns(workspace, "run")
  }

  /// Every long command ends with 75 when asked to stop, and the same command ends as if it had not
  /// been.
  @Test(arguments: [
    ["evaluate", "run", "--samples", "256", "--workers", "1", "--seed", "4"],
    ["detect", "run", "--samples", "32", "--heads", "linear", "--workers", "1", "--seed", "4"],
  ])
  func evaluationAndDetectionStopOnSignals(arguments: [String]) throws {
    let workspace = try TrainedRun.workspace()
    let command = Command(arguments, in: workspace.url)
    let before = try workspace.hash("run/run.sqlite")
    try workspace.remove("run/.lock")
    let running = try command.start()
    // It locks the folder before it works.
    #expect(running.wait { workspace.exists("run/.lock") })
    running.send(SIGTERM)
    running.send(SIGTERM)
    let result = try running.wait()
    result.expectFailure(75, mentions: ["stopped", "run the same command again to continue"])
    try command.run().expectEnd()
    #expect(try workspace.hash("run/run.sqlite") != before)
  }

  @Test func aStudyStopsOnASignal() throws {
    let workspace = try TemporaryFolder()
    let smoke = Repository.file("experiments/smoke").path
    let command = workspace.command("study", "run", smoke, "--out", "smoke")
    let running = try command.start()
    #expect(running.wait { workspace.exists("smoke/plan.json") })
    running.send(SIGTERM)
    try running.wait()
      .expectFailure(75, mentions: ["tasks done", "run the same command again to continue"])
    try command.run().expectEnd()
    #expect(workspace.exists("smoke/report.html"))
  }

  /// A signal that comes while the graph is read is heard before the first step.
  @Test func aSignalBeforeTheFirstStepStops() throws {
    let workspace = try TrainedRun.graph()
    for _ in 0..<3 {
      let running = try train(workspace, out: "run", workers: 1, checkpoints: false).start()
      #expect(running.wait { workspace.exists("run/.lock") })
      running.send(SIGINT)
      let result = try running.wait()
      result.expectFailure(75, mentions: ["stopped at step", "run the same command again"])
      try? workspace.remove("run")
    }
  }

  @Test func aSecondWriterIsRefused() throws {
    let workspace = try TrainedRun.graph()
    let long = TrainedRun.training.map { $0 == "20" ? "100000" : $0 } + ["--out", "run"]
    let running = try Command(long, in: workspace.url).start()
    #expect(running.wait { workspace.exists("run/run.json") })
    try workspace.kglab(long)
      .expectFailure(1, mentions: ["run is being written by another process", "wait"])
    running.send(SIGTERM)
    #expect(try running.wait().end == .exited(75))
  }
}
