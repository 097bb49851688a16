import Foundation
import TestSupport
import Testing

/// Attacks and their slopes, by the commands a user types.
@Suite struct AttackCommandTests {
  @Test func aSlottedModelAndItsDetectorAreAttacked() throws {
    let workspace = try TrainedRun.graph()
    try workspace.prepare([
      [
        "train", "graph.sqlite", "--size", "3k", "--epochs", "40", "--tokens-per-step", "128",
        "--loss", "object", "--slot-share", "0.5", "--slot-length", "3", "--out", "slotted",
      ],
      [
        "detect", "train", "slotted", "--kind", "full", "--sizes", "3k", "--task", "sentence",
        "--samples", "6", "--evidence", "0", "--epochs", "2",
      ],
    ])
    let options = [
      "--kind", "random,gcg", "--examples", "20", "--iterations", "2", "--random-iterations", "4",
      "--candidates", "8",
    ]
    let first = try workspace.kglab(["attack", "slotted"] + options + ["--workers", "1"])
      .expectSuccess(wrote: "slotted/run.sqlite")
    #expect(first.text.contains("model: right ") && first.text.contains("of 20 without an attack"))
    let hash = try workspace.hash("slotted/run.sqlite")
    let again = try workspace.kglab(["attack", "slotted"] + options + ["--workers", "2"])
    #expect(again.text == first.text)
    #expect(try workspace.hash("slotted/run.sqlite") == hash)
    let names = try workspace.names(in: "slotted/detectors")
    let name = try #require(names.first)
    let summary = try workspace.json(["attack", "slotted/detectors/\(name)"] + options)
    let victims = try #require(summary["victims"] as? [[String: Any]])
    #expect(victims.first?["name"] as? String == name)
    try workspace.refuse(
      ["attack", "slotted", "--position", "middle"], code: 64, mentions: ["middle"])
    try workspace.refuse(
      ["attack", "slotted", "--candidates", "0"], code: 64, mentions: ["--candidates is 0"])
  }

  @Test func aModelWithoutASlotIsRefused() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.refuse(["attack", "run"], mentions: ["has no slot", "--slot-share 0.3"])
    try workspace.refuse(
      [
        "train", "graph.sqlite", "--from", "run", "--epochs", "1", "--out", "b", "--slot-share",
        "1",
      ],
      code: 64, mentions: ["--slot-share is that of the run"])
  }

  /// A slope of 2 at one size and 1 at the other; the exponent of a defence that needs half the
  /// compute of the attack.
  @Test func slopesOfATable() throws {
    let workspace = try TemporaryFolder()
    func rate(_ odds: Double) -> Double { odds / (1 + odds) }
    var slopes = ["parameters,seed,iteration,success_rate,flops_per_iteration"]
    for (size, slope) in [(1_000.0, 2.0), (10_000, 1)] {
      for iteration in 1...6 {
        let odds = 0.01 * pow(Double(iteration), slope)
        slopes.append("\(size),0,\(iteration),\(rate(odds)),\(size)")
      }
    }
    try workspace.write(slopes.joined(separator: "\n"), to: "slopes.csv")
    let summary = try workspace.json("attack-slopes", "slopes.csv")
    let models = try #require(summary["models"] as? [[String: Any]])
    let found = models.compactMap { $0["slope"] as? Double }
    #expect(abs(found[0] - 2) < 1e-9 && abs(found[1] - 1) < 1e-9)
    let line = try #require(summary["slope_of_slopes"] as? [String: Any])
    #expect(abs(try #require(line["value"] as? Double) + 1) < 1e-9)

    // The rate rises in a line with the iteration, more slowly after each doubling of the defence.
    var rounds = ["parameters,seed,iteration,success_rate,flops_per_iteration,defence"]
    for round in 0..<4 {
      for iteration in 1...8 {
        let value = Double(iteration) * 0.1 / pow(2, Double(round) / 2)
        rounds.append("1000,0,\(iteration),\(value),50,\(pow(2, Double(round)))")
      }
    }
    try workspace.write(rounds.joined(separator: "\n"), to: "rounds.csv")
    let defended = try workspace.json("attack-slopes", "rounds.csv", "--defence", "defence")
    let exponents = try #require(defended["exponents"] as? [[String: Any]])
    #expect(abs(try #require(exponents.first?["value"] as? Double) - 0.5) < 1e-9)
    #expect(exponents.first?["side"] as? String == "offence")
    try workspace.refuse(["attack-slopes", "rounds.csv"], mentions: ["row 9", "--where"])
    try workspace.refuse(
      ["attack-slopes", "slopes.csv", "--rate", "parameters"], mentions: ["rates from 0 to 1"])
  }
}
