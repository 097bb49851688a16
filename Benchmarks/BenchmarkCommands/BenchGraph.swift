import ArgumentParser
import Benchmarks
import Compute
import Console
import Corpus
import Foundation
import KnowledgeGraph
import LabCore

struct BenchGraph: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Time the making, reading, importing and asking of a graph, and its tokenizers.",
    discussion: """
      Files are written to a folder of their own under --folder and removed at the end. generate and \
      import end with a finished SQLite file, open begins with one; judge looks up a query and the \
      verdict on an answer; encode turns names into tokens, text builds training sequences. With --triples \
      that many made-up triples are imported and exported in every format instead, each once.

      EXAMPLES:
        kglab bench graph
        kglab bench graph --scale 300 --seconds 5
        kglab bench graph --schema kg-schemas/company.yaml --scale 10 --json
        kglab bench graph --triples 1000000
      """)

  @Option(help: "The schema, a YAML file.")
  var schema = "kg-schemas/academia.yaml"

  @Option(help: "Multiply the counts of the entity types that scale.")
  var scale: Double = 30

  @Option(help: "Measure import and export of this many triples instead.")
  var triples: Int?

  @Option(
    help: "Where files are written for the time of the measuring; by default the system's place.")
  var folder: String?

  @Option(help: "Seconds of measuring for each row.")
  var seconds: Double = 1

  @Flag(help: "A smoke test: as little measuring as possible, at scale 1.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws {
    try SecondsOption.check(seconds)
    try OptionRange.require(triples, 1...1_000_000_000, "--triples")
  }

  func run() throws {
    Interruption.heed()
    let parent = folder.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
    let place = parent.appendingPathComponent("kglab-bench-\(UUID().uuidString)")
    do {
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    } catch {
      throw LabError(
        "cannot write to \(parent.path): \(FailureReason.text(error)); choose another --folder")
    }
    defer { try? FileManager.default.removeItem(at: place) }
    let progress = ProgressReporter()
    if let triples {
      let rows = try ExchangeBenchmark(tripleCount: triples, folder: place).run {
        progress.update($0)
      }
      progress.finish()
      return try show(rows, "measured \(triples.grouped) triples, each work once")
    }
    let scale = quick ? 1 : scale
    let schema = try GraphSchema.read(URL(fileURLWithPath: schema), scale: scale)
    let budget = quick ? 1e-3 : seconds
    let benchmark = GraphBenchmark(schema: schema, seed: Seed(0), folder: place)
    var rows = try benchmark.run(seconds: budget) { progress.update($0) }
    rows += try TokenizerBenchmark(graph: benchmark.graph()).run(seconds: budget) {
      progress.update($0)
    }
    progress.finish()
    try show(rows, "measured \(schema.name) at scale \(Readable.number(scale)), one thread")
  }

  private func show(_ rows: [WorkRate], _ closing: String) throws {
    if output.json { return try Output.json(BenchReport("graph", rows)) }
    var table = TextTable(["work", "amount", "unit", "seconds", "a second", "peak MiB"])
    for row in rows {
      let isBytes = row.unit == "bytes"
      table.add([
        row.work, row.count.grouped, row.unit, Readable.number(row.seconds),
        isBytes
          ? String(format: "%.1f MB", row.perSecond / 1e6) : Int(row.perSecond).grouped,
        row.peakMemoryMiB.map { Int($0.rounded()).grouped } ?? "-",
      ])
    }
    Output.table(table)
    Output.line(closing)
    Output.line("next: kglab bench train, for the speed of training")
  }
}
