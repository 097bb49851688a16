/// What a generated graph is to look like; read from YAML by `GraphSchema.read`.
package struct GraphSchema: Codable, Hashable, Sendable {
  package var name: String
  package var description: String
  package var entityTypes: [EntityTypeSchema]
  package var predicates: [PredicateSchema]
  package var heldOut: HeldOutShares

  enum CodingKeys: String, CodingKey {
    case name, description, predicates
    case entityTypes = "entity_types"
    case heldOut = "held_out"
  }
}

/// A class of entities to invent.
package struct EntityTypeSchema: Codable, Hashable, Sendable {
  package var name: String
  package var count: Int
  package var names: NameModel
  /// Whether `--scale` multiplies the count.
  package var scales: Bool
}

/// How the names of an entity type are made; every name is used once within the type.
package enum NameModel: Codable, Hashable, Sendable {
  /// Invented words, one to several a name, from seeded pools that the names share.
  ///
  /// `parts` are the numbers of words, taken in turn by successive entities; `pools` the number of
  /// words for each position, or one number for a pool that all positions share.
  case multiPart(parts: [Int], pools: [Int], syllables: Int)
  /// A prefix and the entity's number: "person-000123".
  case opaque(prefix: String, digits: Int, start: Int)
  /// Whole numbers from `from` to `to`; years are written the same way.
  case integer(from: Int, to: Int)
  /// Days of the Gregorian calendar as YYYY-MM-DD, numbered from 1970-01-01.
  case date(from: Int, to: Int)
  /// A letter A to Z for each "A", a digit for each "9", anything else as it stands.
  case code(pattern: String)
}

/// A relation to generate, and how.
package struct PredicateSchema: Codable, Hashable, Sendable {
  package var name: String
  package var subject: String
  package var object: String
  package var objects: ObjectCount
  /// Probability that a subject has the predicate at all, in (0, 1].
  package var coverage: Double
  package var popularity: Popularity
}

/// The distribution of the number of distinct objects of a subject.
package enum ObjectCount: Codable, Hashable, Sendable {
  case constant(Int)
  case range(min: Int, max: Int)
  /// Poisson with this mean; a draw of 0 leaves the subject without the predicate.
  case poisson(mean: Double)
  /// P(n) proportional to n^-exponent for n in 1 ... max.
  case zipf(exponent: Double, max: Int)
}

/// How often an object is drawn relative to the others of its type.
package enum Popularity: Codable, Hashable, Sendable {
  case uniform
  /// The k-th most popular object has weight k^-exponent.
  case zipf(exponent: Double)
}

/// What is kept from training: shares in [0, 1).
package struct HeldOutShares: Codable, Hashable, Sendable {
  /// Of the queries with at least two answers that no other level hides: partially visible.
  package var object: Double
  /// Of all queries: invisible, on top of those of held-out subjects.
  package var query: Double
  /// Of all subjects: every query of theirs is invisible.
  package var subject: Double

  package init(object: Double = 0, query: Double = 0, subject: Double = 0) {
    self.object = object
    self.query = query
    self.subject = subject
  }
}
