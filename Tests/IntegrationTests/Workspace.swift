import Foundation
import LabCore

/// A folder for one test, removed with this object.
final class Workspace: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("kglab-integration-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  subscript(_ path: String) -> URL { url.appendingPathComponent(path) }

  // MARK: Commands

  func command(_ arguments: String...) -> Command { Command(arguments, in: url) }

  func kglab(_ arguments: String...) throws -> CommandResult {
    try Command(arguments, in: url).run()
  }

  // MARK: Files

  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: self[path])
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: self[path].path) }

  func hash(_ path: String) throws -> String { try ContentHash(ofFile: self[path]).hex }

  /// Every file and folder below `path`, hidden ones too, but for the locks.
  func names(in path: String = ".") throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: self[path].path)
      .filter { !$0.hasSuffix(".lock") }.sorted()
  }

  /// Cuts a file to the first `share` of its bytes.
  func truncate(_ path: String, to share: Double = 0.5) throws {
    let data = try Data(contentsOf: self[path])
    try data.prefix(Int(Double(data.count) * share)).write(to: self[path])
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
  static let schema = SourceTree.root.appendingPathComponent("kg-schemas/tiny.yaml").path
  /// The options of the training of `run`.
  static let training = [
    "train", "graph.sqlite", "--size", "3k", "--epochs", "20", "--tokens-per-step", "128",
    "--workers", "1",
  ]

  private static let made = Result { try make() }

  /// A folder with graph.sqlite and the finished, evaluated run `run`.
  static func workspace() throws -> Workspace {
    let copy = try Workspace()
    let original = try made.get()
    for name in ["graph.sqlite", "run"] {
      try FileManager.default.copyItem(at: original[name], to: copy[name])
    }
    // The run names its graph absolutely too, and that is then the copy's.
    let record = try String(contentsOf: copy["run/run.json"], encoding: .utf8)
    try copy.write(
      record.replacing(original.url.lastPathComponent, with: copy.url.lastPathComponent),
      to: "run/run.json")
    return copy
  }

  /// A folder with graph.sqlite alone.
  static func graph() throws -> Workspace {
    let copy = try Workspace()
    try FileManager.default.copyItem(at: try made.get()["graph.sqlite"], to: copy["graph.sqlite"])
    return copy
  }

  struct SetUpFailed: Error, CustomStringConvertible {
    let description: String
  }

  private static func make() throws -> Workspace {
    let workspace = try Workspace()
    let commands = [
      ["generate", schema, "--seed", "3", "--out", "graph.sqlite"],
      training + ["--out", "run"],
      ["evaluate", "run", "--workers", "1"],
    ]
    for arguments in commands {
      let result = try Command(arguments, in: workspace.url).run()
      guard result.end == .exited(0) else {
        throw SetUpFailed(
          description: "kglab \(arguments.joined(separator: " ")): \(result.end) \(result.messages)"
        )
      }
    }
    // The folder outlives every test; it goes with the process.
    atexit {
      if case .success(let workspace) = TrainedRun.made {
        try? FileManager.default.removeItem(at: workspace.url)
      }
    }
    return workspace
  }
}
