package import Foundation
package import KnowledgeGraph
import LabCore

/// Triples that a run is trained on in place of all, and their list in its folder.
///
/// The list has a line of three ids of the run's graph for each triple, in order.
package struct ChosenTriples: Hashable, Sendable {
  package static let fileName = "triples.tsv"

  package let triples: Set<Triple>
  let data: Data
  /// SHA-256 of the list.
  let hash: String

  /// Triples that the graph teaches.
  package init(_ triples: Set<Triple>) {
    self.triples = triples
    let lines = triples.sorted().map { "\($0.subject)\t\($0.predicate)\t\($0.object)\n" }
    data = Data(lines.joined().utf8)
    hash = ContentHash(of: data).hex
  }

  /// Reads the list of a run whose configuration names this hash.
  ///
  /// Throws `LabError` where it is missing or altered.
  static func read(in folder: URL, hash: String) throws -> ChosenTriples {
    let file = folder.appendingPathComponent(fileName)
    try FileCheck.verify(file, hash: hash, statedIn: RunFolder.recordName)
    let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    let triples = text.split(separator: "\n").compactMap { line -> Triple? in
      let ids = line.split(separator: "\t").compactMap { Int32($0) }
      return ids.count == 3 ? Triple(subject: ids[0], predicate: ids[1], object: ids[2]) : nil
    }
    return ChosenTriples(Set(triples))
  }

  /// The triples of a file, by name, in any format that can be imported.
  ///
  /// Throws `LabError` naming the line that is wrong.
  package init(in file: URL, of graph: KnowledgeGraph, fraction: Double) throws {
    let name = file.relativePath
    try self.init(
      named: TripleImporter(name: name).triples([TripleImporter.source(name)]).map {
        ($0.subject, $0.predicate, $0.object, "\(name):\($0.line)")
      }, in: graph, fraction: fraction)
  }

  /// The visible triples of a graph's fraction that have these names.
  ///
  /// Names that several entities share stand for all of them. `place` says in messages where the
  /// names are from. Throws `LabError` for names that are no triple, or one that is held out or
  /// outside the fraction.
  package init(
    named names: [(subject: String, predicate: String, object: String, place: String)],
    in graph: KnowledgeGraph, fraction: Double
  ) throws {
    let taught = Set(graph.statements(fraction: fraction).map(\.triple))
    var chosen: Set<Triple> = []
    for name in names {
      let words = "(\(name.subject), \(name.predicate), \(name.object))"
      guard let predicate = graph.predicate(named: name.predicate) else {
        throw LabError(
          "\(name.place): the graph has no predicate '\(name.predicate)'"
            + Suggestion.hint(for: name.predicate, in: graph.predicates.map(\.name)))
      }
      let objects = Set(graph.entities(named: name.object))
      let subjects = graph.entities(named: name.subject)
      let own = subjects.flatMap { subject in
        objects.map { Triple(subject: subject, predicate: predicate, object: $0) }
      }.filter(taught.contains)
      guard !own.isEmpty else {
        let isHeldOut = subjects.contains { subject in
          graph.query(subject: subject, predicate: predicate).map { query in
            graph.answers[query.answers].contains { objects.contains($0.object) }
          } ?? false
        }
        throw LabError(
          "\(name.place): \(words) "
            + (isHeldOut
              ? "is held out, or outside the fraction trained on: a model that saw it could not be measured on it; "
                + "leave the line out"
              : "is no triple of the graph, whose view triple_text has them all; mend the line or leave it out")
        )
      }
      chosen.formUnion(own)
    }
    guard !chosen.isEmpty else { throw LabError("no triples are chosen; give at least one") }
    self.init(chosen)
  }
}
