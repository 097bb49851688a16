import Foundation
import TestSupport
import Testing

/// Kept checkpoints, divergence and refusal of what cannot fit, from the command line.
@Suite struct SafetyTests {
  private static let training = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "6", "--tokens-per-step", "128", "--seed",
    "5", "--workers", "2",
  ]

  private func train(_ workspace: TemporaryFolder, _ more: String...) throws -> CommandResult {
    try workspace.kglab(Self.training + more)
  }

  @Test func keptCheckpointsAreEvaluatedByStep() throws {
    let workspace = try TrainedRun.graph()
    let trained = try train(workspace, "--out", "run", "--keep-steps", "0,2", "--keep-epochs", "6")
      .expectSuccess(wrote: "run")
    #expect(
      trained.lines.contains {
        $0.hasPrefix("kept           weights of 3 steps in run/kept: 0, 2, ")
      })
    var rates: [Double] = []
    for step in ["0", "2"] {
      let summary = try workspace.json("evaluate", "run", "--checkpoint", step)
      #expect(summary["checkpoint_step"] as? Int == Int(step))
      let first = try #require((summary["rates"] as? [[String: Any]])?.first)
      rates.append(try #require(first["rate"] as? Double))
    }
    // Before training nearly every answer is hallucinated, and two steps change that.
    #expect(rates[0] > 0.99 && rates[0] != rates[1])
    let whole = try workspace.kglab("evaluate", "run", "--json").json() as? [String: Any]
    #expect(whole?["rates"] != nil && whole?["checkpoint_step"] == nil)
    try workspace.kglab("evaluate", "run", "--checkpoint", "3")
      .expectFailure(65, mentions: ["run keeps no checkpoint of step 3; it has 0, 2, "])
    let asked = try workspace.kglab("ask", "run", "club-01", "born in", "--checkpoint", "2")
    #expect(asked.end == .exited(0) || asked.messages.contains("no entity"), "\(asked.messages)")
    try workspace.truncate("run/kept/step-000000002/model.safetensors")
    try workspace.kglab("evaluate", "run", "--checkpoint", "2").expectFailure(
      65, mentions: ["run/kept/step-000000002/model.safetensors", "expects SHA-256", "restore"])
  }

  @Test func aDivergedRunSaysSoFromThenOn() throws {
    let workspace = try TrainedRun.graph()
    let options = [
      "--out", "run", "--learning-rate", "5", "--clip-norm", "0", "--warm-up-share", "0.5",
      "--checkpoint-steps", "1", "--epochs", "20",
    ]
    let command = Command(Self.training + options, in: workspace.url)
    let result = try command.run()
    result.expectFailure(
      1, mentions: ["training diverged at step", "--learning-rate (now 5.0)", "checkpoints/step-"])
    let record = try workspace.object("run/run.json")
    #expect(record["status"] as? String == "diverged")
    let divergence = try #require(record["divergence"] as? [String: Any])
    #expect((divergence["step"] as? Int ?? 0) > 10)
    try command.run().expectFailure(
      1, mentions: ["run holds a run that diverged", "another --out"])
    try workspace.kglab("evaluate", "run")
      .expectFailure(65, mentions: ["has no final weights", "diverged at step"])
  }

  /// Nothing has so much memory or disk.
  @Test func whatNoMachineHasIsRefused() throws {
    let workspace = try TrainedRun.graph()
    let names = try workspace.names()
    let huge = ["train", "graph.sqlite", "--size", "1.6b", "--epochs", "1000", "--out", "run"]
    let lanes = Command(huge + ["--lanes", "256"], in: workspace.url)
    try lanes.run().expectFailure(
      1, mentions: ["TiB of memory", "MemAvailable", "--size", "--skip-resource-check"])
    let kept = Command(huge + ["--keep-epochs", "all"], in: workspace.url)
    try kept.run().expectFailure(
      1, mentions: ["TiB on disk in", "1000 kept checkpoints", "keep fewer", "--out"])
    let dry = try workspace.kglab(huge + ["--lanes", "256", "--dry-run"]).expectSuccess(wrote: nil)
    #expect(dry.lines.contains { $0.hasPrefix("needs          about ") })
    #expect(dry.lines.contains { $0.hasPrefix("does not fit here: this training needs about ") })
    #expect(try workspace.names() == names)
  }

  @Test func wrongListsAreNamed() throws {
    let workspace = try TrainedRun.graph()
    try train(workspace, "--out", "run", "--keep-steps", "lgo")
      .expectFailure(64, mentions: ["--keep-steps 'lgo'", "neither 'log' nor a number"])
    try train(workspace, "--out", "run", "--keep-epochs", "7")
      .expectFailure(64, mentions: ["epoch 7", "6 epochs"])
    try train(workspace, "--out", "run", "--keep-last", "0")
      .expectFailure(64, mentions: ["--keep-last is 0"])
    #expect(try workspace.names() == ["graph.sqlite"])
  }
}
