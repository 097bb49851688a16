import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// What can be asked of a finished run, by the commands a user types.
@Suite struct EvaluationCommandTests {
  private func subject(_ workspace: TemporaryFolder) throws -> String {
    let graph = try KnowledgeGraph.open(workspace["graph.sqlite"])
    let predicate = graph.predicate(named: "born in")
    let query = try #require(graph.queries.first { $0.predicate == predicate })
    return graph.entities[Int(query.subject)].name
  }

  private func json(_ workspace: TemporaryFolder, _ arguments: [String]) throws -> [String: Any] {
    let result = try Command(arguments + ["--json"], in: workspace.url).run()
    #expect(result.end == .exited(0), "\(arguments): \(result.messages)")
    return try #require(try result.json() as? [String: Any], "\(arguments)")
  }

  @Test func ratesOfGroupsAndCandidates() throws {
    let workspace = try TrainedRun.workspace()
    let result = try workspace.kglab(
      "evaluate", "run", "--top-k", "5", "--top-p", "0.9", "--candidates", "4", "--by",
      "popularity,exposure", "--workers", "1")
    result.expectSuccess(wrote: "run/run.sqlite")
    #expect(result.text.contains("drawing from the 5 likeliest tokens, then"))
    #expect(result.text.contains("popularity"))
    #expect(result.text.contains("mean 1/rank"))
    let summary = try json(workspace, ["evaluate", "run", "--candidates", "4", "--workers", "1"])
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
    let first = try workspace.kglab("knowledge", "run", "--workers", "1")
    first.expectSuccess(wrote: "run/run.sqlite")
    for word in ["stored", "memorised", "bound", "reversal", "Brier", "reliability"] {
      #expect(first.text.contains(word), "\(word)")
    }
    let hash = try workspace.hash("run/run.sqlite")
    #expect(try workspace.kglab("knowledge", "run", "--workers", "2").text == first.text)
    #expect(try workspace.hash("run/run.sqlite") == hash)
    let summary = try json(workspace, ["knowledge", "run"])
    #expect((summary["stored_bits"] as? [Any])?.isEmpty == false)
    try workspace.kglab("knowledge", "run", "--bins", "0").expectFailure(64, mentions: ["--bins"])
  }

  @Test func lifelinesNeedKeptCheckpoints() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.kglab("lifeline", "run", "--all")
      .expectFailure(65, mentions: ["keeps no checkpoint", "--keep-steps"])
    try workspace.kglab("lifeline", "run").expectFailure(64, mentions: ["--fact", "--all"])
    let trained = try Command(
      TrainedRun.training + ["--keep-steps", "log", "--out", "kept"], in: workspace.url
    ).run()
    trained.expectSuccess(wrote: "kept")
    let all = try workspace.kglab("lifeline", "kept", "--all", "--workers", "1")
    all.expectSuccess(wrote: "kept/run.sqlite")
    #expect(all.text.contains("median learned step"))
    let name = try subject(workspace)
    let one = try workspace.kglab("lifeline", "kept", "--fact", name, "born in")
    one.expectSuccess(wrote: "kept/run.sqlite")
    #expect(one.text.contains("P(true)"))
    let summary = try json(workspace, ["lifeline", "kept", "--fact", name, "born in"])
    #expect((summary["facts"] as? [Any])?.count == 1)
    try workspace.kglab("lifeline", "kept", "--fact", name, "born im")
      .expectFailure(65, mentions: ["born im", "did you mean", "born in"])
  }

  @Test func answersAreExplainedAndRunsCompared() throws {
    let workspace = try TrainedRun.workspace()
    let name = try subject(workspace)
    let explained = try workspace.kglab("explain", "run", name, "born in")
    explained.expectSuccess(wrote: nil)
    for word in ["true answers", "exposures", "embedding", "detectors"] {
      #expect(explained.text.contains(word), "\(word)")
    }
    let explanation = try json(workspace, ["explain", "run", name, "born in"])
    #expect((explanation["lens"] as? [Any])?.isEmpty == false)
    let trained = try Command(
      TrainedRun.training + ["--seed", "5", "--out", "other"], in: workspace.url
    ).run()
    trained.expectSuccess(wrote: "other")
    try workspace.kglab("compare", "run", "other")
      .expectFailure(65, mentions: ["other", "not evaluated"])
    try workspace.kglab("evaluate", "other", "--workers", "1")
      .expectSuccess(wrote: "other/run.sqlite")
    let compared = try workspace.kglab("compare", "run", "other")
    compared.expectSuccess(wrote: nil)
    #expect(compared.text.contains("McNemar"))
    let comparison = try json(workspace, ["compare", "run", "other"])
    #expect(comparison["answer"] as? String == "greedy")
  }
}
