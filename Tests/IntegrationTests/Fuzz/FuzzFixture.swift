import Foundation
import TestSupport

/// One of everything that kglab reads, made once by kglab itself.
enum FuzzFixture {
  static let made = Result { try make() }

  private static func make() throws -> TemporaryFolder {
    let workspace = try TrainedRun.workspace()
    let files = FileManager.default
    let smoke = Repository.file("experiments/smoke/study.yaml")
    try files.copyItem(atPath: TrainedRun.schema, toPath: workspace["schema.yaml"].path)
    try workspace.write(
      String(contentsOf: smoke, encoding: .utf8).replacing(
        "schema: tiny", with: "schema: schema.yaml"),
      to: "study.yaml")
    try workspace.prepare([
      ["export", "graph.sqlite", "--out", "facts.tsv"],
      ["export", "graph.sqlite", "--out", "facts.nt"],
      ["export", "graph.sqlite", "--out", "facts.jsonl"],
      ["export", "graph.sqlite", "--out", "facts.tsv.gz"],
      ["export", "graph.sqlite", "--out", "facts"],
      ["export", "graph.sqlite", "--out", "openke", "--format", "openke"],
      ["export-model", "run", "--out", "lab"],
      ["export-model", "run", "--out", "model"],
      [
        "detect", "run", "--kind", "head,full", "--heads", "linear", "--sizes", "3k", "--epochs",
        "1", "--samples", "4", "--evidence", "0", "--workers", "1",
      ],
      ["study", "run", smoke.path, "--out", "study"],
    ])
    // As another program would have written it.
    try workspace.remove("model/kglab.json")
    let detectors = try files.contentsOfDirectory(atPath: workspace["run/detectors"].path)
    for kind in ["linear", "full"] {
      let name = detectors.first { $0.hasPrefix("sentence-\(kind)") } ?? "none"
      try files.copyItem(at: workspace["run/detectors/\(name)"], to: workspace[kind])
    }
    let running = try Command(FuzzTarget.training, in: workspace.url).start()
    _ = running.wait { (workspace.checkpointStep(of: "paused") ?? -1) >= 40 }
    running.send(SIGTERM)
    _ = try running.wait()
    return workspace
  }
}
