/// A fact: subject, predicate and object, by their ids in one graph.
package struct Triple: Hashable, Sendable, Comparable {
  package let subject: Int32
  package let predicate: Int32
  package let object: Int32

  package init(subject: Int32, predicate: Int32, object: Int32) {
    self.subject = subject
    self.predicate = predicate
    self.object = object
  }

  package static func < (a: Triple, b: Triple) -> Bool {
    (a.subject, a.predicate, a.object) < (b.subject, b.predicate, b.object)
  }
}

/// What training sees of a query's answers: the three sets of arXiv 2408.07852, by our
/// construction.
package enum Visibility: String, Codable, CaseIterable, Sendable {
  /// Fully visible: every answer is trained on.
  case fvs
  /// Partially visible: some answers are trained on, some are held out.
  case pvs
  /// Invisible: no answer is trained on.
  case ivs
  /// What training saw is not known: the model was trained elsewhere.
  case unknown

  /// Those that a graph gives its queries.
  package static let allCases = [Visibility.fvs, .pvs, .ivs]
}

/// Why a triple is not trained on.
package enum HeldOutLevel: String, Codable, CaseIterable, Sendable {
  /// Single objects of a query with several answers are hidden, which makes it partially visible.
  case object
  /// All objects of a query are hidden, which makes it invisible.
  case query
  /// All queries of a subject are hidden; the subject is never a trained subject.
  case subject
}

/// How an entailed triple follows from others.
package enum Derivation: String, Codable, CaseIterable, Sendable {
  /// The mirror image of a triple of a symmetric predicate.
  case symmetric
  /// The same fact by a predicate that is the inverse of another.
  case inverse
  /// A chain of triples of a transitive predicate.
  case transitive
  /// A chain of triples as the rule of a composed predicate says.
  case rule
}

/// What is wrong with a statement of the training text.
package enum Noise: String, Codable, CaseIterable, Sendable {
  /// Not true, and said beside what is.
  case contradictory
  /// Not true any more; said like `contradictory`, but flagged as an old state of affairs.
  case stale
  /// True, and said twice as often as it should be.
  case duplicate

  /// Whether the statement is no triple of the graph's truth.
  package var isFalse: Bool { self != .duplicate }
}

/// What the training text says: a triple, how often, and what is wrong with it.
package struct TaughtTriple: Hashable, Sendable {
  package let triple: Triple
  /// Presentations in one epoch, at least 1.
  package let exposures: Int32
  package let noise: Noise?

  package init(triple: Triple, exposures: Int32 = 1, noise: Noise? = nil) {
    self.triple = triple
    self.exposures = exposures
    self.noise = noise
  }
}

/// A class of entities: "person", "city".
package struct EntityType: Hashable, Sendable {
  package let name: String
  /// Index of the type that this one is a kind of, or nil.
  package let parent: Int32?

  package init(name: String, parent: Int32? = nil) {
    self.name = name
    self.parent = parent
  }
}

/// A node of the graph; its id is its index in `KnowledgeGraph.entities`.
package struct Entity: Hashable, Sendable {
  package let name: String
  /// Index in `KnowledgeGraph.entityTypes`.
  package let type: Int32

  package init(name: String, type: Int32) {
    self.name = name
    self.type = type
  }
}

/// A relation; its id is its index in `KnowledgeGraph.predicates`.
package struct Predicate: Hashable, Sendable {
  package let name: String
  /// Index in `KnowledgeGraph.entityTypes`, or nil where the graph does not say (imported graphs).
  package let subjectType: Int32?
  /// Index in `KnowledgeGraph.entityTypes`, or nil where the graph does not say (imported graphs).
  package let objectType: Int32?
  /// Index of the predicate that says the same with subject and object exchanged, where the graph
  /// knows one.
  package let inverseOf: Int32?
  /// Phrasings that end with the object, such as "{subject} was born in {object}"; empty without
  /// any.
  package let templates: [String]

  package init(
    name: String, subjectType: Int32?, objectType: Int32?, inverseOf: Int32? = nil,
    templates: [String] = []
  ) {
    self.name = name
    self.subjectType = subjectType
    self.objectType = objectType
    self.inverseOf = inverseOf
    self.templates = templates
  }
}

/// One object of a query.
package struct Answer: Hashable, Sendable {
  /// Entity id.
  package let object: Int32
  /// Whether the triple is trained on.
  package let isVisible: Bool
  /// Information content in bits under the generator; NaN for imported graphs.
  package let bits: Double
  /// Presentations in one epoch where the triple is trained on, at least 1.
  package let exposures: Int32
  /// How the triple follows from others; nil where it stands for itself.
  package let derivation: Derivation?
  /// Whether the triple follows from triples that are trained on: if it is held out, it can be
  /// inferred.
  package let isInferable: Bool

  package init(
    object: Int32, isVisible: Bool, bits: Double, exposures: Int32 = 1,
    derivation: Derivation? = nil, isInferable: Bool = false
  ) {
    self.object = object
    self.isVisible = isVisible
    self.bits = bits
    self.exposures = exposures
    self.derivation = derivation
    self.isInferable = isInferable
  }
}

/// The question (subject, predicate, ?) and where its answers are.
package struct Query: Hashable, Sendable {
  package let subject: Int32
  package let predicate: Int32
  package let visibility: Visibility
  /// Positions of its answers in `KnowledgeGraph.answers`, in order of object id; never empty.
  package let answers: Range<Int>
  /// A hash of the names of subject and predicate in [0, 1): the fraction f keeps queries with
  /// rank < f, so that smaller fractions are inside larger ones.
  package let rank: Double

  package init(
    subject: Int32, predicate: Int32, visibility: Visibility, answers: Range<Int>, rank: Double
  ) {
    self.subject = subject
    self.predicate = predicate
    self.visibility = visibility
    self.answers = answers
    self.rank = rank
  }
}
