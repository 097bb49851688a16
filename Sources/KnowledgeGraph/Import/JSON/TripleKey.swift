/// The keys of a triple as a JSON object.
enum TripleKey: String, CaseIterable {
  case subject, predicate, object, split, bits, exposures, derivation, inferable, noise
  case subjectType = "subject_type"
  case objectType = "object_type"
  /// Tell entities of the same name and type apart.
  case subjectID = "subject_id"
  case objectID = "object_id"
  case heldOut = "held_out"

  /// Other names of the keys, as other tools write them.
  private static let synonyms: [(String, TripleKey)] = [
    ("s", .subject), ("head", .subject), ("h", .subject), ("p", .predicate),
    ("relation", .predicate), ("r", .predicate), ("o", .object), ("tail", .object), ("t", .object),
  ]

  /// Every spelling, as bytes.
  static let spellings: [(name: [UInt8], key: TripleKey)] =
    allCases.map { (Array($0.rawValue.utf8), $0) } + synonyms.map { (Array($0.0.utf8), $0.1) }
}
