/// What an answer to a query is; every case from `wrongObject` on except `abstained` is a
/// hallucination.
package enum Verdict: String, Codable, CaseIterable, Sendable {
  /// An answer of the query that is trained on.
  case correct
  /// True in the graph, never trained on.
  case correctHeldOut = "correct_held_out"
  /// An entity of the right type that is no answer of the query.
  case wrongObject = "wrong_object"
  /// An entity of another type than the predicate's objects.
  case wrongType = "wrong_type"
  /// No entity of the graph has this name.
  case invented
  /// No end token, a special token inside, or empty.
  case malformed
  /// The corpus taught the model to abstain, and it did.
  case abstained

  package var isHallucination: Bool {
    switch self {
    case .correct, .correctHeldOut, .abstained: false
    case .wrongObject, .wrongType, .invented, .malformed: true
    }
  }
}

extension KnowledgeGraph {
  /// The verdict on the name given as an answer, by look-up; nil means that the answer was
  /// malformed.
  ///
  /// Where several entities share the name, of the answer or of the subject, the most favourable of
  /// them counts. Where the graph does not state a predicate's object type, the types of the
  /// objects that the predicate has anywhere count.
  package func verdict(on name: String?, for query: Query) -> Verdict {
    guard let name, !name.isEmpty else { return .malformed }
    let candidates = entities(named: name)
    guard !candidates.isEmpty else { return .invented }
    let hits = truth(of: query).filter { candidates.contains($0.object) }
    if hits.contains(where: \.isVisible) { return .correct }
    if !hits.isEmpty { return .correctHeldOut }
    let types = objectTypes(of: query.predicate)
    return candidates.contains { types.contains(entities[Int($0)].type) }
      ? .wrongObject : .wrongType
  }

  /// Ids of the entity types that count as the right type for objects of a predicate.
  package func objectTypes(of predicate: Int32) -> Set<Int32> {
    objectTypesOfPredicates[Int(predicate)]
  }
}
