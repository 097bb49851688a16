import Foundation
import TestSupport
import Testing

/// Folders that are shared, linked or read-only.
@Suite struct PlaceTests {
  @Test func runsFindTheirGraphThroughALink() throws {
    let workspace = try TrainedRun.graph()
    let files = FileManager.default
    try files.createDirectory(at: workspace["far/away/runs"], withIntermediateDirectories: true)
    try files.createSymbolicLink(
      at: workspace["runs"], withDestinationURL: workspace["far/away/runs"])
    try workspace.kglab(TrainedRun.training + ["--out", "runs/a"]).expectSuccess(wrote: "runs/a")
    for (folder, run) in [(".", "runs/a"), ("runs", "a"), ("far/away", "runs/a")] {
      // Of a place without links, since a process begins where its folder really is.
      let result = try Command(["batches", run, "--steps", "1"], in: workspace[folder]).run()
      #expect(result.end == .exited(0), "\(run) in \(folder): \(result.messages)")
    }
    // The graph that lies where the run would look first is another one.
    try files.createDirectory(at: workspace["far/away"], withIntermediateDirectories: true)
    try workspace.kglab(
      "generate", TrainedRun.schema, "--seed", "4", "--out", "far/away/graph.sqlite"
    )
    .expectSuccess(wrote: "far/away/graph.sqlite")
    try Command(["batches", "a", "--steps", "1"], in: workspace["runs"]).run().expectEnd()
    // A run of an earlier version knows one place alone.
    let record = workspace["runs/a/run.json"]
    let lines = try String(contentsOf: record, encoding: .utf8).components(separatedBy: "\n")
    let older = lines.filter { !$0.contains("graph_absolute_path") }
    #expect(older.count == lines.count - 1)
    try Data(older.joined(separator: "\n").utf8).write(to: record)
    try workspace.kglab("batches", "runs/a", "--steps", "1").expectEnd()
  }

  /// Every file that the group could not write would end the work of its other members.
  @Test func filesFollowTheUmask() throws {
    let workspace = try TemporaryFolder()
    for arguments in [
      ["generate", TrainedRun.schema, "--seed", "3", "--out", "graph.sqlite"],
      TrainedRun.training + ["--keep-steps", "1", "--step-metrics", "--out", "run"],
      ["evaluate", "run", "--samples", "2"],
      ["detect", "run", "--kind", "head", "--task", "sentence", "--evidence", "0"],
      ["export", "graph.sqlite", "--out", "facts"],
      ["study", "run", Repository.file("experiments/smoke").path, "--out", "study"],
    ] {
      var command = Command(arguments, in: workspace.url)
      command.setUp = "umask 002"
      try command.run().expectEnd()
    }
    let files = FileManager.default
    let names = try files.subpathsOfDirectory(atPath: workspace.url.path)
    #expect(names.contains("run/.lock") && names.contains("study/study.sqlite"))
    for name in names {
      let attributes = try files.attributesOfItem(atPath: workspace[name].path)
      let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
      #expect(mode & 0o020 != 0, "\(name) has mode \(String(mode, radix: 8))")
    }
  }

  @Test func whatIsStoredIsShownWhereNothingCanBeWritten() throws {
    let workspace = try TrainedRun.workspace()
    let commands = [
      ["evaluate", "run"], ["knowledge", "run"], TrainedRun.training + ["--out", "run"],
      ["detect", "run", "--kind", "head", "--task", "sentence", "--evidence", "0"],
      ["compare", "run", "run"], ["cascade", "run", "run"],
    ]
    func outputs() throws -> [String] {
      try commands.map { arguments in
        let result = try workspace.kglab(arguments).expectEnd()
        return result.text
      }
    }
    _ = try outputs()
    let shown = try outputs()
    let detectors = try FileManager.default.contentsOfDirectory(
      atPath: workspace["run/detectors"].path)
    let detector = "run/detectors/\(try #require(detectors.first))"
    let scored = try workspace.kglab("detect", "score", detector, "--json")
    // No file of that name can be made, not even by root.
    try workspace.remove("run/.lock")
    try FileManager.default.createDirectory(
      at: workspace["run/.lock"], withIntermediateDirectories: true)
    #expect(try outputs() == shown)
    let again = try workspace.kglab("detect", "score", detector, "--json")
    #expect(scored.end == .exited(0) && again.end == .exited(0), "\(again.messages)")
    try workspace.kglab("evaluate", "run", "--samples", "3")
      .expectFailure(1, mentions: ["cannot write in", "run"])
  }
}
