package import Foundation
import LabCore

/// What Datasette shows beside a graph file's tables: its `metadata.json`.
package struct DatasetteMetadata: Encodable {
  private struct Table: Encodable {
    var description: String
    var columns: [String: String] = [:]
    var sort: String?
    var facets: [String]?
  }

  private struct Query: Encodable {
    let title: String
    let sql: String
  }

  private struct Database: Encodable {
    let title: String
    let description: String
    let tables: [String: Table]
    let queries: [String: Query]
  }

  private let databases: [String: Database]

  /// Of one graph file; Datasette knows it by the file's name without its ending.
  ///
  /// Throws `LabError` when it is no graph file.
  package init(of url: URL) throws {
    let metadata = try GraphFile(url).metadata()
    let name = metadata[GraphFormat.Key.name] ?? url.deletingPathExtension().lastPathComponent
    let source = metadata[GraphFormat.Key.source] ?? "made"
    let seed = metadata[GraphFormat.Key.seed].map { " with seed \($0)" } ?? ""
    databases = [
      url.deletingPathExtension().lastPathComponent: Database(
        title: name,
        description: "A knowledge graph \(source) by kglab\(seed); content "
          + "\(metadata[GraphFormat.Key.contentHash] ?? "unknown")",
        tables: Self.tables, queries: Self.queries)
    ]
  }

  private static let triple = [
    "held_out": "Null where the triple is trained on; else the level at which it is hidden",
    "bits": "Information content under the generator; null in imported graphs",
    "exposures": "Presentations in an epoch of training",
    "derivation": "How an entailed triple follows from others; null where it was drawn",
    "inferable": "Of entailed triples: 1 where they follow from trained ones",
    "noise": "contradictory and stale are trained on and not true; duplicate is said twice",
  ]

  private static let tables: [String: Table] = [
    "metadata": Table(description: "Name, source, seed, schema, statistics and content hash"),
    "entity_type": Table(
      description: "Kinds of entities",
      columns: ["parent_id": "The type that this one is a kind of"]
    ),
    "entity": Table(description: "Everything that can be subject or object", sort: "id"),
    "predicate": Table(
      description: "Relations",
      columns: ["inverse_of_id": "The predicate that says the same from the object's side"]),
    "template": Table(description: "Phrasings of predicates for training in sentences"),
    "triple": Table(description: "Facts by id; triple_text has the names", columns: triple),
    "triple_text": Table(
      description: "Facts with names", columns: triple,
      facets: ["predicate", "held_out", "derivation", "noise"]),
    "query": Table(
      description: "Questions (subject, predicate, ?) with what training sees of their answers",
      columns: [
        "visibility": "fvs: all answers are trained on; pvs: some are; ivs: none is",
        "answer_count": "True objects of the pair", "visible_count": "Those that are trained on",
      ], facets: ["predicate", "visibility"]),
  ]

  private static let queries: [String: Query] = [
    "visibility": Query(
      title: "How much of each predicate is visible",
      sql: """
        SELECT predicate, visibility, COUNT(*) AS queries, SUM(answer_count) AS triples FROM query
        GROUP BY predicate, visibility
        """),
    "popularity": Query(
      title: "p(o | p) in the trained triples",
      sql: """
        SELECT predicate, object, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER (PARTITION BY predicate) AS share
        FROM triple_text WHERE held_out IS NULL GROUP BY predicate, object ORDER BY predicate, share DESC
        """),
  ]
}
