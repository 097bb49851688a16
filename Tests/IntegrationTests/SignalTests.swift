import Foundation
import LabCore
import TestSupport
import Testing

/// Signals at many moments of every command that works for long: it saves and ends with 75, or ends
/// as it would have.
@Suite struct SignalTests {
  /// A graph and a run whose products are large enough to be those of the just-in-time kernels.
  private static let made = Result { try make() }

  private static func make() throws -> TemporaryFolder {
    let workspace = try TrainedRun.workspace()
    let files = FileManager.default
    try files.copyItem(atPath: TrainedRun.schema, toPath: workspace["schema.yaml"].path)
    let academia = Repository.file("kg-schemas/academia.yaml")
    try files.copyItem(at: academia, to: workspace["academia.yaml"])
    let smoke = Repository.file("experiments/smoke/study.yaml")
    try workspace.write(
      String(contentsOf: smoke, encoding: .utf8)
        .replacing("schema: tiny", with: "schema: schema.yaml"), to: "study.yaml")
    try workspace.prepare([
      ["generate", "academia.yaml", "--seed", "7", "--scale", "0.2", "--out", "large.sqlite"],
      ["export", "large.sqlite", "--out", "facts.tsv"],
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "3", "--keep-epochs", "all", "--out",
        "kept",
      ],
    ])
    return workspace
  }

  private static let commands = [
    [
      "train", "large.sqlite", "--size", "30k", "--steps", "200", "--workers", "2", "--out", "new",
    ],
    [
      "train", "large.sqlite", "--size", "300k", "--steps", "60", "--workers", "2", "--out", "new",
    ],
    ["evaluate", "run", "--samples", "64", "--seed", "4"],
    [
      "detect", "run", "--kind", "head", "--heads", "mlp-256,mlp-64", "--samples", "32", "--seed",
      "4",
    ],
    ["knowledge", "run"], ["lifeline", "kept", "--all"],
    ["generate", "academia.yaml", "--seed", "1", "--scale", "20", "--out", "new.sqlite"],
    ["import", "facts.tsv", "--out", "new.sqlite"],
    ["export", "large.sqlite", "--out", "new.nt.gz"],
    ["fit-schema", "large.sqlite", "--out", "new.yaml"],
    ["study", "run", "study.yaml", "--out", "new"],
    ["ask", "run", "nobody", "knows"],
  ]

  @Test(arguments: commands, [SIGINT, SIGTERM, SIGHUP])
  func savesOrEndsWhateverTheMoment(arguments: [String], signal: Int32) throws {
    let made = try Self.made.get()
    var random = Seed(UInt64(signal)).stream(arguments.joined(separator: " "))
    for attempt in 0..<4 {
      let workspace = try TemporaryFolder()
      try FileManager.default.removeItem(at: workspace.url)
      try FileManager.default.copyItem(at: made.url, to: workspace.url)
      let before = try workspace.names()
      let running = try Command(arguments, in: workspace.url).start()
      Thread.sleep(forTimeInterval: 0.02 + 0.25 * Double(attempt) / 4 * (1 + random.uniform()))
      running.send(signal)
      let began = ContinuousClock.now
      let result = try running.wait()
      let seconds = (ContinuousClock.now - began) / .seconds(1)
      guard case .exited(let code) = result.end, [0, 75, 65].contains(code) else {
        Issue.record("\(arguments): \(result.end) \(result.messages)")
        continue
      }
      #expect(code != 65 || arguments[0] == "ask", "\(arguments): \(result.messages)")
      #expect(seconds < 5, "\(arguments) heard it after \(seconds) s")
      let left = try workspace.names().filter { !before.contains($0) && $0.contains(".tmp") }
      #expect(left.isEmpty, "\(arguments) left \(left)")
    }
  }

  @Test func aPipeThatClosesEndsTheCommandQuietly() throws {
    let workspace = try TrainedRun.workspace()
    let script =
      "\"$0\" batches run --steps 1-180 2>messages | head -1 >line; echo ${PIPESTATUS[0]} >code"
    try runProgram("bash", "-c", script, Command.executable().path, in: workspace.url)
    #expect(try workspace.text("line").hasPrefix("step 1"))
    #expect(try workspace.text("messages") == "")
    #expect(["0\n", "141\n"].contains(try workspace.text("code")))
  }
}
