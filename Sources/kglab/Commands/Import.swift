import ArgumentParser
import Foundation
import KnowledgeGraph
import LabCore

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Import triples from tab-separated text.",
    discussion: """
      SOURCES are files of triples, or one folder with train, valid and test (.txt or .tsv): the triples \
      of valid and test are then held out from training. Plain files are trained on, but for the shares \
      given with --hold-out: queries, subjects, and of the remaining queries with several answers those \
      that lose some of them.

      EXAMPLES:
        kglab import facts.tsv --hold-out query=0.1,subject=0.05,object=0.1 --out graph.sqlite
        kglab import datasets/umls --out umls.sqlite
        kglab import facts.tsv --columns htr --out graph.sqlite
      """)

  @Argument(help: "Triple files, or one folder with train, valid and test.")
  var sources: [String]

  @Option(help: "The graph file to write (SQLite).")
  var out: String

  @Option(help: "The order of head, relation and tail in a line.")
  var columns = "hrt"

  @Option(
    help: ArgumentHelp(
      "Shares to keep from training, such as query=0.1,subject=0.05,object=0.1.",
      valueName: "shares"))
  var holdOut: String?

  @Option(help: "The seed of what is held out.")
  var seed: UInt64 = 0

  @Option(help: "The graph's name; by default that of the first source.")
  var name: String?

  @Flag(help: "Replace the file if it exists.")
  var force = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let signals = Interruption.install()
    defer { withExtendedLifetime(signals) {} }
    let urls = sources.map { URL(fileURLWithPath: $0) }
    let importer = TripleImporter(
      name: name ?? urls[0].deletingPathExtension().lastPathComponent,
      columns: try ColumnOrder(columns),
      heldOut: try holdOut.map { try HeldOutShares(option: $0) } ?? HeldOutShares(),
      seed: Seed(seed))
    let graph = try importer.write(
      urls, to: URL(fileURLWithPath: out), overwrite: force, progress: ProgressReporter())
    if json { return try Output.json(graph) }
    GraphText.importReport(graph.report)
    GraphText.summary(graph.profile)
    Output.line("wrote \(out) (\(importer.name), content \(graph.contentHash.prefix(12)))")
    Output.line("next: kglab train \(out) --size 30k --epochs 20 --out runs/a")
  }
}
