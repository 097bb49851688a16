package import Foundation
import KnowledgeGraph
package import LabCore

/// Time of importing and exporting a graph in every format.
package struct ExchangeBenchmark {
  private let tripleCount: Int
  private let folder: URL

  /// Works with files in `folder`, which must exist; they are left there.
  package init(tripleCount: Int, folder: URL) {
    self.tripleCount = tripleCount
    self.folder = folder
  }

  private var graph: URL { folder.appendingPathComponent("graph.sqlite") }
  private var source: URL { folder.appendingPathComponent("source.tsv") }

  /// Imports made-up triples, then writes and reads them in each format; each work is done once.
  ///
  /// `onProgress` is told which is under way. Throws `LabError.interrupted` between works on a
  /// request to stop, and what the works throw.
  package func run(onProgress: (String) -> Void = { _ in }) throws -> [WorkRate] {
    onProgress("writing \(tripleCount) lines")
    try writeSource()
    var rows: [WorkRate] = []
    func measure(_ work: String, _ body: () throws -> Int) throws {
      guard !Interruption.isRequested else {
        throw LabError.interrupted("interrupted before '\(work)'; nothing was kept")
      }
      onProgress(work)
      rows.append(try WorkRate.measure(work, unit: "triples", for: 0, body))
    }
    try measure("import tsv") { try read(source, to: graph) }
    for (name, format) in [
      ("a.tsv.gz", TripleFormat.tsv), ("openke", .openke), ("a.nt", .ntriples), ("a.jsonl", .jsonl),
    ] {
      let text = folder.appendingPathComponent(name)
      let label = format.rawValue + (TripleFormat.isCompressed(text) ? " gzip" : "")
      try measure("export \(label)") {
        var exporter = GraphExporter()
        exporter.format = format
        return try exporter.write(graph, to: text).tripleCount
      }
      try measure("import \(label)") {
        try read(text, to: folder.appendingPathComponent("copy.sqlite"))
      }
      try FileManager.default.removeItem(at: text)
    }
    try measure("export tsv") {
      try GraphExporter().write(graph, to: folder.appendingPathComponent("a.tsv")).tripleCount
    }
    try measure("export text") {
      var exporter = GraphExporter()
      exporter.format = .text
      return try exporter.write(graph, to: folder.appendingPathComponent("text.jsonl")).tripleCount
    }
    return rows
  }

  private func read(_ text: URL, to graph: URL) throws -> Int {
    try TripleImporter(name: "imported").write([text], to: graph, overwrite: true)
      .profile.triples.total
  }

  /// Lines in no order: five facts a subject by 20 predicates, objects by popularity.
  private func writeSource() throws {
    var stream = Seed(0).stream("benchmark/exchange")
    let subjects = max(1, tripleCount / 5)
    let objects = max(1, tripleCount / 20)
    var lines: [UInt8] = []
    for _ in 0..<tripleCount {
      let subject = stream.below(subjects)
      let place = stream.uniform()
      let object = Int(place * place * Double(objects))
      let predicate = stream.below(20)
      lines += "person number \(subject)\trelation \(predicate)\tthing \(object)\n".utf8
    }
    try AtomicFile.write(Data(lines), to: source)
  }
}
