import Evaluation
import Foundation
package import KnowledgeGraph

/// Scores that ask no model: what a detector has to beat.
package enum SentenceBaseline: String, CaseIterable, Sendable {
  /// -log p(o | p) from counts of the triples trained on, with add-one smoothing.
  case objectPrior = "object-prior"
  /// Tokens of the answer.
  case objectLength = "object-length"
  /// Minus the presentations of the subject in an epoch: its trained triples, each as often as it
  /// is shown.
  case subjectExposure = "subject-exposure"
}

/// Counts of the triples that a model was trained on.
package struct TripleBaselines: Sendable {
  private let graph: KnowledgeGraph
  private let objectCounts: [ObjectKey: Int]
  private let tripleCounts: [Int]
  private let distinctCounts: [Int]
  private let subjectCounts: [Int32: Int]

  private struct ObjectKey: Hashable {
    let predicate: Int32
    let object: Int32
  }

  /// Counts the different triples that the training text of the nested `fraction` of a graph says,
  /// false ones among them.
  package init(graph: KnowledgeGraph, fraction: Double) {
    var objects: [ObjectKey: Int] = [:]
    var triples = Array(repeating: 0, count: graph.predicates.count)
    var distinct = triples
    var subjects: [Int32: Int] = [:]
    for statement in graph.statements(fraction: fraction) {
      let triple = statement.triple
      let key = ObjectKey(predicate: triple.predicate, object: triple.object)
      if objects[key] == nil { distinct[Int(triple.predicate)] += 1 }
      objects[key, default: 0] += 1
      triples[Int(triple.predicate)] += 1
      subjects[triple.subject, default: 0] += Int(statement.exposures)
    }
    self.graph = graph
    objectCounts = objects
    tripleCounts = triples
    distinctCounts = distinct
    subjectCounts = subjects
  }

  /// -log((c + 1) / (N + D + 1)) in nats for a name given as an answer to a predicate.
  ///
  /// c of the predicate's N trained triples have an object of that name, among D different objects;
  /// the last 1 is for all names never seen. A function of name and predicate alone, never of the
  /// verdict.
  package func objectSurprise(of name: String, predicate: Int32) -> Double {
    let count = graph.entities(named: name).reduce(0) {
      $0 + (objectCounts[ObjectKey(predicate: predicate, object: $1)] ?? 0)
    }
    let place = Int(predicate)
    return -log(Double(count + 1) / Double(tripleCounts[place] + distinctCounts[place] + 1))
  }

  /// The score of an answer.
  package func value(of baseline: SentenceBaseline, for judged: JudgedAnswer) -> Double {
    switch baseline {
    case .objectPrior:
      objectSurprise(
        of: judged.answer.text, predicate: graph.queries[judged.query].predicate)
    case .objectLength: Double(judged.answer.tokens.count)
    case .subjectExposure: -Double(subjectCounts[judged.subject] ?? 0)
    }
  }
}
