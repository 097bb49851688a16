package import Foundation
package import LabCore

/// A graph file that was just imported.
package struct ImportedGraph: Encodable, Sendable {
  package let name: String
  package let contentHash: String
  package let profile: GraphProfile
  package let report: ImportReport
  /// Nil where nothing is held out.
  package let split: SplitAudit?
}

/// Makes a graph file of triples in text: tab-separated, OpenKE ids, N-Triples or JSON lines.
///
/// A folder with train, valid and test files brings its own split: the triples of valid and test
/// are held out. The triples of plain files are all trained on but for `heldOut`. Ids are those of
/// the files that give them, else names are numbered in the order of their bytes, so that the order
/// of lines does not matter.
package struct TripleImporter: Sendable {
  package let name: String
  package let columns: ColumnOrder
  package let heldOut: HeldOutShares
  package let seed: Seed
  /// Nil: as the files' names say.
  package var format: TripleFormat?
  /// Whether the first line of tab-separated files is no triple.
  package var skipsHeader = false
  /// How names with tabs or line ends stand in tab-separated and OpenKE files.
  package var escape = NameEscape.marked
  /// The IRI under which names stand in N-Triples.
  package var base = TermNames.defaultBase
  /// Whether malformed lines of triples are left out and counted; else the first one ends the
  /// import.
  package var skipsMalformed = false

  package init(
    name: String, columns: ColumnOrder = .default, heldOut: HeldOutShares = HeldOutShares(),
    seed: Seed = Seed(0)
  ) {
    self.name = name
    self.columns = columns
    self.heldOut = heldOut
    self.seed = seed
  }

  /// Reads `sources`, which are files or one folder, and writes the graph to `url`.
  ///
  /// Throws `LabError` naming file and line for a malformed line; nothing is written then.
  package func write(
    _ sources: [URL], to url: URL, overwrite: Bool = false, progress: ProgressReporter = .silent
  ) throws -> ImportedGraph {
    try GraphWriter.refuseToReplace(url, overwrite: overwrite)
    var collector = TripleCollector(skipsMalformed: skipsMalformed, progress: progress)
    let reading = try read(sources, into: &collector)
    let written = try GraphWriter.write(to: url, overwrite: overwrite) { writer in
      let report: ImportReport
      var split: SplitAudit?
      if collector.hasHeldOut || heldOut != HeldOutShares() {
        var both = SinkPair(first: writer, second: SplitAuditor())
        report = try emit(&collector, reading, into: &both, progress)
        writer = both.first
        split = both.second.finish()
      } else {
        report = try emit(&collector, reading, into: &writer, progress)
      }
      let metadata = [
        GraphFormat.Key.name: name, GraphFormat.Key.source: "imported",
        GraphFormat.Key.importReport: try GraphFormat.json(report),
      ]
      return (metadata, (report: report, split: split))
    }
    progress.finish()
    return ImportedGraph(
      name: name, contentHash: written.contentHash, profile: written.profile,
      report: written.told.report, split: written.told.split)
  }

  /// The graph in memory, without a file.
  package func load(_ sources: [URL]) throws -> KnowledgeGraph {
    var collector = TripleCollector(skipsMalformed: skipsMalformed)
    let reading = try read(sources, into: &collector)
    var builder = GraphBuilder()
    _ = try emit(&collector, reading, into: &builder, .silent)
    return builder.build()
  }

  /// The triples as they stand in the files, in order and without a graph.
  package func triples(_ sources: [URL]) throws -> [NamedTriple] {
    var collector = TripleCollector(keepsLines: true)
    _ = try read(sources, into: &collector)
    return zip(collector.entries, collector.lines ?? []).map { entry, line in
      NamedTriple(
        subject: TripleEmitter.name(collector.entities[Int(entry.subject)]),
        predicate: collector.predicates.text(Int(entry.predicate)),
        object: TripleEmitter.name(collector.entities[Int(entry.object)]), line: line)
    }
  }

  /// The file or folder that a user names; "-" is standard input.
  package static func source(_ path: String) -> URL {
    URL(fileURLWithPath: path == "-" ? "/dev/stdin" : path)
  }

  /// The files that were read, and the format of what is no list of names.
  private typealias Reading = (files: [ImportReport.File], format: TripleFormat)

  private func read(
    _ sources: [URL], into collector: inout TripleCollector
  ) throws -> Reading {
    let splits = try SplitFiles(sources, format: format)
    guard splits.files.allSatisfy(\.isTrained) || heldOut == HeldOutShares() else {
      throw LabError(
        "--hold-out: \(sources[0].relativePath) has valid or test files, which say what is held out; "
          + "leave out --hold-out, or give the train file alone", .usage)
    }
    try check(splits)
    var read = try readNames(splits, into: &collector).map { url, lineCount in
      ImportReport.File(
        name: url.lastPathComponent, isTrained: true, lineCount: lineCount, holdsNames: true)
    }
    for file in splits.files {
      let before = collector.entries.count
      let lineCount = try self.read(file, into: &collector)
      // A folder may have nothing to train on, as the export of a graph that is all held out.
      guard collector.entries.count > before || splits.files.count > 1 && splits.folder != nil
      else {
        throw LabError(
          "\(file.url.relativePath) \(lineCount == 0 ? "is empty" : "holds no triple"); give one triple "
            + "a line\(Self.complaint(collector.skipped))")
      }
      read.append(
        .init(
          name: file.url.lastPathComponent, isTrained: file.isTrained, lineCount: lineCount,
          holdsNames: nil))
    }
    guard !collector.entries.isEmpty else {
      throw LabError(
        "\(sources[0].relativePath) holds no triple; give one triple a line in one of its files"
          + Self.complaint(collector.skipped))
    }
    guard !collector.hasHeldOut || heldOut == HeldOutShares() else {
      throw LabError(
        "--hold-out: the lines of \(sources[0].relativePath) say what is held out; leave out --hold-out",
        .usage)
    }
    return (read, splits.files.first?.format ?? .tsv)
  }

  /// The first malformed line, where all were.
  private static func complaint(_ skipped: SkippedLines?) -> String {
    skipped?.first.first.map { " (malformed lines: \(skipped?.count ?? 0), the first \($0))" } ?? ""
  }

  /// Throws `LabError` for options that the formats of the files have no use for.
  private func check(_ splits: SplitFiles) throws {
    let formats = splits.files.map(\.format)
    if let format = formats.first(where: { $0 == .text }) {
      throw LabError(
        "--format \(format.rawValue): training text cannot be read back; import the graph's triples",
        .usage)
    }
    for (option, isSet) in [("--columns", columns != .default), ("--header", skipsHeader)]
    where isSet && !formats.contains(.tsv) {
      throw LabError(
        "\(option) is for tab-separated text, and \(splits.files[0].url.relativePath) is read as "
          + "\(formats[0].rawValue); leave it out, or give --format tsv", .usage)
    }
  }

  /// Reads the files of ids, where there are any.
  private func readNames(
    _ splits: SplitFiles, into collector: inout TripleCollector
  ) throws -> [(url: URL, lineCount: Int)] {
    guard let folder = splits.folder, let format = splits.files.first?.format else { return [] }
    if format == .openke {
      return try OpenKEReader(escape: escape).readNames(in: folder, into: &collector)
    }
    guard splits.files.allSatisfy({ $0.format == .tsv }) else { return [] }
    return try IdentifierMaps(escape: escape).read(in: folder, into: &collector)
  }

  private func read(
    _ file: SplitFiles.File, into collector: inout TripleCollector
  ) throws -> Int {
    switch file.format {
    case .tsv, .text:
      try TabularReader(columns: columns, escape: escape, skipsHeader: skipsHeader)
        .read(file.url, isTrained: file.isTrained, into: &collector)
    case .openke:
      try OpenKEReader(escape: escape).readTriples(
        file.url, isTrained: file.isTrained, into: &collector)
    case .ntriples:
      try NTriplesReader(names: TermNames(base: base)).read(
        file.url, isTrained: file.isTrained, into: &collector)
    case .jsonl:
      try JSONLinesReader().read(file.url, isTrained: file.isTrained, into: &collector)
    }
  }

  private func emit(
    _ collector: inout TripleCollector, _ reading: Reading, into sink: inout some GraphSink,
    _ progress: ProgressReporter
  ) throws -> ImportReport {
    let emitter = TripleEmitter(holdOut: heldOut, seed: seed, progress: progress)
    let dropped = try emitter.emit(&collector, into: &sink)
    return ImportReport(
      files: reading.files, repeatedCount: dropped.repeated, alsoTrainedCount: dropped.alsoTrained,
      format: reading.format, base: reading.format == .ntriples ? base : nil,
      skipped: collector.skipped)
  }
}
