import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// `kglab detect` on checkpoints, and what it says of wrong use.
@Suite struct DetectionCommandTests {
  private func detection(_ workspace: TemporaryFolder, _ options: String...) throws -> [String: Any]
  {
    let result = try workspace.kglab(
      ["detect"] + options + [
        "--task", "sentence", "--kind", "head", "--evidence", "0", "--workers", "1", "--json",
      ]
    ).expectEnd()
    #expect(!result.text.lowercased().contains("nan"))
    return try #require(try result.json() as? [String: Any])
  }

  @Test func wrongUseIsRefusedWithTheReason() throws {
    let workspace = try TrainedRun.workspace()
    _ = try workspace.kglab("generate", TrainedRun.schema, "--seed", "4", "--out", "other.sqlite")
    let cases: [([String], Int32, [String])] = [
      (["--layers", "9"], 64, ["layer 9 is not there", "layers 0 (the embedding) to 1"]),
      (["--layers", "fnal"], 64, ["unknown layer 'fnal'", "did you mean 'final'"]),
      (["--evidence", "1"], 64, ["evidence is 1", "at least 2 completions, or 0 for none"]),
      (["--kind", "entropy-probe", "--evidence", "0"], 64, ["entropy-probe alone", "evidence"]),
      (["--positions", "0"], 64, ["unknown position '0'", "the number of a token from 1"]),
      (["--kind", "full", "--sizes", "7z"], 64, ["unknown size '7z'"]),
      (["--kind", "head", "--rate", "0.1"], 64, ["--rate", "add full to --kind"]),
      (["--balanced"], 64, ["--balanced", "add full to --kind"]),
      (["--checkpoint", "7"], 65, ["keeps no checkpoint of step 7", "--keep-steps"]),
      (["--graph", "other.sqlite"], 65, ["other.sqlite is not the graph", "--graph"]),
    ]
    for (options, code, pieces) in cases {
      try workspace.refuse(["detect", "run"] + options, code: code, mentions: pieces)
    }
    try workspace.refuse(
      ["detect", "transfer", "run"], code: 64, mentions: ["a transfer needs two"])
    try workspace.refuse(
      ["detect", "transfer", "run", "run"], code: 64, mentions: ["run (fvs+pvs) is given twice"])
    try workspace.refuse(["detect", "score", "run"], mentions: ["run holds no detector"])
    try workspace.refuse(
      ["detect", "score", "run/detectors/none"],
      mentions: ["run/detectors/none holds no detector", "kglab detect"])
  }

  @Test func faultsOfAFileOfTriplesAreNamedByLine() throws {
    let workspace = try TrainedRun.workspace()
    let detected = try detection(workspace, "run")
    let detectors = try #require(detected["detectors"] as? [[String: Any]])
    let folder = try #require(detectors.compactMap { $0["folder"] as? String }.first)
    let graph = try KnowledgeGraph.open(workspace["graph.sqlite"])
    let query = graph.queries[0]
    let subject = graph.entities[Int(query.subject)].name
    let predicate = graph.predicates[Int(query.predicate)].name
    let object = graph.entities[Int(graph.answers[query.answers][query.answers.lowerBound].object)]
      .name
    let right = "\(subject)\t\(predicate)\t\(object)"
    let cases: [(String, [String])] = [
      (
        "\(right)\n\(subject)\t\(predicate)\n",
        ["claims.tsv:2: the line has 2 columns", "separated by tabs"]
      ),
      ("\(right)\n\n\(subject)q\t\(predicate)\t\(object)\n", ["claims.tsv:3", "'\(subject)q'"]),
      ("\(subject)\tbron in\t\(object)\n", ["claims.tsv:1", "no predicate 'bron in'", "born in"]),
      (
        "\(subject)\t\(predicate)\tnowhere at all\n",
        ["claims.tsv:1", "no tokens for the object 'nowhere at all'", "leave the line out"]
      ),
      (
        "\(subject)\t\(predicate)\t\(Array(repeating: object, count: 30).joined(separator: " "))\n",
        ["claims.tsv:1", "more than the model's context of", "shorter object"]
      ),
      ("\n\n", ["claims.tsv is empty"]),
    ]
    let command = ["detect", "score", "run/detectors/\(folder)", "--triples", "claims.tsv"]
    try workspace.refuse(command, mentions: ["cannot read claims.tsv"])
    for (text, pieces) in cases {
      try workspace.write(text, to: "claims.tsv")
      try workspace.refuse(command, mentions: pieces)
    }
    try workspace.write("\(right)\n", to: "claims.tsv")
    let scored = try workspace.kglab(command + ["--json"]).expectEnd()
    let rows = try #require(try scored.json() as? [[String: Any]])
    #expect(rows.count == 1 && (0...1).contains(rows[0]["score"] as? Double ?? -1))
    let closing = try workspace.kglab(command).expectEnd().lines.suffix(2)
    #expect(closing.first?.hasPrefix("wrote ") == true && closing.last?.hasPrefix("next: ") == true)
  }

  /// A kept step is asked with its own weights; after one step every answer is wrong, which is said
  /// in words.
  @Test func detectorsOfACheckpoint() throws {
    let workspace = try TrainedRun.graph()
    try workspace.kglab(TrainedRun.training + ["--keep-steps", "1", "--out", "run"]).expectEnd()
    let early = try detection(workspace, "run", "--checkpoint", "1")
    let late = try detection(workspace, "run")
    #expect(early["checkpoint_step"] as? Int == 1 && late["checkpoint_step"] == nil)
    let weights = try workspace.hash("run/kept/step-000000001/model.safetensors")
    #expect(early["weights_sha256"] as? String == weights)
    #expect(late["weights_sha256"] as? String == (try workspace.hash("run/model.safetensors")))
    #expect(early["key"] as? String != late["key"] as? String)
    func reasons(_ summary: [String: Any]) throws -> [String] {
      try #require(summary["detectors"] as? [[String: Any]]).map {
        $0["unmeasured"] as? String ?? ""
      }
    }
    #expect(try reasons(early).allSatisfy { $0.contains("hallucinated, so a detector cannot") })
    #expect(try reasons(late).allSatisfy(\.isEmpty))
    // Asked again it is read back; a step that was not kept is refused with those that are there.
    #expect(
      try detection(workspace, "run", "--checkpoint", "1")["key"] as? String == early["key"]
        as? String)
    try workspace.refuse(
      ["detect", "run", "--checkpoint", "2"], mentions: ["keeps no checkpoint of step 2; it has 1"])
  }
}
