import LabCore

extension KnowledgeGraph {
  /// The entities and the predicate of a question's names.
  ///
  /// Throws `LabError` with the nearest names for one that is unknown.
  package func resolve(
    _ subject: String, _ predicate: String
  ) throws -> (subjects: [Int32], predicate: Int32) {
    guard let relation = self.predicate(named: predicate) else {
      throw LabError(
        "the graph has no predicate '\(predicate)'"
          + Suggestion.hint(for: predicate, in: predicates.map(\.name)))
    }
    let subjects = entities(named: subject)
    guard subjects.isEmpty else { return (subjects, relation) }
    throw LabError("the graph has no entity '\(subject)'\(nearest(to: subject))")
  }

  /// Up to three names within reach of a typing error, nearest first.
  private func nearest(to name: String) -> String {
    let reach = max(2, name.count / 3)
    let near = Set(entities.map(\.name))
      .map { (name: $0, distance: Suggestion.distance(name.lowercased(), $0.lowercased())) }
      .filter { $0.distance <= reach }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    let names = near.prefix(3).map { "'\($0.name)'" }
    return names.isEmpty
      ? "; the table entity of the graph's file lists its names"
      : "; did you mean \(names.joined(separator: " or "))?"
  }
}
