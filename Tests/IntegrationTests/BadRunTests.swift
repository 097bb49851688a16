import Foundation
import KnowledgeGraph
import TestSupport
import Testing

/// Run folders that are wrong, and questions that cannot be answered.
@Suite struct BadRunTests {
  @Test func aFolderThatHoldsAnotherRunIsLeftAlone() throws {
    let workspace = try TrainedRun.workspace()
    let weights = try workspace.hash("run/model.safetensors")
    let record = try workspace.hash("run/run.json")
    try workspace.refuse(
      TrainedRun.training.map { $0 == "20" ? "21" : $0 } + ["--out", "run"],
      mentions: ["run holds another run", "training.epochs is 20 there, 21 here", "--out"],
      isSilent: false)
    #expect(try workspace.hash("run/model.safetensors") == weights)
    #expect(try workspace.hash("run/run.json") == record)
  }

  @Test func aFolderWithOtherFilesIsLeftAlone() throws {
    let workspace = try TrainedRun.graph()
    try workspace.write("mine", to: "run/thesis.tex")
    try workspace.refuse(
      TrainedRun.training + ["--out", "run"],
      mentions: ["run is not empty", "'thesis.tex'", "choose another --out"], isSilent: false)
  }

  @Test func altered() throws {
    let workspace = try TrainedRun.workspace()
    let commands = [
      ["evaluate", "run"], ["ask", "run", "club-01", "born in"], ["detect", "run"],
    ]
    for name in ["model.safetensors", "tokenizer.json", "run.json"] {
      let whole = try workspace.data("run/\(name)")
      try workspace.truncate("run/\(name)")
      for command in commands {
        try workspace.refuse(command, mentions: ["run/\(name)", "restore"])
      }
      try workspace.remove("run/\(name)")
      for command in commands { try workspace.refuse(command, mentions: ["run", name]) }
      try whole.write(to: workspace["run/\(name)"])
    }
    try workspace.kglab("evaluate", "run").expectSuccess(wrote: "run/run.sqlite")
  }

  @Test func aRunThatIsNotThereIsNotOneThatWasNotEvaluated() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.refuse(["compare", "nowhere", "run"], mentions: ["nowhere is no folder"])
    try workspace.refuse(
      ["self-train", "run", "--epochs", "1", "--out", "run"],
      mentions: ["run holds a run", "--out"])
  }

  @Test func resultsThatAreNoneOfOurs() throws {
    let workspace = try TrainedRun.workspace()
    try workspace.write(String(repeating: "no database\n", count: 100), to: "run/run.sqlite")
    try workspace.refuse(["evaluate", "run"], mentions: ["run/run.sqlite is not an SQLite file"])
    try workspace.remove("run/run.sqlite")
    var foreign = try workspace.data("graph.sqlite")
    foreign.replaceSubrange(68..<72, with: [0, 0, 0, 0])
    try foreign.write(to: workspace["run/run.sqlite"])
    try workspace.refuse(
      ["evaluate", "run"], mentions: ["run/run.sqlite is an SQLite file of another program"])
    #expect(try workspace.data("run/run.sqlite") == foreign)
  }

  @Test func theWrongGraphOrNone() throws {
    let workspace = try TrainedRun.workspace()
    _ = try workspace.kglab(
      "generate", TrainedRun.schema, "--seed", "4", "--out", "other.sqlite")
    try workspace.refuse(
      ["evaluate", "run", "--graph", "other.sqlite", "--seed", "1"],
      mentions: ["other.sqlite is not the graph", "--graph"])
    try FileManager.default.moveItem(
      at: workspace["graph.sqlite"], to: workspace["moved.sqlite"])
    try workspace.refuse(
      ["ask", "run", "club-01", "born in"], mentions: ["graph.sqlite is not there", "--graph"])
    try workspace.kglab("ask", "run", "club-01", "born in", "--graph", "moved.sqlite").expectEnd()
  }

  @Test func noRunAtAll() throws {
    let workspace = try TrainedRun.graph()
    for command in [["evaluate", "nothing"], ["ask", "nothing", "a", "b"]] {
      try workspace.refuse(command, mentions: ["nothing holds no run", "kglab train"])
    }
    try workspace.refuse(["evaluate", "graph.sqlite"], mentions: ["graph.sqlite"])
  }

  @Test func misspeltNames() throws {
    let workspace = try TrainedRun.workspace()
    let graph = try KnowledgeGraph.open(workspace["graph.sqlite"])
    let subject = graph.entities[Int(graph.queries[0].subject)].name
    try workspace.refuse(
      ["ask", "run", subject.dropLast() + "qq", "born in"],
      mentions: ["no entity '\(subject.dropLast())qq'", "did you mean", "'\(subject)'"])
    try workspace.refuse(
      ["ask", "run", subject, "bron in"],
      mentions: ["no predicate 'bron in'", "did you mean 'born in'"])
    try workspace.refuse(
      ["ask", "run", "somebody else entirely", "born in"],
      mentions: ["no entity 'somebody else entirely'", "table entity"])
  }
}
