import Foundation
import Testing

/// Audits, kept checkpoints, divergence and refusal of what cannot fit, from the command line.
@Suite struct SafetyTests {
  private static let training = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "6", "--tokens-per-step", "128", "--seed",
    "5", "--workers", "2",
  ]

  private func train(_ workspace: Workspace, _ more: String...) throws -> CommandResult {
    try Command(Self.training + more, in: workspace.url).run()
  }

  @Test func anAuditKillsAndProvesTheSameBytes() throws {
    let workspace = try TrainedRun.graph()
    let result = try train(
      workspace, "--out", "run", "--keep-steps", "log", "--audit-resume", "3", "--json")
    #expect(result.end == .exited(0), "\(result.messages)")
    let audit = try #require(try result.json() as? [String: Any])
    let kills = try #require(audit["kills"] as? [[String: Any]])
    #expect(kills.count == 3)
    #expect(kills.compactMap { $0["workers"] as? Int } == [1, 2, 1])
    #expect(kills.contains { ($0["at"] as? String)?.hasPrefix("saving:") ?? false })
    let steps = try #require(audit["steps"] as? Int)
    for kill in kills {
      let at = try #require((kill["at"] as? String)?.split(separator: ":").last.flatMap { Int($0) })
      let from = try #require(kill["continued_from"] as? Int)
      #expect((0...at).contains(from) && at <= steps)
    }
    #expect(kills.contains { ($0["continued_from"] as? Int ?? 0) > 0 })
    #expect(audit["reference_sessions"] as? Int == 1)
    let equal = try #require(audit["equal_files"] as? [String])
    #expect(equal.contains("model.safetensors") && equal.contains("metrics.jsonl"))
    #expect(equal.contains("kept/step-000000004/model.safetensors"))
    let hash = try workspace.hash("run/model.safetensors")
    #expect(audit["weights_sha256"] as? String == hash)
    #expect(!workspace.exists("run/audit") && !workspace.exists("run/checkpoints"))
    // Of a run that is there already, it audits that one; the verdict for people ends as every command.
    let again = try train(
      workspace, "--out=run", "--keep-steps", "log", "--audit-resume=1")
    again.expectSuccess(wrote: "run")
    #expect(again.text.contains("kill  killed"))
    #expect(again.lines.contains { $0.hasPrefix("equal          ") })
    #expect(try workspace.hash("run/model.safetensors") == hash)
  }

  @Test func anAuditSaysWhatDiffers() throws {
    let workspace = try TrainedRun.graph()
    try train(workspace, "--out", "run").expectSuccess(wrote: "run")
    // Another result than this training has, in a folder that is whole in itself.
    var weights = try Data(contentsOf: workspace["run/model.safetensors"])
    weights[weights.count - 1] ^= 1
    let old = try workspace.hash("run/model.safetensors")
    try weights.write(to: workspace["run/model.safetensors"])
    let record = try String(contentsOf: workspace["run/run.json"], encoding: .utf8)
    try workspace.write(
      record.replacingOccurrences(of: old, with: workspace.hash("run/model.safetensors")),
      to: "run/run.json")
    let result = try train(workspace, "--out", "run", "--audit-resume", "1")
    result.expectFailure(
      1, mentions: ["killed 1 times", "model.norm.weight differs first, at value 15", "run/audit"])
    #expect(workspace.exists("run/audit/run/model.safetensors"))
  }

  @Test func anAuditStopsOnASignalWithItsProcess() throws {
    let workspace = try TrainedRun.graph()
    let command = Command(
      Self.training + ["--out", "run", "--audit-resume", "50"], in: workspace.url)
    let running = try command.start()
    #expect(running.wait { workspace.exists("run/audit/run/run.json") })
    running.send(SIGTERM)
    try running.wait().expectFailure(75, mentions: ["stopped during the audit", "is complete"])
    #expect(!workspace.exists("run/audit"))
    try workspace.kglab("evaluate", "run", "--workers", "1").expectSuccess(wrote: "run/run.sqlite")
  }

  @Test func keptCheckpointsAreEvaluatedByStep() throws {
    let workspace = try TrainedRun.graph()
    let trained = try train(workspace, "--out", "run", "--keep-steps", "0,2", "--keep-epochs", "6")
    trained.expectSuccess(wrote: "run")
    #expect(
      trained.lines.contains {
        $0.hasPrefix("kept           weights of 3 steps in run/kept: 0, 2, ")
      })
    var rates: [Double] = []
    for step in ["0", "2"] {
      let result = try workspace.kglab("evaluate", "run", "--checkpoint", step, "--json")
      #expect(result.end == .exited(0), "\(result.messages)")
      let summary = try #require(try result.json() as? [String: Any])
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
    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: workspace["run/run.json"]))
        as? [String: Any])
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
    let dry = try Command(huge + ["--lanes", "256", "--dry-run"], in: workspace.url).run()
    dry.expectSuccess(wrote: nil)
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
