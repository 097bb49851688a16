import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generate a graph from a schema.",
    discussion: """
      The same schema, seed and version give the same file, byte for byte. Every number of the schema \
      can be set here; see docs/graphs.md and kg-schemas/.

      EXAMPLES:
        kglab generate kg-schemas/academia.yaml --seed 7 --out graph.sqlite
        kglab generate kg-schemas/academia.yaml --scale 10 --out large.sqlite
        kglab generate kg-schemas/academia.yaml --set entity_types.person.count=300 \\
          --set "predicates.born in.popularity.zipf=1.2" --out small.sqlite
      """)

  @Argument(help: "The schema, a YAML file.")
  var schema: String

  @Option(help: "The graph file to write (SQLite).")
  var out: String

  @Option(help: "The seed of every random choice.")
  var seed: UInt64 = 0

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set a value of the schema; repeatable.", valueName: "path=value"))
  var overrides: [String] = []

  @Option(help: "Multiply the counts of the entity types that scale (those that are subjects).")
  var scale: Double = 1

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var file: FileOptions

  func run() throws {
    let schema = try GraphSchema.read(
      URL(fileURLWithPath: schema), overrides: overrides, scale: scale)
    let url = URL(fileURLWithPath: out)
    try Inputs.refuse(url, writingOver: [URL(fileURLWithPath: self.schema)])
    let graph = try GraphGenerator(
      schema: schema, seed: Seed(seed), workers: workers.count
    ).write(to: url, overwrite: file.force, progress: ProgressReporter())
    if file.result.json { return try Output.json(graph) }
    var table = TextTable(["setting", "requested", "achieved"])
    for row in graph.statistics {
      table.add([row.setting, Readable.number(row.requested), Readable.number(row.achieved)])
    }
    Output.table(table)
    Output.line()
    GraphText.summary(graph.profile)
    let bits = graph.information
    Output.line(
      "information    \(Readable.number(bits.objects.rounded())) bits in objects, "
        + "\(Readable.number(bits.objectCounts.rounded())) in how many there are")
    Output.line(
      "wrote \(out) (\(schema.name), seed \(seed), content \(graph.contentHash.prefix(12)))")
    Output.next("kglab", "train", out, "--size", "30k", "--epochs", "20", "--out", "runs/a")
  }
}
