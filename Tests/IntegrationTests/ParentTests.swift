import Foundation
import TestSupport
import Testing

/// A run or detector that another is made of, and is missing or altered, is refused by its name,
/// whatever is made of it.
@Suite struct ParentTests {
  private static let made = Result { try FuzzFixture.made.get() }

  struct Case: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    /// The option or argument whose folder is the parent.
    let parent: String
    var testDescription: String { "\(arguments.joined(separator: " ")): \(parent)" }
  }

  private static let training = ["train", "graph.sqlite", "--epochs", "1", "--out", "new"]
  private static let judged =
    training + [
      "--size", "3k", "--text-of", "speaker", "--text-samples", "2", "--text-right", "1",
      "--text-judge", "judge", "--detectors", "one",
    ]

  private static let cases = [
    Case(arguments: training + ["--from", "run"], parent: "run"),
    Case(arguments: training + ["--from", "run", "--keep-zeros"], parent: "run"),
    Case(arguments: training + ["--size", "3k", "--text-of", "run"], parent: "run"),
    Case(
      arguments: training + ["--size", "3k", "--text-of", "speaker", "--text-of", "run"],
      parent: "run"),
    Case(arguments: judged, parent: "judge"), Case(arguments: judged, parent: "speaker"),
    Case(arguments: ["compress", "run", "--bits", "8", "--out", "new"], parent: "run"),
    Case(
      arguments: ["self-train", "run", "--rounds", "1", "--epochs", "1", "--out", "new"],
      parent: "run"),
    Case(
      arguments: [
        "self-train", "run", "--rounds", "1", "--epochs", "1", "--detectors", "one", "--out", "new",
      ], parent: "run"),
    Case(arguments: ["harden", "run"], parent: "run"),
    Case(arguments: ["harden", "run/detectors/full"], parent: "run"),
    Case(arguments: ["harden", "run/detectors/full"], parent: "run/detectors/full"),
    Case(arguments: ["cascade", "speaker", "run", "--heads", "linear"], parent: "speaker"),
    Case(arguments: ["cascade", "speaker", "run", "--member", "judge"], parent: "judge"),
  ]

  private func workspace(_ one: Case) throws -> TemporaryFolder {
    let made = try Self.made.get()
    let workspace = try TemporaryFolder()
    let files = FileManager.default
    try files.copyItem(at: made["graph.sqlite"], to: workspace["graph.sqlite"])
    for name in ["run", "speaker", "judge"]
    where one.arguments.contains(where: { $0.hasPrefix(name) }) {
      try files.copyItem(at: made["run"], to: workspace[name])
    }
    if one.arguments.contains("run/detectors/full") {
      try files.copyItem(at: made["full"], to: workspace["run/detectors/full"])
    }
    return workspace
  }

  @Test(arguments: cases)
  func anAlteredParentIsRefusedByName(one: Case) throws {
    let workspace = try workspace(one)
    let file = workspace["\(one.parent)/model.safetensors"]
    var data = try Data(contentsOf: file)
    data[data.count - 3] ^= 1
    try data.write(to: file)
    try workspace.refuse(
      one.arguments, mentions: ["\(one.parent)/model.safetensors is truncated or altered"],
      isSilent: false)
    #expect(!workspace.exists("new/model.safetensors"))
  }

  @Test(arguments: cases)
  func aMissingParentIsRefusedByName(one: Case) throws {
    let workspace = try workspace(one)
    try FileManager.default.removeItem(at: workspace[one.parent])
    try workspace.refuse(one.arguments, mentions: [one.parent], isSilent: false)
    #expect(!workspace.exists("new/model.safetensors"))
  }
}
