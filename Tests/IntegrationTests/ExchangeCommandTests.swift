import Foundation
import TestSupport
import Testing

/// The commands between kglab and Python, as a user types them.
@Suite struct ExchangeCommandTests {
  @Test func aModelGoesOutAndComesBack() throws {
    let workspace = try TrainedRun.workspace()
    let exported = try workspace.kglab("export-model", "run", "--out", "export").expectSuccess(
      wrote: "export")
    #expect(exported.text.contains("Qwen3ForCausalLM"))
    #expect(
      try workspace.names(in: "export") == [
        "config.json", "generation_config.json", "kglab.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
      ])
    try workspace.kglab("import-model", "export", "--out", "back", "--graph", "graph.sqlite")
      .expectSuccess(wrote: "back")
    #expect(try workspace.hash("back/model.safetensors") == workspace.hash("run/model.safetensors"))
    let evaluated = try workspace.kglab("evaluate", "back", "--workers", "1").expectSuccess(
      wrote: "back/run.sqlite")
    #expect(evaluated.text.contains("imported from \(workspace["export"].path)"))
    // The same rates as those of the run itself, in the same tables.
    let own = try workspace.kglab("evaluate", "run", "--workers", "1")
    #expect(evaluated.lines.dropFirst().dropLast(2) == own.lines.dropFirst().dropLast(2))
    #expect(
      try workspace.names().filter { !$0.contains("/") } == [
        "back", "export", "graph.sqlite", "run",
      ])
  }

  @Test func theInitialModelAndTheBatchesAreShown() throws {
    let workspace = try TrainedRun.workspace()
    let record = try workspace.json("export-model", "run", "--checkpoint", "0", "--out", "initial")
    #expect(record["step"] as? Int == 0)
    #expect(
      record["weights_sha256"] as? String == (try workspace.hash("initial/model.safetensors")))
    let shown = try workspace.kglab("batches", "run", "--steps", "2").expectSuccess(wrote: nil)
    #expect(shown.lines.first?.hasPrefix("step 2  epoch 1  ") ?? false)
    let listed = try workspace.kglab("batches", "run", "--steps", "1-3", "--json")
    let batches = try #require(try listed.json() as? [[String: Any]])
    #expect(batches.map { $0["step"] as? Int } == [1, 2, 3])
  }

  @Test func aFactIsFoundInTheBatchesThatItsStepsName() throws {
    let workspace = try TrainedRun.workspace()
    let first = try workspace.kglab("batches", "run", "--steps", "1", "--json").json()
    let batch = try #require((first as? [[String: Any]])?.first)
    let triple = try #require((batch["triples"] as? [[String]])?.first)
    let question = ["inspect", "run", "--fact", triple[0], triple[1]]
    let shown = try workspace.kglab(question).expectSuccess(wrote: nil)
    #expect(shown.lines.contains("\(triple[2]) is presented at"))
    #expect(shown.lines.contains("  step 1 (epoch 1)"))
    #expect(shown.lines.contains("  ... 8 more steps; --all lists them"))
    #expect(try workspace.kglab(question + ["--all"]).lines.count > 20)

    let report = try #require(try workspace.kglab(question + ["--json"]).json() as? [String: Any])
    let answers = try #require(report["answers"] as? [[String: Any]])
    let answer = try #require(answers.first { $0["object"] as? String == triple[2] })
    #expect(answer["standing"] as? String == "trained")
    #expect(answer["exposures_per_epoch"] as? Int == 1)
    #expect(answer["seen"] as? Int == 20 && answer["planned"] as? Int == 20)
    let presentations = try #require(answer["presentations"] as? [[String: Int]])
    #expect(presentations.map { $0["epoch"] } == Array(1...20))
    for presentation in presentations.suffix(3) {
      let step = try #require(presentation["step"])
      let batches = try workspace.kglab("batches", "run", "--steps", "\(step)", "--json").json()
      let triples = try #require((batches as? [[String: Any]])?.first?["triples"] as? [[String]])
      #expect(triples.contains(triple))
    }
  }

  @Test func everyTokenizerTrainsAndIsAsked() throws {
    let workspace = try TrainedRun.graph()
    try workspace.kglab(TrainedRun.training + ["--tokenizer", "entity", "--out", "run"])
      .expectSuccess(wrote: "run")
    let summary = try workspace.json("evaluate", "run", "--workers", "1")
    #expect(summary["tokenizer"] as? String == "entity")
    let verdicts = try #require(summary["verdicts"] as? [[String: Any]])
    // Every answer of one token is a name of the graph.
    let greedy = verdicts.filter { $0["temperature"] as? Double == 0 }
    #expect(!greedy.isEmpty)
    #expect(
      greedy.allSatisfy { $0["verdict"] as? String != "invented" || $0["count"] as? Int == 0 })
  }

  @Test func stepMetricsAreALineAStep() throws {
    let workspace = try TrainedRun.graph()
    try workspace.kglab(TrainedRun.training + ["--step-metrics", "--out", "run"]).expectSuccess(
      wrote: "run")
    let record = try workspace.object("run/run.json")
    let lines = try workspace.text("run/steps.jsonl").split(separator: "\n")
    #expect(lines.count == record["steps"] as? Int)
  }

  @Test func whatCannotBeDoneIsSaid() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.refuse(
      ["export-model", "run", "--checkpoint", "last", "--out", "x"], code: 64,
      mentions: ["--checkpoint 'last' is no step", "newest"])
    try workspace.refuse(
      ["export-model", "run", "--checkpoint", "7", "--out", "x"],
      mentions: ["no checkpoint of step 7", "0 (the initial model)", "(the final model)"])
    try workspace.refuse(
      ["export-model", "nowhere", "--out", "x"], mentions: ["nowhere holds no run"])
    try workspace.refuse(
      ["export-model", "run", "--out", "run"], mentions: ["is no earlier export"])
    try workspace.refuse(
      ["import-model", "nowhere", "--out", "x"], mentions: ["nowhere/config.json"])
    try workspace.refuse(
      ["import-model", "run", "--out", "x"], mentions: ["does not say which graph", "--graph"])
    try workspace.refuse(
      ["batches", "run", "--steps", "3-1"], code: 64,
      mentions: ["--steps '3-1' is no range", "1-200"])
    try workspace.refuse(
      ["batches", "run", "--steps", "1-999999"], code: 64, mentions: ["the run has the steps 1 to"])
    try workspace.refuse(
      ["inspect", "run", "--fact", "x"], code: 64, mentions: ["--fact takes two names"])
    try workspace.refuse(
      ["inspect", "run", "--fact", "x", "y"], mentions: ["the graph has no predicate 'y'"])
    try workspace.refuse(["inspect", "run"], mentions: ["run is a folder", "--fact"])
    try workspace.refuse(
      ["inspect", "graph.sqlite", "--all"], code: 64, mentions: ["--all and --graph are for --fact"]
    )
    try workspace.refuse(
      ["evaluate", "run", "--phrasing", "unseen"], code: 64,
      mentions: ["trained on triples", "there is no unseen phrasing"])
    try workspace.refuse(
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "1", "--phrasing", "template",
        "--out", "x",
      ], mentions: ["has no templates", "--phrasing triple"])
    try workspace.refuse(
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "1", "--paraphrases", "2",
        "--out", "x",
      ], code: 64, mentions: ["2 paraphrases need templates", "--phrasing template"])
  }
}
