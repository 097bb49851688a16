import KnowledgeGraph
import LabCore

/// Graphs of a few types whose predicates a test writes.
enum SmallSchema {
  /// People, things and predicates as YAML lines of two spaces' indentation.
  static func text(_ predicates: String, people: Int = 400, things: Int = 100, rest: String = "")
    -> String
  {
    """
    name: small
    entity_types:
      person: {count: \(people), name: {model: opaque, prefix: p}}
      thing: {count: \(things), name: {model: opaque, prefix: t}}
    predicates:
    \(predicates)
    \(rest)
    """
  }

  static func graph(
    _ predicates: String, people: Int = 400, things: Int = 100, rest: String = "", seed: UInt64 = 5,
    workers: Int = 1
  ) throws -> KnowledgeGraph {
    try GraphGenerator(
      schema: try GraphSchema.parse(
        text(predicates, people: people, things: things, rest: rest), file: "small.yaml"),
      seed: Seed(seed), workers: workers
    ).generate()
  }
}

extension KnowledgeGraph {
  /// Pairs of subject and object by predicate name, with the answers.
  func pairs(_ predicate: String) -> [(subject: Int32, answer: Answer)] {
    guard let id = self.predicate(named: predicate) else { return [] }
    return queries.filter { $0.predicate == id }.flatMap { query in
      answers[query.answers].map { (query.subject, $0) }
    }
  }

  /// The same as a set of two ids.
  func edges(_ predicate: String, where isIn: (Answer) -> Bool = { _ in true }) -> Set<[Int32]> {
    Set(pairs(predicate).filter { isIn($0.answer) }.map { [$0.subject, $0.answer.object] })
  }
}
