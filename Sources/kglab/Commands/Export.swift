import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a graph as text.",
    discussion: """
      The format is what the name after --out says (.tsv, .txt, .nt, .jsonl, each also with .gz), or \
      --format. A name without ending is a folder: train.txt and, where triples are held out, valid.txt and \
      test.txt, with the ids of names beside them. Format openke is a folder of ids, text is what training \
      shows in one epoch. Names keep every character; docs/import-export.md says how. The file or folder is \
      whole or not there at all.

      EXAMPLES:
        kglab export graph.sqlite --out facts
        kglab export graph.sqlite --out facts.tsv.gz
        kglab export graph.sqlite --out facts --format openke
        kglab export graph.sqlite --out facts.nt --base http://example.org/
        kglab export graph.sqlite --out corpus.jsonl --format text
      """)

  @Argument(help: "The graph file (SQLite).")
  var graph: String

  @Option(help: "The file or folder to write.")
  var out: String

  @Option(help: "What to write; by default as the name after --out says.")
  var format: TripleFormat?

  @Flag(help: "Write a folder with train, valid and test.")
  var split = false

  @Flag(help: "Compress the files of a folder.")
  var gzip = false

  @Option(
    help: ArgumentHelp(
      "Backslash escapes in tab-separated text: only for names that need them, and marked; for all; or none."
    ))
  var escape = NameEscape.marked

  @Option(
    help: ArgumentHelp(
      "N-Triples: the IRI that names stand under; by default that of the graph's import, else "
        + "\(TermNames.defaultBase)"))
  var base: String?

  @Option(help: "Nested share of the graph's queries to write, in (0, 1].")
  var fraction: Double = 1

  @Flag(help: "Replace the file or folder if it exists.")
  var force = false

  @OptionGroup var result: ResultOptions

  func run() throws {
    var exporter = GraphExporter()
    exporter.format = format
    exporter.isSplit = split
    exporter.isCompressed = gzip
    exporter.escape = escape
    exporter.base = base
    exporter.fraction = fraction
    let (source, url) = (URL(fileURLWithPath: graph), URL(fileURLWithPath: out))
    try Inputs.refuse(url, writingOver: [source])
    let report = try exporter.write(source, to: url, overwrite: force, progress: ProgressReporter())
    if result.json { return try Output.json(report) }
    show(report)
  }

  private func show(_ report: ExportReport) {
    for file in report.files {
      Output.line(
        "file           \(file.name): \(file.lineCount.grouped) lines, "
          + Readable.bytes(file.byteCount))
    }
    if report.mergedNameCount > 0 {
      Output.line(
        "merged         \(report.mergedNameCount.grouped) entities share another's name and cannot "
          + "be told from it here; jsonl and openke keep them apart")
    }
    if report.leftOutFalsehoodCount > 0 {
      Output.line(
        "left out       \(report.leftOutFalsehoodCount.grouped) triples that are taught without "
          + "being true; jsonl and text have them")
    }
    if report.heldOutCount > 0, !report.isSplit {
      Output.line(
        "held out       \(report.heldOutCount.grouped) triples, which the file does not mark; "
          + "--split writes them apart")
    }
    let count = report.tripleCount.grouped
    Output.line("wrote \(out) (\(report.format.rawValue), \(count) triples)")
    if report.format == .text {
      Output.next("kglab", "train", graph, "--size", "30k", "--epochs", "20", "--out", "runs/a")
    } else {
      Output.next("kglab", "import", out, "--out", "copy.sqlite")
    }
  }
}
