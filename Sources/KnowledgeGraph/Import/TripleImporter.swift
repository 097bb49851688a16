package import Foundation
package import LabCore

/// What was read by an import, and what of it did not become a triple of its own.
package struct ImportReport: Codable, Hashable, Sendable {
  /// One file that was read.
  package struct File: Codable, Hashable, Sendable {
    package let name: String
    /// Whether its triples are trained on; the others are held out.
    package let isTrained: Bool
    package let lineCount: Int

    enum CodingKeys: String, CodingKey {
      case name
      case isTrained = "is_trained"
      case lineCount = "line_count"
    }
  }

  package let files: [File]
  /// Lines that repeat a triple already read with the same role.
  package let repeatedCount: Int
  /// Held-out lines whose triple is trained on as well, and therefore not held out.
  package let alsoTrainedCount: Int

  enum CodingKeys: String, CodingKey {
    case files
    case repeatedCount = "repeated_count"
    case alsoTrainedCount = "also_trained_count"
  }
}

/// A graph file that was just imported.
package struct ImportedGraph: Codable, Sendable {
  package let name: String
  package let contentHash: String
  package let profile: GraphProfile
  package let report: ImportReport

  enum CodingKeys: String, CodingKey {
    case name, profile, report
    case contentHash = "content_hash"
  }
}

/// Makes a graph file of triples in tab-separated text.
///
/// A folder with train, valid and test files (.txt or .tsv) brings its own split: the triples of valid
/// and test are held out. The triples of plain files are all trained on but for `heldOut`.
package struct TripleImporter: Sendable {
  package let name: String
  package let columns: ColumnOrder
  package let heldOut: HeldOutShares
  package let seed: Seed

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
    var collector = TripleCollector()
    let report = try read(sources, into: &collector, progress)
    let written = try GraphWriter.write(to: url, overwrite: overwrite) { writer in
      progress.update("writing \(collector.entries.count) triples")
      try emit(collector, into: &writer)
      return [
        GraphFormat.Key.name: name,
        GraphFormat.Key.source: "imported",
        GraphFormat.Key.importReport: String(
          decoding: try CanonicalJSON.compact(report), as: UTF8.self),
      ]
    }
    progress.finish()
    return ImportedGraph(
      name: name, contentHash: written.contentHash, profile: written.profile, report: report)
  }

  /// The graph in memory, without a file.
  package func load(_ sources: [URL]) throws -> KnowledgeGraph {
    var collector = TripleCollector()
    _ = try read(sources, into: &collector, .silent)
    var builder = GraphBuilder()
    try emit(collector, into: &builder)
    return builder.build()
  }

  private func read(
    _ sources: [URL], into collector: inout TripleCollector, _ progress: ProgressReporter
  ) throws -> ImportReport {
    let files = try SplitFiles.find(sources)
    let hasSplit = files.contains { !$0.isTrained }
    guard !hasSplit || heldOut == HeldOutShares() else {
      throw LabError(
        "--hold-out: \(sources[0].relativePath) has valid or test files, which say what is held out; "
          + "leave out --hold-out, or give the train file alone", .usage)
    }
    var read: [ImportReport.File] = []
    for file in files {
      let lineCount = try collector.read(
        file.url, columns: columns, isTrained: file.isTrained, progress: progress)
      guard lineCount > 0 || !file.isTrained else {
        throw LabError("\(file.url.relativePath) is empty; give one triple a line")
      }
      read.append(
        .init(name: file.url.lastPathComponent, isTrained: file.isTrained, lineCount: lineCount))
    }
    let dropped = collector.sortAndDeduplicate()
    return ImportReport(
      files: read, repeatedCount: dropped.repeated, alsoTrainedCount: dropped.alsoTrained)
  }

  private func emit(_ collector: TripleCollector, into sink: inout some GraphSink) throws {
    try sink.begin(
      entityTypes: [EntityType(name: "entity")],
      predicates: collector.predicates.map {
        Predicate(name: $0, subjectType: nil, objectType: nil)
      })
    for name in collector.entities { try sink.add(Entity(name: name, type: 0)) }
    let holdOut = HoldOut(heldOut, seed: seed)
    let entityHashes = collector.entities.map { NameHash.hash($0) }
    let predicateHashes = collector.predicates.map { NameHash.hash($0) }
    for subject in collector.entries.chunked(by: { $0.triple.subject == $1.triple.subject }) {
      let isKnown = subject.contains { $0.isTrained }
      for query in subject.chunked(by: { $0.triple.predicate == $1.triple.predicate }) {
        let first = query[query.startIndex].triple
        let levels =
          query.allSatisfy(\.isTrained)
          ? holdOut.levels(
            subject: entityHashes[Int(first.subject)],
            predicate: predicateHashes[Int(first.predicate)], count: query.count
          ) { entityHashes[Int(query[query.startIndex + $0].triple.object)] }
          : Self.levels(of: query, subjectIsKnown: isKnown)
        for (entry, level) in zip(query, levels) {
          try sink.add(Fact(triple: entry.triple, heldOut: level, bits: nil))
        }
      }
    }
  }

  /// The levels that a given split amounts to.
  private static func levels(
    of query: ArraySlice<TripleCollector.Entry>, subjectIsKnown: Bool
  ) -> [HeldOutLevel?] {
    let isVisible = query.contains { $0.isTrained }
    let level: HeldOutLevel = isVisible ? .object : subjectIsKnown ? .query : .subject
    return query.map { $0.isTrained ? nil : level }
  }
}

extension RandomAccessCollection where Index == Int {
  /// Runs of neighbours that belong together.
  fileprivate func chunked(by together: (Element, Element) -> Bool) -> [SubSequence] {
    var runs: [SubSequence] = []
    var start = startIndex
    for index in indices.dropFirst() where !together(self[index - 1], self[index]) {
      runs.append(self[start..<index])
      start = index
    }
    if start < endIndex { runs.append(self[start..<endIndex]) }
    return runs
  }
}
