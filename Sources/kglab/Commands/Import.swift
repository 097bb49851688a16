import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Import triples from text.",
    discussion: """
      SOURCES are files of triples, or one folder with train, valid and test: the triples of valid and test \
      are then held out from training. Plain files are trained on, but for the shares given with \
      --hold-out: queries, subjects, and of the remaining queries with several answers those that lose some \
      of them. Formats are tab-separated text (.tsv, .txt), N-Triples (.nt), JSON lines (.jsonl) and folders \
      of OpenKE (entity2id.txt); each plain or .gz, or - for standard input. A malformed line ends the \
      import with its number, and nothing is written, unless --skip-malformed leaves such lines out. docs/import-export.md describes the formats and how names are kept.

      EXAMPLES:
        kglab import facts.tsv --hold-out query=0.1,subject=0.05,object=0.1 --out graph.sqlite
        kglab import datasets/umls --out umls.sqlite
        kglab import scores.tsv.gz --columns s,p,o,_ --header --out graph.sqlite
        kglab import dump.nt.gz --base http://example.org/ --skip-malformed --out graph.sqlite
        zstd -dc dump.nt.zst | kglab import - --format nt --out graph.sqlite
      """)

  @Argument(help: "Triple files, - for standard input, or one folder with train, valid and test.")
  var sources: [String]

  @Option(help: "The graph file to write (SQLite).")
  var out: String

  @Option(help: "What the files are: tsv, openke, nt or jsonl; by default as their names say.")
  var format: TripleFormat?

  @Option(
    help: "The columns of tab-separated text: head, relation, tail, and _ for each to skip.")
  var columns = "hrt"

  @Flag(help: "Skip the first line of tab-separated text.")
  var header = false

  @Option(
    help: "Names with backslash escapes: those marked by an export, all of them, or none.")
  var escape = NameEscape.marked

  @Option(help: "N-Triples: IRIs that begin so are names without it.")
  var base = TermNames.defaultBase

  @Option(
    help: ArgumentHelp(
      "Shares to keep from training, such as query=0.1,subject=0.05,object=0.1.",
      valueName: "shares"))
  var holdOut: String?

  @Option(help: "The seed of what is held out.")
  var seed: UInt64 = 0

  @Flag(help: "Leave out malformed lines; their number and the first ones are shown.")
  var skipMalformed = false

  @Option(help: "The graph's name; by default that of the first source.")
  var name: String?

  @OptionGroup var file: FileOptions

  func run() throws {
    let urls = sources.map(TripleImporter.source)
    try Inputs.refuse(URL(fileURLWithPath: out), writingOver: urls)
    var importer = TripleImporter(
      name: name ?? Self.name(of: urls[0]), columns: try ColumnOrder(columns),
      heldOut: try holdOut.map { try HeldOutShares(option: $0) } ?? HeldOutShares(),
      seed: Seed(seed))
    importer.format = format
    importer.skipsHeader = header
    importer.escape = escape
    importer.base = base
    importer.skipsMalformed = skipMalformed
    let graph = try importer.write(
      urls, to: URL(fileURLWithPath: out), overwrite: file.force, progress: ProgressReporter())
    if file.result.json { return try Output.json(graph) }
    GraphText.importReport(graph.report)
    GraphText.summary(graph.profile)
    GraphText.split(graph.split)
    Output.line("wrote \(out) (\(importer.name), content \(graph.contentHash.prefix(12)))")
    Output.next("kglab", "train", out, "--size", "30k", "--epochs", "20", "--out", "runs/a")
  }

  /// A file's name without its endings.
  private static func name(of url: URL) -> String {
    let plain = TripleFormat.isCompressed(url) ? url.deletingPathExtension() : url
    return plain.deletingPathExtension().lastPathComponent
  }
}

extension TripleFormat: ExpressibleByArgument {}
extension NameEscape: ExpressibleByArgument {}
