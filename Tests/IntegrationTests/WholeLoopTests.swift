import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// From schema to answers, by the commands a user types.
@Suite struct WholeLoopTests {
  @Test func eachCommandEndsWithWhatItWroteAndWhatIsNext() throws {
    let workspace = try TemporaryFolder()
    let generated = try workspace.kglab(
      "generate", TrainedRun.schema, "--seed", "3", "--out", "graph.sqlite"
    ).expectSuccess(wrote: "graph.sqlite")
    #expect(generated.text.contains("guess rate"))

    let inspected = try workspace.kglab("inspect", "graph.sqlite").expectSuccess(wrote: nil)
    #expect(inspected.messages.isEmpty)
    #expect(inspected.text.contains("content hash ok"))

    let trained = try workspace.kglab(TrainedRun.training + ["--out", "run"]).expectSuccess(
      wrote: "run")
    #expect(trained.text.contains("final loss"))
    #expect(trained.messages.contains(" tokens/s  "), "progress goes to standard error")
    #expect(!trained.text.contains("step 1/"))

    let evaluated = try workspace.kglab("evaluate", "run").expectSuccess(wrote: "run/run.sqlite")
    #expect(evaluated.text.contains("hallucination rate"))

    let detected = try workspace.kglab(
      "detect", "run", "--task", "sentence", "--heads", "linear", "--samples", "4"
    ).expectEnd()
    #expect(detected.text.contains("AUC-PR"))
    #expect(detected.lines.dropLast().last?.hasPrefix("wrote run/run.sqlite ") ?? false)

    let asked = try workspace.kglab("ask", "run", try workspace.subject(), "born in").expectEnd()
    #expect(asked.text.contains("true answers"))
    #expect(asked.lines.last == "next: kglab evaluate run")
    #expect(
      try workspace.names().filter { !$0.contains("/") } == ["graph.sqlite", "run"])
    #expect(
      try workspace.names(in: "run").filter {
        !$0.hasPrefix("detectors") && !$0.hasPrefix("features")
      } == [
        "config.json", "generation_config.json", "metrics.jsonl", "model.safetensors", "run.json",
        "run.sqlite",
        "tokenizer.json", "tokenizer_config.json",
      ])
  }

  @Test func jsonIsAllThatStandardOutputHolds() throws {
    let workspace = try TemporaryFolder()
    try workspace.write("a\tr\tb\na\tr\tc\nb\tr\tc\n", to: "facts.tsv")
    let imported = try workspace.json(["import", "facts.tsv", "--out", "imported.sqlite"])
    #expect((imported["content_hash"] as? String)?.count == 64)
    let generated = try workspace.json([
      "generate", TrainedRun.schema, "--seed", "3", "--out", "graph.sqlite",
    ])
    let inspected = try workspace.json(["inspect", "graph.sqlite"])
    #expect(generated["content_hash"] as? String == inspected["content_hash"] as? String)

    let plan = try workspace.json(TrainedRun.training + ["--out", "run", "--dry-run"])
    #expect(plan["status"] as? String == "training")
    #expect(!workspace.exists("run"))
    let record = try workspace.json(TrainedRun.training + ["--out", "run"])
    #expect(record["status"] as? String == "complete")
    #expect(record["weights_sha256"] as? String == (try workspace.hash("run/model.safetensors")))

    let summary = try workspace.json(["evaluate", "run"])
    let rates = try #require(summary["rates"] as? [[String: Any]])
    #expect(!rates.isEmpty)
    #expect(rates.allSatisfy { (0...1).contains($0["rate"] as? Double ?? -1) })
    let detection = try workspace.json(
      ["detect", "run", "--task", "sentence", "--heads", "linear", "--samples", "4"])
    #expect((detection["detectors"] as? [Any])?.isEmpty == false)
    let answer = try workspace.json(["ask", "run", try workspace.subject(), "born in"])
    #expect((answer["answers"] as? [Any])?.count == 5)
    let report = try workspace.json("bench", "train", "--shape", "1x16x1", "--seconds", "0.05")
    #expect((report["rows"] as? [Any])?.isEmpty == false)
  }

  @Test func aFinishedCommandRunAgainSaysTheSame() throws {
    let workspace = try TrainedRun.workspace()
    let hash = try workspace.hash("run/model.safetensors")
    let before = try workspace.hash("run/run.sqlite")
    try workspace.kglab(TrainedRun.training + ["--out", "run"]).expectSuccess(wrote: "run")
    #expect(try workspace.hash("run/model.safetensors") == hash)
    let first = try workspace.kglab("evaluate", "run", "--workers", "1")
    let second = try workspace.kglab("evaluate", "run", "--workers", "2")
    first.expectSuccess(wrote: "run/run.sqlite")
    #expect(first.text == second.text)
    #expect(try workspace.hash("run/run.sqlite") == before)
  }

  @Test func theSameSeedMakesTheSameFiles() throws {
    let workspace = try TrainedRun.workspace()
    _ = try workspace.kglab("generate", TrainedRun.schema, "--seed", "3", "--out", "again.sqlite")
    #expect(try workspace.hash("again.sqlite") == workspace.hash("graph.sqlite"))
    try workspace.kglab(TrainedRun.training.dropLast() + ["2", "--out", "again"]).expectSuccess(
      wrote: "again")
    #expect(
      try workspace.hash("again/model.safetensors") == workspace.hash("run/model.safetensors"))
    _ = try workspace.kglab("evaluate", "again", "--workers", "2")
    #expect(try workspace.hash("again/run.sqlite") == workspace.hash("run/run.sqlite"))
  }

}
