package import Foundation
package import LabCore

/// A graph file that was just generated.
package struct GeneratedGraph: Encodable, Sendable {
  package let name: String
  package let seed: UInt64
  package let contentHash: String
  package let profile: GraphProfile
  package let statistics: [AchievedStatistic]
  package let information: InformationContent
}

extension GraphGenerator {
  /// Generates straight into a new SQLite file; memory does not grow with the number of triples.
  ///
  /// The same schema, seed and version of SQLite give the same bytes. Throws `LabError` when the
  /// file exists and `overwrite` is false, when it cannot be written, or on a request to stop; the
  /// file is then not there (or, when replacing one, the old one still is). `pageLimit` stops
  /// SQLite at that many pages of 8 KiB, as a full disk would.
  package func write(
    to url: URL, overwrite: Bool = false, progress: ProgressReporter = .silent,
    pageLimit: Int? = nil
  ) throws -> GeneratedGraph {
    let written = try GraphWriter.write(to: url, overwrite: overwrite, pageLimit: pageLimit) {
      writer in
      let tally = try run(into: &writer, progress: progress)
      let statistics = tally.statistics(of: self, profile: writer.profile())
      progress.update("indexing \(tally.factCount) triples")
      let metadata = [
        GraphFormat.Key.name: schema.name, GraphFormat.Key.source: "generated",
        GraphFormat.Key.seed: String(seed.value),
        GraphFormat.Key.schema: try GraphFormat.json(schema),
        GraphFormat.Key.statistics: try GraphFormat.json(statistics),
        GraphFormat.Key.information: try GraphFormat.json(tally.information),
      ]
      return (metadata, (statistics: statistics, information: tally.information))
    }
    progress.finish()
    return GeneratedGraph(
      name: schema.name, seed: seed.value, contentHash: written.contentHash,
      profile: written.profile, statistics: written.told.statistics,
      information: written.told.information)
  }
}
