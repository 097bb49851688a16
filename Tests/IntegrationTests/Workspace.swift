import Foundation
import KnowledgeGraph
import TestSupport
import Testing

extension TemporaryFolder {
  func command(_ arguments: String...) -> Command { Command(arguments, in: url) }

  func kglab(_ arguments: String...) throws -> CommandResult { try kglab(arguments) }

  func kglab(_ arguments: [String]) throws -> CommandResult {
    try Command(arguments, in: url).run()
  }

  /// The object that a command prints with --json.
  func json(_ arguments: [String]) throws -> [String: Any] {
    let result = try kglab(arguments + ["--json"]).expectEnd()
    return try #require(try result.json() as? [String: Any], "\(arguments)")
  }

  func json(_ arguments: String...) throws -> [String: Any] { try json(arguments) }

  /// Runs a command that must fail with nothing printed, or nothing of files, and leave the folder
  /// as it is.
  func refuse(
    _ arguments: [String], code: Int32 = 65, mentions pieces: [String], isSilent: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let names = try names()
    let result = try kglab(arguments)
    result.expectFailure(code, mentions: pieces, sourceLocation: sourceLocation)
    #expect(
      isSilent ? result.output.isEmpty : !result.text.contains("wrote"), "\(result.text)",
      sourceLocation: sourceLocation)
    #expect(try self.names() == names, sourceLocation: sourceLocation)
  }

  /// The subject of a query of graph.sqlite that was trained on and asks where somebody was born.
  func subject() throws -> String {
    let graph = try KnowledgeGraph.open(self["graph.sqlite"])
    let predicate = graph.predicate(named: "born in")
    let query = try #require(
      graph.queries.first { $0.predicate == predicate && $0.visibility == .fvs })
    return graph.entities[Int(query.subject)].name
  }

  /// Runs commands that have to end well, for tests to begin with what they make.
  func prepare(_ commands: [[String]]) throws {
    for arguments in commands {
      let result = try kglab(arguments)
      guard result.end == .exited(0) else {
        throw PreparationFailed(
          description: "kglab \(arguments.joined(separator: " ")): \(result.end) \(result.messages)"
        )
      }
    }
  }

  private struct PreparationFailed: Error, CustomStringConvertible { let description: String }

  /// Cuts a file to the first `share` of its bytes.
  func truncate(_ path: String, to share: Double = 0.5) throws {
    let bytes = try self.data(path)
    try bytes.prefix(Int(Double(bytes.count) * share)).write(to: self[path])
  }

  /// The number of steps that the newest whole checkpoint of a run has seen; nil without one.
  func checkpointStep(of run: String) -> Int? {
    let names =
      (try? FileManager.default.contentsOfDirectory(
        atPath: self[run].appendingPathComponent("checkpoints").path)) ?? []
    return names.filter { $0.hasPrefix("step-") }.compactMap { Int($0.dropFirst(5)) }.max()
  }
}

/// A small graph and a model trained on it, made once for the tests that need them.
enum TrainedRun {
  static let schema = Repository.file("kg-schemas/tiny.yaml").path
  /// The options of the training of `run`.
  static let training = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "20", "--tokens-per-step", "128",
    "--workers", "1",
  ]

  private static let made = Result { try make() }

  /// A folder with graph.sqlite and the finished, evaluated run `run`.
  static func workspace() throws -> TemporaryFolder {
    let copy = try TemporaryFolder()
    let original = try made.get()
    for name in ["graph.sqlite", "run"] {
      try FileManager.default.copyItem(at: original[name], to: copy[name])
    }
    // The run names its graph absolutely too, and that is then the copy's.
    let record = try copy.text("run/run.json")
    try copy.write(
      record.replacing(original.url.lastPathComponent, with: copy.url.lastPathComponent),
      to: "run/run.json")
    return copy
  }

  /// A folder with graph.sqlite alone.
  static func graph() throws -> TemporaryFolder {
    let copy = try TemporaryFolder()
    try FileManager.default.copyItem(at: try made.get()["graph.sqlite"], to: copy["graph.sqlite"])
    return copy
  }

  private static func make() throws -> TemporaryFolder {
    let workspace = try TemporaryFolder()
    try workspace.prepare([
      ["generate", schema, "--seed", "3", "--out", "graph.sqlite"],
      training + ["--out", "run"],
      ["evaluate", "run", "--workers", "1"],
    ])
    return workspace
  }
}
