/// What is in a graph, in numbers.
package struct GraphProfile: Encodable, Hashable, Sendable {
  /// How many entities a type has.
  package struct TypeCount: Encodable, Hashable, Sendable {
    package let name: String
    package let entityCount: Int
  }

  /// One predicate's numbers.
  package struct PredicateProfile: Encodable, Hashable, Sendable {
    package let name: String
    package let subjectType: String?
    package let objectType: String?
    package let queries: VisibilityCounts
    package let tripleCount: Int
    package let distinctObjectCount: Int
    /// Sum of the triples' information in bits; nil for imported graphs.
    package let bits: Double?
    /// See `GraphProfile.guessRate`.
    package let guessRate: Double?
  }

  /// A count for each visibility.
  package struct VisibilityCounts: Encodable, Hashable, Sendable {
    package var fvs = 0
    package var pvs = 0
    package var ivs = 0

    package var total: Int { fvs + pvs + ivs }
    package subscript(visibility: Visibility) -> Int {
      switch visibility {
      case .fvs: fvs
      case .pvs: pvs
      case .ivs: ivs
      case .unknown: 0
      }
    }
  }

  /// Triples by whether and why they are kept from training.
  package struct TripleCounts: Encodable, Hashable, Sendable {
    package var trained = 0
    package var heldOutObject = 0
    package var heldOutQuery = 0
    package var heldOutSubject = 0

    package var total: Int { trained + heldOutObject + heldOutQuery + heldOutSubject }
  }

  /// What training presents, and how often.
  package struct TrainingCounts: Encodable, Hashable, Sendable {
    /// Different triples that the training text states, false ones included.
    package var statements = 0
    /// Presentations in one epoch.
    package var presentations = 0
    /// Statements that are presented once an epoch: the numerator of the singleton (monofact)
    /// share.
    package var singletons = 0
    package var contradictory = 0
    package var stale = 0
    package var duplicate = 0

    package var singletonShare: Double { Double(singletons) / Double(max(1, statements)) }
  }

  /// Entailed triples by what training shows of them.
  package struct EntailedCounts: Encodable, Hashable, Sendable {
    package var trained = 0
    /// Held out, while the triples that they follow from are trained on.
    package var heldOutInferable = 0
    /// Held out with what they follow from.
    package var heldOutUnknowable = 0

    package var total: Int { trained + heldOutInferable + heldOutUnknowable }
  }

  /// How many queries have this many answers.
  package struct AnswerCount: Encodable, Hashable, Sendable {
    package let answers: Int
    package let queries: Int
  }

  package let entityTypes: [TypeCount]
  package let predicates: [PredicateProfile]
  package let queries: VisibilityCounts
  package let triples: TripleCounts
  package let training: TrainingCounts
  package let entailed: EntailedCounts
  /// How many queries have how many answers, by rising number of answers.
  package let answersPerQuery: [AnswerCount]
  /// Mean over queries of 1 / (number of answers): the best possible recall of a single guess.
  package let meanReciprocalAnswers: Double
  /// Sum of the triples' information in bits; nil for imported graphs.
  package let bits: Double?
  /// The chance that one draw from the trained triples' p(o | p) answers an invisible query.
  ///
  /// A mean over the invisible (IVS) queries: how often a query that was never taught is guessed
  /// right at temperature 1 by who knows the predicate's object frequencies and nothing else. Nil
  /// without invisible queries.
  package let guessRate: Double?
  /// Answers of invisible queries that training shows for the predicate with other subjects, and
  /// all.
  package let knownInvisibleAnswerCount: Int
  package let invisibleAnswerCount: Int
  /// Queries hidden one by one, not with their subject.
  let heldOutQueryCount: Int
  /// Queries with several answers that are not invisible.
  let visibleSeveralCount: Int

  var entityCounts: [Int] { entityTypes.map(\.entityCount) }
}
