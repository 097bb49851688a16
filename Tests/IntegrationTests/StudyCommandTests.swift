import Foundation
import TestSupport
import Testing

/// `kglab study` and `kglab report` on the smallest study there is.
@Suite struct StudyCommandTests {
  private static let smoke = Repository.file("experiments/smoke").path

  @Test func aKilledStudyContinuesAndEveryCommandSpeaksJSON() throws {
    let workspace = try TemporaryFolder()
    let plan = try #require(
      try workspace.kglab("study", "plan", Self.smoke, "--json").json() as? [String: Any])
    let planned = try #require(plan["tasks"] as? [Any])
    #expect(planned.count > 8)
    let elsewhere = try workspace.kglab("study", "plan", Self.smoke, "--out", "smoke").expectEnd()
    #expect(elsewhere.lines.last == "next: kglab study run \(Self.smoke) --out smoke")
    #expect(try workspace.names().isEmpty)

    let run = workspace.command("study", "run", Self.smoke, "--out", "smoke", "--json")
    let running = try run.start()
    let hasBegun = running.wait {
      (try? workspace.names(in: "smoke").contains { $0.hasSuffix("/model.safetensors") }) ?? false
    }
    #expect(hasBegun)
    running.send(SIGKILL)
    #expect(try running.wait().end == .killed(signal: SIGKILL))

    let status = try workspace.kglab("study", "status", "smoke", "--json").expectEnd()
    #expect(try status.json() is [String: Any])
    let result = try run.run().expectEnd()
    let outcome = try #require(try result.json() as? [String: Any])
    let tasks = try #require(outcome["tasks"] as? [[String: Any]])
    #expect(tasks.count == planned.count)
    #expect(tasks.allSatisfy { $0["status"] as? String == "done" }, "\(tasks)")
    #expect((outcome["reused"] as? Int ?? 0) > 0, "what was done is not done again")
    #expect(workspace.exists("smoke/report.html"))

    let report = try workspace.kglab("report", "smoke", "--json").expectEnd()
    #expect(((try report.json() as? [String: Any])?["figures"] as? [Any])?.isEmpty == false)
  }

  @Test func studiesThatAreWrong() throws {
    let workspace = try TemporaryFolder()
    let schema = "schema: \(TrainedRun.schema)"
    let text = try String(contentsOfFile: Self.smoke + "/study.yaml", encoding: .utf8)
      .replacingOccurrences(of: "schema: tiny", with: schema)
    let wrong: [(String, String, [String])] = [
      ("evaluation:", "evalution:", ["bad.yaml:", "'evalution'", "did you mean 'evaluation'"]),
      ("[3k, 10k]", "[3kk, 10k]", ["bad.yaml:", "3kk", "3k"]),
      (schema, "schema: tinny", ["bad.yaml:", "'tinny'"]),
    ]
    for (part, replacement, pieces) in wrong {
      let changed = text.replacingOccurrences(of: part, with: replacement)
      #expect(changed != text)
      try workspace.write(changed, to: "bad.yaml")
      try workspace.refuse(["study", "run", "bad.yaml", "--out", "bad"], mentions: pieces)
    }
    try workspace.refuse(["study", "run", "none.yaml"], mentions: ["none.yaml"])
    try workspace.refuse(["report", "none"], mentions: ["none"])
  }
}
