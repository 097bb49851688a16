package import Foundation
package import LabCore

/// What an export wrote.
package struct ExportReport: Encodable, Hashable, Sendable {
  package let format: TripleFormat
  package let files: [ExportedFile]
  package let tripleCount: Int
  /// Of these triples, those that are not trained on.
  package let heldOutCount: Int
  /// Names that entities share with others, where the format cannot tell them apart; else 0.
  package let mergedNameCount: Int
  /// Triples that are trained on without being true, where the format has no place for them; else
  /// 0.
  package let leftOutFalsehoodCount: Int
  /// Whether what is held out can be read from the files.
  package let isSplit: Bool
  /// The IRI under which names stand in N-Triples; nil for other formats.
  package let base: String?
}

/// Writes a graph file as text: tab-separated, OpenKE ids, N-Triples, JSON lines or training text.
package struct GraphExporter: Sendable {
  /// Nil: as the name of what is written says; a folder of tab-separated text where it says
  /// nothing.
  package var format: TripleFormat?
  /// Whether to write a folder with train, valid and test.
  package var isSplit = false
  /// Whether to compress the files of a folder; a single file is compressed where its name ends in
  /// .gz.
  package var isCompressed = false
  /// How names with tabs or line ends stand in tab-separated and OpenKE files.
  package var escape = NameEscape.marked
  /// The IRI under which names stand in N-Triples; nil: that of the graph's import, else the
  /// default.
  package var base: String?
  /// The nested share of the graph's queries to write, in (0, 1].
  package var fraction: Double = 1

  package init() {}

  /// Writes the graph file `graph` to `url`, a file or a folder.
  ///
  /// Streams from SQLite: memory grows with the names, not with the triples. Throws `LabError`
  /// where `url` exists and `overwrite` is false, where a name cannot be written, or when the disk
  /// is full; nothing is left behind then.
  package func write(
    _ graph: URL, to url: URL, overwrite: Bool = false, progress: ProgressReporter = .silent
  ) throws -> ExportReport {
    let format = try chosenFormat(url)
    let isFolder =
      format == .openke || isSplit
      || (format == .tsv && self.format == nil && TripleFormat.ending(of: url).isEmpty)
      || (format == .tsv && FileKind.of(url) == .folder)
    guard isFolder || !isCompressed || TripleFormat.isCompressed(url) else {
      throw LabError("--gzip is for the files of a folder; end the file's name in .gz", .usage)
    }
    guard self.base == nil || format == .ntriples else {
      throw LabError("--base is for N-Triples (.nt), not for \(format.rawValue)", .usage)
    }
    let place = OutputPlace(url: url, isFolder: isFolder)
    try place.check(overwrite: overwrite)
    let file = try GraphFile(graph)
    guard fraction > 0, fraction <= 1 else {
      throw LabError("--fraction \(fraction): must be above 0 and at most 1", .usage)
    }
    let base = try base ?? importBase(file) ?? TermNames.defaultBase
    let notation = TripleNotation(format: format, escape: escape, terms: try TermNames(base: base))
    return try place.write(overwrite: overwrite) { temporary in
      let files = try ExportFiles(
        temporary, format: format, isFolder: isFolder,
        isCompressed: isFolder ? isCompressed : TripleFormat.isCompressed(url),
        counts: try format == .openke ? counts(of: file, notation, progress) : nil)
      defer { files.abandon() }
      var sink = TripleExportSink(notation, fraction: fraction, to: files, progress: progress)
      try file.read(into: &sink)
      try sink.endNames()
      let written = try files.finish()
      progress.finish()
      let canTell = format == .openke || format == .jsonl
      return ExportReport(
        format: format,
        files: isFolder
          ? written
          : written.map {
            ExportedFile(
              name: url.lastPathComponent, lineCount: $0.lineCount, byteCount: $0.byteCount)
          }, tripleCount: sink.triples.reduce(0, +),
        heldOutCount: sink.triples[1] + sink.triples[2],
        mergedNameCount: canTell ? 0 : sink.sharedNameCount ?? 0,
        leftOutFalsehoodCount: sink.falsehoodCount,
        isSplit: isFolder || format == .jsonl, base: format == .ntriples ? base : nil)
    }
  }

  private func chosenFormat(_ url: URL) throws -> TripleFormat {
    let ending = TripleFormat.ending(of: url)
    guard let format = format ?? TripleFormat.named(by: url) ?? (ending.isEmpty ? .tsv : nil) else {
      let known = TripleFormat.allCases.map(\.rawValue)
      throw LabError(
        "\(url.relativePath): .\(ending) names no format\(Suggestion.hint(for: ending, in: known)); "
          + "end the name in .tsv, .nt or .jsonl (and .gz), or give --format", .usage)
    }
    guard format != .text || !isSplit else {
      throw LabError(
        "--split: training text holds what is trained on, so that there is nothing to split", .usage
      )
    }
    guard format != .openke || !isCompressed else {
      throw LabError("--gzip: tools that read OpenKE files read plain ones; leave it out", .usage)
    }
    return format
  }

  /// Counts what an export will hold, by reading the graph once more.
  private func counts(
    of file: GraphFile, _ notation: TripleNotation, _ progress: ProgressReporter
  ) throws -> ExportCounts {
    var sink = TripleExportSink(notation, fraction: fraction, to: nil, progress: progress)
    try file.read(into: &sink)
    return sink.counts
  }

  private func importBase(_ file: GraphFile) throws -> String? {
    guard let text = try file.metadata()[GraphFormat.Key.importReport] else { return nil }
    return try? CanonicalJSON.decode(ImportReport.self, from: Data(text.utf8)).base
  }
}
