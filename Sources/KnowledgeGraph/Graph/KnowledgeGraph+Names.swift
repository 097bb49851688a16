import KnowledgeGraph
import LabCore

/// Finds what a question's names mean.
struct QuestionNames {
  private let graph: KnowledgeGraph

  init(_ graph: KnowledgeGraph) { self.graph = graph }

  /// The entities and the predicate of these names.
  ///
  /// Throws `LabError` with the nearest names for one that is unknown.
  func resolve(
    _ subject: String, _ predicate: String
  ) throws -> (subjects: [Int32], predicate: Int32) {
    guard let relation = graph.predicate(named: predicate) else {
      throw LabError(
        "the graph has no predicate '\(predicate)'"
          + Suggestion.hint(for: predicate, in: graph.predicates.map(\.name)))
    }
    let subjects = graph.entities(named: subject)
    guard subjects.isEmpty else { return (subjects, relation) }
    throw LabError("the graph has no entity '\(subject)'\(nearest(to: subject))")
  }

  /// Up to three names within reach of a typing error, nearest first.
  private func nearest(to name: String) -> String {
    let reach = max(2, name.count / 3)
    let near = Set(graph.entities.map(\.name))
      .map { (name: $0, distance: Suggestion.distance(name.lowercased(), $0.lowercased())) }
      .filter { $0.distance <= reach }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    let names = near.prefix(3).map { "'\($0.name)'" }
    return names.isEmpty
      ? "; the table entity of the graph's file lists its names"
      : "; did you mean \(names.joined(separator: " or "))?"
  }
}
