import Foundation
import KnowledgeGraph

/// Graphs made by hand for tests.
enum SmallGraph {
  /// `people` subjects with three predicates each; every seventh query is held out.
  static func people(_ people: Int) -> KnowledgeGraph {
    var builder = GraphBuilder(
      entityTypes: ["person", "city", "field"].map { EntityType(name: $0) },
      entities: (0..<people).map { Entity(name: "Ada\($0 % 7) Lund\($0 / 7)", type: 0) }
        + (0..<9).map { Entity(name: "New Port\($0)", type: 1) }
        + (0..<5).map { Entity(name: "Field\($0)", type: 2) },
      predicates: ["born in", "lives in", "works on"].enumerated().map {
        Predicate(name: $1, subjectType: 0, objectType: $0 == 2 ? 2 : 1)
      })
    for person in 0..<people {
      for predicate in 0..<3 {
        let number = person * 3 + predicate
        let object =
          predicate == 2 ? people + 9 + person * 31 % 5 : people + (person * 17 + predicate * 5) % 9
        builder.add(
          Triple(subject: Int32(person), predicate: Int32(predicate), object: Int32(object)),
          isVisible: number % 7 != 6)
      }
    }
    return builder.build()
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
