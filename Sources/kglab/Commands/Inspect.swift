import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what is in a graph and check it, or when a run is trained on a fact.",
    discussion: """
      Ends with code 65 when a check fails: damage, rows that refer to nothing, triples of the wrong \
      types, or content that was changed after the file was made.
      With --fact and the folder of a run, finished or not: each object of a question, true or false, with \
      the steps at which it is presented.

      --datasette prints the metadata.json that Datasette shows beside the tables.

      EXAMPLES:
        kglab inspect graph.sqlite
        kglab inspect graph.sqlite --datasette > metadata.json
        kglab inspect graph.sqlite --json
        kglab inspect runs/a --fact "Ada Lovelace" "born in"
        kglab inspect runs/a --fact "Ada Lovelace" "born in" --all
      """)

  @Argument(
    help: ArgumentHelp("The graph file (SQLite), or the folder of a run.", valueName: "graph"))
  var path: String

  @Option(
    name: .customLong("fact"), parsing: .upToNextOption,
    help: ArgumentHelp(
      "Subject and predicate of a fact to look up in a run.", valueName: "subject predicate"))
  var fact: [String] = []

  @Flag(name: .customLong("all"), help: "With --fact: list every step.")
  var listsAll = false

  @Option(
    name: .customLong("graph"),
    help: "With --fact: the run's graph, where it is no longer where training found it.")
  var location: String?

  @Flag(help: "Print what Datasette's metadata.json has to say of the graph's tables.")
  var datasette = false

  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard !datasette || fact.isEmpty else {
      throw ValidationError("--datasette is about a graph file; leave out --fact")
    }
    guard fact.isEmpty || fact.count == 2 else {
      throw ValidationError(
        "--fact takes two names, such as --fact \"Ada Lovelace\" \"born in\", not \(fact.count)")
    }
    guard !fact.isEmpty || !listsAll && location == nil else {
      throw ValidationError("--all and --graph are for --fact \"subject\" \"predicate\"")
    }
  }

  func run() throws {
    let url = URL(fileURLWithPath: path)
    if !fact.isEmpty { return try inspectFact(of: url) }
    guard FileKind.of(url) != .folder else {
      throw LabError(
        "\(path) is a folder; give a graph file, or a run and --fact \"subject\" \"predicate\"")
    }
    if datasette { return try Output.json(try DatasetteMetadata(of: url)) }
    let inspection = try GraphInspection(of: url)
    if result.json { try Output.json(inspection) } else { show(inspection) }
    guard inspection.isSound else {
      let failed = inspection.checks.filter { !$0.passed }
        .map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
      throw LabError("\(path) is not sound: \(failed); generate or import the graph again")
    }
  }

  private func inspectFact(of run: URL) throws {
    let lookup = try FactLookup(run, graph: location.map { URL(fileURLWithPath: $0) })
    let report = try lookup.report(subject: fact[0], predicate: fact[1])
    if result.json { return try Output.json(report) }
    FactInspection(report: report, listsAll: listsAll).show()
    Output.line("wrote nothing")
    Output.next("kglab", "ask", path, fact[0], fact[1])
  }

  private func show(_ inspection: GraphInspection) {
    let seed = inspection.seed.map { ", seed \($0)" } ?? ""
    Output.line("\(inspection.name) (\(inspection.source)\(seed))")
    Output.line("content \(inspection.contentHash)")
    Output.line()
    GraphText.types(inspection.profile)
    Output.line()
    GraphText.predicates(inspection.profile)
    Output.line()
    if let report = inspection.importReport { GraphText.importReport(report) }
    GraphText.summary(inspection.profile)
    GraphText.split(inspection.split)
    Output.line("words          \(inspection.wordCount.grouped) different ones in names")
    if let bits = inspection.information {
      Output.line(
        "information    \(Readable.number(bits.objects.rounded())) bits in objects, "
          + "\(Readable.number(bits.objectCounts.rounded())) in how many there are")
    }
    let checks = inspection.checks.map { "\($0.name) \($0.passed ? "ok" : "FAILED")" }
    Output.line("checks         \(checks.joined(separator: ", "))")
    if inspection.isSound {
      Output.next("kglab", "train", path, "--size", "30k", "--epochs", "20", "--out", "runs/a")
    }
  }
}
