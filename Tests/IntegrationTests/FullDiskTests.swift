import Foundation
import TestSupport
import Testing

/// Files that cannot be written: no trap, one sentence, and nothing lost or half there.
///
/// A limit on the size of files stands in for a full disk: writing fails in the middle of a file.
@Suite struct FullDiskTests {
  private func refuse(
    _ command: Command, limit: Int, mentions pieces: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var command = command
    command.fileLimit = limit
    let result = try command.run()
    result.expectFailure(1, mentions: pieces, sourceLocation: sourceLocation)
    #expect(!result.text.contains("wrote "), sourceLocation: sourceLocation)
  }

  @Test func graphs() throws {
    let workspace = try TemporaryFolder()
    for limit in [1, 16] {
      try refuse(
        workspace.command("generate", TrainedRun.schema, "--out", "graph.sqlite"), limit: limit,
        mentions: ["cannot write graph.sqlite", "free space", "nothing was written"])
      #expect(try workspace.names().isEmpty)
    }
    let lines = (0..<2_000).map { "subject \($0)\tknows\tobject \($0 % 77)\n" }
    try workspace.write(lines.joined(), to: "facts.tsv")
    try refuse(
      workspace.command("import", "facts.tsv", "--out", "graph.sqlite"), limit: 32,
      mentions: ["cannot write graph.sqlite", "free space", "nothing was written"])
    #expect(try workspace.names() == ["facts.tsv"])
  }

  @Test func exports() throws {
    let workspace = try TrainedRun.graph()
    let lines = (0..<4_000).map { "subject \($0 * 7919 % 4_001)\tknows\tobject \($0)\n" }
    try workspace.write(lines.joined(), to: "facts.tsv")
    try workspace.kglab("import", "facts.tsv", "--out", "facts.sqlite")
      .expectSuccess(wrote: "facts.sqlite")
    let names = try workspace.names()
    for out in ["out.tsv", "out.jsonl.gz", "out.nt", "folder"] {
      try refuse(
        workspace.command("export", "facts.sqlite", "--out", out), limit: 8,
        mentions: ["cannot write \(out)", "free space", "nothing was written"])
      #expect(try workspace.names() == names)
    }
    try workspace.kglab("export", "facts.sqlite", "--out", "folder").expectSuccess(wrote: "folder")
    try workspace.kglab("export", "facts.sqlite", "--out", "folder")
      .expectFailure(64, mentions: ["folder", "--force"])
    try workspace.kglab("import", "folder", "--out", "again.sqlite")
      .expectSuccess(wrote: "again.sqlite")
  }

  @Test func trainingContinuesWhenThereIsRoomAgain() throws {
    let workspace = try TrainedRun.workspace()
    let training = Command(
      TrainedRun.training + ["--out", "again", "--checkpoint-steps", "5"], in: workspace.url)
    // The record, the checkpoint's weights, its optimiser state: each is too large once.
    let size = try workspace.data("run/model.safetensors").count
    for limit in [1, size / 2_048, size / 1_024 + 4] {
      try refuse(training, limit: limit, mentions: ["cannot write", "again/", "free space"])
      let names = try workspace.names(in: "again")
      #expect(!names.contains { $0.contains("tmp") || $0.contains(".writing") }, "\(names)")
      #expect(!names.contains("model.safetensors"))
    }
    try training.run().expectSuccess(wrote: "again")
    #expect(
      try workspace.hash("again/model.safetensors") == workspace.hash("run/model.safetensors"))
  }

  @Test func evaluationContinuesWhenThereIsRoomAgain() throws {
    let workspace = try TrainedRun.workspace()
    try FileManager.default.moveItem(
      at: workspace["run/run.sqlite"], to: workspace["whole.sqlite"])
    for limit in [1, 8, 64] {
      try refuse(
        workspace.command("evaluate", "run", "--workers", "1"), limit: limit,
        mentions: ["run/run.sqlite", "space"])
    }
    try workspace.kglab("evaluate", "run", "--workers", "1")
      .expectSuccess(wrote: "run/run.sqlite")
    #expect(try workspace.hash("run/run.sqlite") == workspace.hash("whole.sqlite"))
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func standardOutput() throws {
    let workspace = try TrainedRun.workspace()
    for arguments in [["inspect", "graph.sqlite", "--json"], ["inspect", "graph.sqlite"]] {
      var command = Command(arguments, in: workspace.url)
      command.outputPath = "/dev/full"
      try command.run().expectFailure(1, mentions: ["standard output", "space"])
    }
  }

  @Test func aFileWhereAFolderShouldBe() throws {
    let workspace = try TrainedRun.graph()
    try workspace.write("a file", to: "file")
    let names = try workspace.names()
    try workspace.kglab("generate", TrainedRun.schema, "--out", "file/graph.sqlite")
      .expectFailure(1, mentions: ["file", "folder", "--out"])
    for out in ["file", "file/run"] {
      try workspace.kglab(TrainedRun.training + ["--out", out])
        .expectFailure(1, mentions: ["cannot create", out])
    }
    #expect(try workspace.names() == names)
    #expect(try workspace.data("file") == Data("a file".utf8))
  }

  /// The administrator may write anywhere, so that the test needs somebody else.
  @Test(.enabled(if: geteuid() != 0)) func aFolderWithoutPermission() throws {
    let workspace = try TrainedRun.workspace()
    let files = FileManager.default
    func permit(_ mode: Int, _ path: String) throws {
      try files.setAttributes([.posixPermissions: mode], ofItemAtPath: workspace[path].path)
    }
    try files.createDirectory(at: workspace["locked"], withIntermediateDirectories: false)
    try permit(0o555, "locked")
    try permit(0o555, "run")
    defer {
      try? permit(0o755, "locked")
      try? permit(0o755, "run")
    }
    try workspace.kglab("generate", TrainedRun.schema, "--out", "locked/graph.sqlite")
      .expectFailure(1, mentions: ["locked/graph.sqlite", "permission"])
    try workspace.kglab(TrainedRun.training + ["--out", "locked/run"])
      .expectFailure(1, mentions: ["locked/run"])
    try workspace.kglab("evaluate", "run", "--seed", "9")
      .expectFailure(1, mentions: ["run", "permission"])
    #expect(try workspace.names(in: "locked").isEmpty)
  }
}
