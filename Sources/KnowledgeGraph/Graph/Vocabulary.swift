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

/// What training sees of a query's answers: the three sets of arXiv 2408.07852, by our construction.
package enum Visibility: String, Codable, CaseIterable, Sendable {
  /// Fully visible: every answer is trained on.
  case fvs
  /// Partially visible: some answers are trained on, some are held out.
  case pvs
  /// Invisible: no answer is trained on.
  case ivs
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

/// A class of entities: "person", "city".
package struct EntityType: Hashable, Sendable {
  package let name: String

  package init(name: String) { self.name = name }
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

  package init(name: String, subjectType: Int32?, objectType: Int32?) {
    self.name = name
    self.subjectType = subjectType
    self.objectType = objectType
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

  package init(object: Int32, isVisible: Bool, bits: Double) {
    self.object = object
    self.isVisible = isVisible
    self.bits = bits
  }
}

/// The question (subject, predicate, ?) and where its answers are.
package struct Query: Hashable, Sendable {
  package let subject: Int32
  package let predicate: Int32
  package let visibility: Visibility
  /// Positions of its answers in `KnowledgeGraph.answers`, in order of object id; never empty.
  package let answers: Range<Int>
  /// A hash of the names of subject and predicate in [0, 1): the fraction f keeps queries with rank < f,
  /// so that smaller fractions are inside larger ones.
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
