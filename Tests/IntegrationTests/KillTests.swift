import Foundation
import LabCore
import TestSupport
import Testing

/// `kill -9` at many moments of every command that writes: the same command, with the same process
/// id, then gives the bytes of one that was never killed, and leaves nothing hidden.
@Suite struct KillTests {
  private static let made = Result { try make() }

  private static func make() throws -> TemporaryFolder {
    let workspace = try FuzzFixture.made.get()
    try workspace.prepare([
      ["generate", "schema.yaml", "--scale", "40", "--out", "larger.sqlite"],
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "30", "--tokens-per-step", "128",
        "--slot-share", "0.5", "--slot-length", "3", "--out", "slotted",
      ],
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "6", "--tokens-per-step", "128",
        "--out", "weak",
      ],
      ["compress", "run", "--prune", "0.5", "--out", "pruned"],
      ["evaluate", "run", "--samples", "2"], ["evaluate", "weak", "--samples", "2"],
    ])
    let looked = workspace["looked"]
    try FileManager.default.copyItem(at: workspace["run"], to: looked)
    try FileManager.default.copyItem(
      at: workspace["full"], to: looked.appendingPathComponent("detectors/full"))
    try workspace.write(
      """
      name: derived
      graph: {schema: schema.yaml, seed: 7}
      keep: {steps: "log,4"}
      training: {tokens_per_step: 64}
      models:
        - {name: g0, sizes: [3k], epochs: [6]}
        - {name: g1, sizes: [3k], epochs: [4], text_of: g0}
        - {name: s1, sizes: [3k], epochs: [2], from: g0, text_of: g0, text: {samples: 4, right: 2}}
        - {from: g0, compress: [{bits: 8}]}
      evaluation: {samples: 1, resamples: 10}
      self_training: {samples: 2, resamples: 10}
      rewards: {samples: 8, queries: 20, hidden: 8, resamples: 10}
      trajectories: {lines: 40, resamples: 10}
      collapse: {samples: 2, resamples: 10}
      workers: 1
      """, to: "derived.yaml")
    return workspace
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    /// What is needed beside one another, and what is held to the same bytes.
    let files: [String]
    let results: [String]
    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static let cases = [
    Case(
      arguments: ["generate", "schema.yaml", "--scale", "60", "--out", "new.sqlite"],
      files: ["schema.yaml"], results: ["new.sqlite"]),
    Case(
      arguments: ["import", "facts.tsv", "--out", "n.sqlite"], files: ["facts.tsv"],
      results: ["n.sqlite"]),
    Case(
      arguments: ["export", "larger.sqlite", "--format", "nt", "--split", "--out", "new"],
      files: ["larger.sqlite"], results: ["new"]),
    Case(
      arguments: ["export", "larger.sqlite", "--out", "new.jsonl.gz"], files: ["larger.sqlite"],
      results: ["new.jsonl.gz"]),
    Case(
      arguments: ["export", "larger.sqlite", "--format", "openke", "--out", "new"],
      files: ["larger.sqlite"], results: ["new"]),
    Case(
      arguments: ["fit-schema", "larger.sqlite", "--no-check", "--out", "new.yaml"],
      files: ["larger.sqlite"], results: ["new.yaml"]),
    Case(arguments: ["init", "new"], files: [], results: ["new"]),
    Case(
      arguments: [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "20", "--tokens-per-step", "64",
        "--checkpoint-steps", "5", "--keep-steps", "log", "--step-metrics", "--workers", "1",
        "--out", "new",
      ], files: ["graph.sqlite"],
      results: ["new/model.safetensors", "new/metrics.jsonl", "new/steps.jsonl", "new/kept"]),
    Case(
      arguments: ["evaluate", "run", "--samples", "64", "--seed", "8", "--workers", "1", "--json"],
      files: ["graph.sqlite", "run"], results: []),
    Case(
      arguments: ["knowledge", "run", "--workers", "1", "--json"], files: ["graph.sqlite", "run"],
      results: []),
    Case(
      arguments: [
        "detect", "run", "--kind", "head", "--heads", "linear", "--samples", "8", "--evidence", "0",
        "--seed", "3", "--workers", "1", "--json",
      ], files: ["graph.sqlite", "run"], results: []),
    Case(
      arguments: ["compress", "run", "--bits", "8", "--prune", "0.5", "--out", "new"],
      files: ["run"], results: ["new"]),
    Case(
      arguments: [
        "self-train", "run", "--rounds", "2", "--epochs", "4", "--samples", "8", "--keep", "4",
        "--temperature", "1", "--tokens-per-step", "64", "--workers", "1", "--json", "--out", "new",
      ], files: ["graph.sqlite", "run"],
      results: [
        "new/round-1/lines.tsv", "new/round-1/model.safetensors", "new/round-2/lines.tsv",
        "new/round-2/model.safetensors",
      ]),
    Case(
      arguments: [
        "train", "graph.sqlite", "--from", "pruned", "--keep-zeros", "--epochs", "8",
        "--tokens-per-step", "64", "--checkpoint-steps", "5", "--workers", "1", "--out", "new",
      ], files: ["graph.sqlite", "pruned"], results: ["new/model.safetensors"]),
    Case(
      arguments: [
        "train", "graph.sqlite", "--size", "3k", "--text-of", "run", "--text-samples", "16",
        "--epochs", "2", "--tokens-per-step", "64", "--checkpoint-steps", "5", "--workers", "1",
        "--out", "new",
      ], files: ["graph.sqlite", "run"], results: ["new/lines.tsv", "new/model.safetensors"]),
    Case(
      arguments: [
        "train", "graph.sqlite", "--from", "run", "--text-of", "run", "--text-samples", "8",
        "--text-right", "4", "--text-judge", "run", "--detectors", "three", "--combine", "min",
        "--epochs", "2", "--tokens-per-step", "64", "--checkpoint-steps", "5", "--workers", "1",
        "--out", "new",
      ], files: ["graph.sqlite", "run"], results: ["new/lines.tsv", "new/model.safetensors"]),
    Case(
      arguments: [
        "cascade", "weak", "run", "--heads", "linear", "--resamples", "50", "--workers", "1",
        "--json",
      ], files: ["graph.sqlite", "weak", "run"], results: []),
    // Rewards, trajectories and what generations say are measured in studies alone.
    Case(
      arguments: ["study", "run", "derived.yaml", "--out", "out"],
      files: ["schema.yaml", "derived.yaml"],
      results: [
        "best-of-n", "self-training-reward", "self-training", "loss-vs-validation-loss",
        "trajectory-trends", "generation-0-loss", "generation-0-reads", "objects-said",
        "rate-vs-bytes",
      ].map { "out/figures/\($0).csv" }),
    Case(
      arguments: [
        "harden", "slotted", "--rounds", "2", "--attacked", "40", "--examples", "20",
        "--iterations", "2", "--last-iterations", "4", "--candidates", "16", "--size", "80",
        "--workers", "1", "--json",
      ], files: ["graph.sqlite", "slotted"], results: []),
    Case(
      arguments: [
        "saliency", "looked/detectors/full", "--replacements", "8", "--resamples", "50",
        "--workers", "1", "--json",
      ], files: ["graph.sqlite", "looked"], results: []),
    Case(
      arguments: [
        "disjoint", "slotted", "--detectors", "2", "--weight", "0.1,1", "--samples", "1",
        "--full-epochs", "1", "--examples", "20", "--iterations", "1", "--candidates", "4",
        "--resamples", "20", "--workers", "1", "--json",
      ], files: ["graph.sqlite", "slotted"], results: []),
    Case(
      arguments: ["export-model", "run", "--out", "new"], files: ["graph.sqlite", "run"],
      results: ["new"]),
    Case(
      arguments: ["import-model", "model", "--graph", "graph.sqlite", "--out", "new"],
      files: ["graph.sqlite", "model"], results: ["new/model.safetensors", "new/tokenizer.json"]),
    Case(
      arguments: ["report", "study"], files: ["study"],
      results: ["study/report.html", "study/figures"]),
  ]

  @Test(arguments: cases)
  func afterAKillTheSameCommandGivesTheSameBytes(one: Case) throws {
    let made = try Self.made.get()
    let whole = try copy(one, of: made)
    let began = ContinuousClock.now
    let expected = try command(one, in: whole).run()
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    #expect(expected.end == .exited(0), "\(expected.messages)")
    var random = Seed(7).stream(one.testDescription)
    let workspace = try copy(one, of: made)
    for _ in 0..<5 {
      let running = try command(one, in: workspace).start()
      Thread.sleep(forTimeInterval: seconds * random.uniform())
      running.send(SIGKILL)
      _ = try running.wait()
    }
    // A command that had ended before it was killed may refuse to replace its result, which is then
    // whole.
    let isThere = !one.results.isEmpty && one.results.allSatisfy(workspace.exists)
    let result = try command(one, in: workspace).run()
    #expect(result.end == .exited(0) || isThere, "\(result.messages)")
    if one.results.isEmpty { #expect(result.text == expected.text) }
    for path in one.results {
      #expect(try bytes(path, in: workspace) == bytes(path, in: whole), "\(path)")
    }
    let hidden = try workspace.names().filter { $0.contains(".tmp") || $0.contains(".writing-") }
    #expect(hidden.isEmpty, "\(hidden)")
  }

  /// As process 1 of a namespace of its own, as in a container, where the system lets us.
  private func command(_ one: Case, in workspace: TemporaryFolder) -> Command {
    var command = Command(one.arguments, in: workspace.url)
    command.isFirstProcess = Self.canUnshare
    return command
  }

  private static let canUnshare = (try? runProgram("unshare", "-pf", "--kill-child", "true")) == 0

  private func copy(_ one: Case, of made: TemporaryFolder) throws -> TemporaryFolder {
    let workspace = try TemporaryFolder()
    for file in one.files {
      try FileManager.default.copyItem(at: made[file], to: workspace[file])
    }
    return workspace
  }

  private func bytes(_ path: String, in workspace: TemporaryFolder) throws -> [String: String] {
    let values = try workspace[path].resourceValues(forKeys: [.isDirectoryKey])
    guard values.isDirectory == true else { return [path: try workspace.hash(path)] }
    let files = try workspace.names(in: path).filter {
      try workspace["\(path)/\($0)"].resourceValues(forKeys: [.isRegularFileKey]).isRegularFile
        == true
    }
    return try Dictionary(
      uniqueKeysWithValues: files.map { ($0, try workspace.hash("\(path)/\($0)")) })
  }
}
