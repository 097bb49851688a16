import Foundation
import LabCore

/// What a generated graph is to look like; read from YAML by `GraphSchema.read`.
package struct GraphSchema: Codable, Hashable, Sendable {
  package var name: String
  package var description: String
  package var entityTypes: [EntityTypeSchema]
  package var predicates: [PredicateSchema]
  package var heldOut: HeldOutShares
  /// How often each triple is presented in an epoch; nil means once.
  package var exposures: ExposureModel?
  package var noise: NoiseShares?

  enum CodingKeys: String, SnakeCaseKey {
    case name, description, predicates, exposures, noise, entityTypes, heldOut
  }
}

/// A class of entities to invent.
package struct EntityTypeSchema: Codable, Hashable, Sendable {
  package var name: String
  package var count: Int
  package var names: NameModel
  /// Whether `--scale` multiplies the count.
  package var scales: Bool
  /// The type that this one is a kind of.
  package var parent: String?
  /// Share of the entities whose name another entity of the type has too, in (0, 1].
  package var ambiguous: Double?
}

/// How the names of an entity type are made; every name is used once, unless the type has ambiguous
/// names.
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
  /// Days of the years `from` to `to` as YYYY-MM-DD, the first `days` (at most 28) of each month.
  case monthDays(from: Int, to: Int, days: Int)
  /// `from`, `from` + `step`, ... to `to`, each divided by 10^`decimals`, with a unit: "172.5 cm".
  case quantity(from: Int, to: Int, step: Int, decimals: Int, unit: String)
  /// A letter A to Z for each "A", a digit for each "9", anything else as it stands.
  case code(pattern: String)
}

/// A relation to generate, and how.
///
/// A predicate is either drawn (`objects`, `coverage`, `popularity` and constraints count) or
/// derived from others, by `rule` or `inverseOf`. What is nil was not asked for.
package struct PredicateSchema: Codable, Hashable, Sendable {
  package var name: String
  package var subject: String
  package var object: String
  package var objects: ObjectCount
  /// Probability that a subject has the predicate at all, in (0, 1].
  package var coverage: Double
  package var popularity: Popularity
  package var constraints: Constraints?
  package var given: Dependence?
  package var rule: Rule?
  /// The predicate that says the same from the object's side.
  package var inverseOf: String?
  package var exposures: ExposureModel?
  package var noise: NoiseShares?
  /// Shares of its own; those of subjects hold for the whole graph.
  package var heldOut: HeldOutShares?
  package var templates: [String]?

  enum CodingKeys: String, SnakeCaseKey {
    case name, subject, object, objects, coverage, popularity, constraints, given, rule, exposures,
      noise, templates, inverseOf, heldOut
  }

  package var isDerived: Bool { rule != nil || inverseOf != nil }

  /// The constraints, none where none were asked for.
  var holding: Constraints { constraints ?? Constraints() }

  /// The chain that a derived predicate follows from; empty for a drawn one.
  var chain: [Rule.Step] {
    rule?.steps ?? inverseOf.map { [Rule.Step(predicate: $0, isInverse: true)] } ?? []
  }

  /// Whether some of its triples follow from others.
  package var hasEntailedTriples: Bool {
    isDerived || holding.symmetric || holding.transitive
  }
}

/// What holds for the triples of a predicate, whatever is drawn.
package struct Constraints: Codable, Hashable, Sendable {
  /// A subject has one object.
  package var functional = false
  /// An object has one subject.
  package var inverseFunctional = false
  /// Every triple holds in both directions; the second is entailed.
  package var symmetric = false
  /// Chains are closed: what follows is entailed.
  package var transitive = false
  /// No chain leads back to where it began.
  package var acyclic = false

  enum CodingKeys: String, SnakeCaseKey {
    case functional, symmetric, transitive, acyclic, inverseFunctional
  }

  /// Each by its key in a schema.
  static var all: [(key: String, path: WritableKeyPath<Constraints, Bool>)] {
    [
      ("functional", \.functional), ("inverse_functional", \.inverseFunctional),
      ("symmetric", \.symmetric), ("acyclic", \.acyclic), ("transitive", \.transitive),
    ]
  }

  /// The keys of those that hold.
  var keys: [String] { Self.all.filter { self[keyPath: $0.path] }.map(\.key) }
}

/// An object's dependence on another predicate's object of the same subject.
///
/// With probability `strength` the object is one of the `spread` objects that belong to the other
/// object, all equally likely; otherwise it is drawn by popularity.
package struct Dependence: Codable, Hashable, Sendable {
  package var predicate: String
  package var strength: Double
  package var spread: Int
}

/// A chain of predicates that composes a new one: "parent / parent".
package struct Rule: Codable, Hashable, Sendable {
  /// One step of a chain, forward or from object to subject ("^parent").
  package struct Step: Codable, Hashable, Sendable {
    package var predicate: String
    package var isInverse: Bool
  }

  package var steps: [Step]
}

/// How many presentations a triple gets in an epoch.
package enum ExposureModel: Codable, Hashable, Sendable {
  case constant(Int)
  case range(min: Int, max: Int)
  /// P(k) proportional to k^-exponent for k in 1 ... max.
  case zipf(exponent: Double, max: Int)
  /// The whole part of a Pareto variable with minimum 1: P(K >= k) = k^-shape, cut off at max.
  case pareto(shape: Double, max: Int)

  /// What the probability of each number of presentations, from 1, is proportional to.
  var weights: [Double] {
    switch self {
    case .constant(let count): (1...count).map { $0 < count ? 0 : 1 }
    case .range(let low, let high): (1...high).map { $0 < low ? 0 : 1 }
    case .zipf(let exponent, let high): (1...high).map { pow(Double($0), -exponent) }
    case .pareto(let shape, let high):
      (1...high).map { count in
        pow(Double(count), -shape) - (count == high ? 0 : pow(Double(count + 1), -shape))
      }
    }
  }
}

/// Shares of false and repeated statements among what is trained on, in [0, 1).
package struct NoiseShares: Codable, Hashable, Sendable {
  /// Of the queries with a visible answer: one more statement that contradicts it.
  package var contradictory = 0.0
  /// As above, flagged as an old state of affairs.
  package var stale = 0.0
  /// Of the visible triples: presented twice as often.
  package var duplicate = 0.0

  subscript(noise: Noise) -> Double {
    switch noise {
    case .contradictory: contradictory
    case .stale: stale
    case .duplicate: duplicate
    }
  }
}

/// The distribution of the number of distinct objects of a subject.
package enum ObjectCount: Codable, Hashable, Sendable {
  case constant(Int)
  case range(min: Int, max: Int)
  /// Poisson with this mean; a draw of 0 leaves the subject without the predicate.
  case poisson(mean: Double)
  /// P(n) proportional to n^-exponent for n in 1 ... max.
  case zipf(exponent: Double, max: Int)
  /// P(n) proportional to the n-th weight, counted from 0 objects.
  case weights([Double])
}

/// How often an object is drawn relative to the others of its type.
package enum Popularity: Codable, Hashable, Sendable {
  case uniform
  /// The k-th most popular object has weight k^-exponent.
  case zipf(exponent: Double)
  /// The k-th most popular object has the k-th weight, in the order given.
  case weights([Double])
}

/// What is kept from training: shares in [0, 1], below 1 for subjects and single objects.
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
