import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// What can be asked of a finished run, by the commands a user types.
@Suite struct EvaluationCommandTests {
  @Test func ratesOfGroupsAndCandidates() throws {
    let workspace = try TrainedRun.workspace()
    let result = try workspace.kglab(
      "evaluate", "run", "--top-k", "5", "--top-p", "0.9", "--candidates", "4", "--by",
      "popularity,exposure", "--workers", "1"
    ).expectSuccess(wrote: "run/run.sqlite")
    #expect(result.text.contains("drawing from the 5 likeliest tokens, then"))
    #expect(result.text.contains("popularity"))
    #expect(result.text.contains("mean 1/rank"))
    let summary = try workspace.json(["evaluate", "run", "--candidates", "4", "--workers", "1"])
    let grades = try #require(summary["grades"] as? [[String: Any]])
    #expect(grades.contains { $0["group_kind"] as? String == "popularity" })
    let wrong = try workspace.kglab("evaluate", "run", "--by", "popularty")
    wrong.expectFailure(64, mentions: ["popularty", "popularity"])
    try workspace.kglab("evaluate", "run", "--top-p", "0").expectFailure(64, mentions: ["top-p"])
    try workspace.kglab("evaluate", "run", "--candidates", "0")
      .expectFailure(64, mentions: ["candidates is 0"])
  }

  @Test func knowledgeIsMeasuredOnce() throws {
    let workspace = try TrainedRun.workspace()
    let first = try workspace.kglab("knowledge", "run", "--workers", "1").expectSuccess(
      wrote: "run/run.sqlite")
    for word in ["stored", "memorised", "bound", "reversal", "Brier", "reliability"] {
      #expect(first.text.contains(word), "\(word)")
    }
    let hash = try workspace.hash("run/run.sqlite")
    #expect(try workspace.kglab("knowledge", "run", "--workers", "2").text == first.text)
    #expect(try workspace.hash("run/run.sqlite") == hash)
    let summary = try workspace.json(["knowledge", "run"])
    #expect((summary["stored_bits"] as? [Any])?.isEmpty == false)
    try workspace.kglab("knowledge", "run", "--bins", "0").expectFailure(64, mentions: ["--bins"])
  }

  @Test func lifelinesNeedKeptCheckpoints() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.kglab("lifeline", "run", "--all")
      .expectFailure(65, mentions: ["keeps no checkpoint", "--keep-steps"])
    try workspace.kglab("lifeline", "run").expectFailure(64, mentions: ["--fact", "--all"])
    try workspace.kglab(TrainedRun.training + ["--keep-steps", "log", "--out", "kept"])
      .expectSuccess(wrote: "kept")
    let all = try workspace.kglab("lifeline", "kept", "--all", "--workers", "1").expectSuccess(
      wrote: "kept/run.sqlite")
    #expect(all.text.contains("median learned step"))
    let name = try workspace.subject()
    let one = try workspace.kglab("lifeline", "kept", "--fact", name, "born in").expectSuccess(
      wrote: "kept/run.sqlite")
    #expect(one.text.contains("P(true)"))
    let summary = try workspace.json(["lifeline", "kept", "--fact", name, "born in"])
    #expect((summary["facts"] as? [Any])?.count == 1)
    try workspace.kglab("lifeline", "kept", "--fact", name, "born im")
      .expectFailure(65, mentions: ["born im", "did you mean", "born in"])
  }

  /// What a command says to run next ends well, with checkpoints to follow facts through and
  /// without.
  @Test func whatIsNextCanBeRun() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.prepare([TrainedRun.training + ["--keep-steps", "1", "--out", "kept"]])
    let name = try workspace.subject()
    let detection = ["--kind", "head", "--task", "sentence", "--workers", "1"]
    let commands = [
      ["knowledge", "run"], ["knowledge", "kept"], ["explain", "run", name, "born in"],
      ["explain", "kept", name, "born in"], ["lifeline", "kept", "--all"],
      ["lifeline", "kept", "--fact", name, "born in"], ["batches", "run", "--steps", "1"],
      ["detect", "train", "kept"] + detection, ["detect", "train", "run"] + detection,
      ["evaluate", "kept", "--workers", "1"], ["compare", "run", "kept"],
    ]
    for command in commands {
      let next = try workspace.kglab(command).expectSuccess(wrote: nil).nextWords
      let result = try workspace.kglab(next)
      #expect(result.end == .exited(0), "\(command), \(next): \(result.messages)")
    }
  }

  @Test func answersAreExplainedAndRunsCompared() throws {
    let workspace = try TrainedRun.workspace()
    let name = try workspace.subject()
    let explained = try workspace.kglab("explain", "run", name, "born in").expectSuccess(wrote: nil)
    for word in ["true answers", "exposures", "embedding", "detectors"] {
      #expect(explained.text.contains(word), "\(word)")
    }
    let explanation = try workspace.json(["explain", "run", name, "born in"])
    #expect((explanation["lens"] as? [Any])?.isEmpty == false)
    try workspace.kglab(TrainedRun.training + ["--seed", "5", "--out", "other"]).expectSuccess(
      wrote: "other")
    try workspace.kglab("compare", "run", "other")
      .expectFailure(65, mentions: ["other", "not evaluated"])
    try workspace.kglab("evaluate", "other", "--workers", "1")
      .expectSuccess(wrote: "other/run.sqlite")
    let compared = try workspace.kglab("compare", "run", "other").expectSuccess(wrote: nil)
    #expect(compared.text.contains("McNemar"))
    let comparison = try workspace.json(["compare", "run", "other"])
    #expect(comparison["answer"] as? String == "greedy")
  }
}
