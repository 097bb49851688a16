import Foundation
import Testing

/// Files that are damaged together, and the commands that read them.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
  let name: String
  /// What the commands need, beside one another.
  let files: [String]
  /// Endings of the paths of which one is damaged.
  let damaged: [String]
  /// A command is given only where the ones before it ended with 0; `sound` ones must then do so
  /// too.
  let commands: [[String]]
  var sound: [[String]] = []
  /// The lab keeps a hash of the files: what ends well has the same output, or says what it did.
  var isHashed = false
  /// Files whose bytes are held to instead of the output, which has times.
  var results: [String] = []

  var testDescription: String { name }

  static let training = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "30", "--tokens-per-step", "64",
    "--step-metrics", "--workers", "1", "--checkpoint-steps", "10", "--out", "paused",
  ]
  private static let importing = ["--out", "g.sqlite"]
  private static let judging = ["--triples", "facts.tsv", "--run", "run", "--workers", "1"]
  private static let detecting = [
    "detect", "run", "--kind", "head", "--heads", "linear", "--task", "sentence", "--epochs", "1",
    "--samples", "4", "--evidence", "0", "--workers", "1",
  ]

  private static func text(_ file: String, _ options: String...) -> FuzzTarget {
    FuzzTarget(
      name: "import \(file)", files: [file], damaged: [file],
      commands: [["import", file] + importing + options], sound: [["inspect", "g.sqlite"]])
  }

  static let all = [
    text("facts.tsv"), text("facts.nt"), text("facts.jsonl"), text("facts.tsv.gz"), text("facts"),
    text("openke"),
    FuzzTarget(
      name: "schema", files: ["schema.yaml"], damaged: ["schema.yaml"],
      commands: [["generate", "schema.yaml"] + importing], sound: [["inspect", "g.sqlite"]]),
    FuzzTarget(
      name: "study", files: ["study.yaml", "schema.yaml"], damaged: ["study.yaml"],
      commands: [["study", "plan", "study.yaml"]]),
    FuzzTarget(
      name: "graph", files: ["graph.sqlite"], damaged: ["graph.sqlite"],
      commands: [
        ["inspect", "graph.sqlite"],
        ["fit-schema", "graph.sqlite", "--out", "s.yaml", "--no-check"],
        ["train", "graph.sqlite", "--size", "3k", "--steps", "2", "--out", "new"],
      ]),
    FuzzTarget(
      name: "run.json", files: ["graph.sqlite", "run"], damaged: ["run.json"],
      commands: [["export-model", "run", "--out", "e"], ["evaluate", "run", "--workers", "1"]]),
    FuzzTarget(
      name: "weights and tokenizer", files: ["graph.sqlite", "run"],
      damaged: ["run/model.safetensors", "run/tokenizer.json", "run/config.json"],
      commands: [
        ["evaluate", "run", "--samples", "2", "--seed", "9", "--workers", "1", "--json"]
      ], isHashed: true),
    FuzzTarget(
      name: "checkpoints", files: ["graph.sqlite", "paused"],
      damaged: ["state.json", "model.safetensors", "optimizer.safetensors", "steps.jsonl"],
      commands: [training], isHashed: true,
      results: ["model.safetensors", "metrics.jsonl", "steps.jsonl"].map { "paused/" + $0 }),
    FuzzTarget(
      name: "run.sqlite", files: ["graph.sqlite", "run", "linear", "facts.tsv"],
      damaged: ["run.sqlite"],
      commands: [
        ["evaluate", "run", "--workers", "1"], ["knowledge", "run", "--workers", "1"],
        ["compare", "run", "run"],
        ["detect", "score", "linear", "--run", "run", "--workers", "1"],
      ]),
    FuzzTarget(
      name: "features", files: ["graph.sqlite", "run"],
      damaged: ["manifest.json", "answers.json", "columns.f32", "final.f32"],
      commands: [detecting]),
    FuzzTarget(
      name: "head", files: ["graph.sqlite", "run", "linear", "facts.tsv"],
      damaged: ["linear/detector.json"], commands: [["detect", "score", "linear"] + judging]),
    FuzzTarget(
      name: "full detector", files: ["graph.sqlite", "run", "full", "facts.tsv"],
      damaged: ["full/detector.json", "full/config.json"],
      commands: [["detect", "score", "full"] + judging]),
    FuzzTarget(
      name: "weights of detectors", files: ["graph.sqlite", "run", "linear", "full", "facts.tsv"],
      damaged: ["head.safetensors", "full/model.safetensors", "readout.safetensors"],
      commands: [["detect", "score", "linear"] + judging, ["detect", "score", "full"] + judging],
      isHashed: true),
    FuzzTarget(
      name: "triples to judge", files: ["graph.sqlite", "run", "linear", "facts.tsv"],
      damaged: ["/facts.tsv"], commands: [["detect", "score", "linear"] + judging]),
    FuzzTarget(
      name: "model", files: ["graph.sqlite", "model"],
      damaged: ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json"],
      commands: [
        ["import-model", "model", "--graph", "graph.sqlite", "--out", "i"],
        ["evaluate", "i", "--samples", "1", "--workers", "1"],
      ]),
    FuzzTarget(
      name: "model of the lab", files: ["graph.sqlite", "lab"],
      damaged: ["kglab.json", "config.json", "tokenizer.json", "model.safetensors"],
      commands: [["import-model", "lab", "--graph", "graph.sqlite", "--out", "i"]]),
    FuzzTarget(
      name: "study folder", files: ["study"],
      damaged: ["plan.json", ".json", "study.sqlite"],
      commands: [["study", "status", "study"], ["report", "study"]]),
  ]
}
