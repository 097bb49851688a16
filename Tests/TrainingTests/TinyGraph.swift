import Foundation
import KnowledgeGraph

/// Graphs made by hand for tests.
enum TinyGraph {
  /// `people` subjects with three predicates each; every seventh query is held out.
  static func people(_ people: Int) -> KnowledgeGraph {
    let types = [EntityType(name: "person"), EntityType(name: "city"), EntityType(name: "field")]
    var entities = (0..<people).map { Entity(name: "Ada\($0 % 7) Lund\($0 / 7)", type: 0) }
    let cities = Int32(entities.count)
    entities += (0..<9).map { Entity(name: "New Port\($0)", type: 1) }
    let fields = Int32(entities.count)
    entities += (0..<5).map { Entity(name: "Field\($0)", type: 2) }
    let predicates = [
      Predicate(name: "born in", subjectType: 0, objectType: 1),
      Predicate(name: "lives in", subjectType: 0, objectType: 1),
      Predicate(name: "works on", subjectType: 0, objectType: 2),
    ]
    var queries: [Query] = []
    var answers: [Answer] = []
    for person in 0..<people {
      for predicate in 0..<3 {
        let number = person * 3 + predicate
        let isVisible = number % 7 != 6
        let object =
          predicate == 2
          ? fields + Int32(person * 31 % 5) : cities + Int32((person * 17 + predicate * 5) % 9)
        queries.append(
          Query(
            subject: Int32(person), predicate: Int32(predicate),
            visibility: isVisible ? .fvs : .ivs, answers: answers.count..<(answers.count + 1),
            rank: Double(number % 100) / 100))
        answers.append(Answer(object: object, isVisible: isVisible, bits: 3))
      }
    }
    return KnowledgeGraph(
      entityTypes: types, entities: entities, predicates: predicates, queries: queries,
      answers: answers, contentHash: "people-\(people)")
  }
}

/// A fresh folder that is removed with the value's owner.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "kglab-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
