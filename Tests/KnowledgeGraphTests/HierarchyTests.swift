import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Kinds of types, names that several share, and the truth about both.
struct HierarchyTests {
  static let text = """
    name: kinds
    entity_types:
      city: {count: 30, name: {model: opaque, prefix: c}}
      agent: {}
      company: {parent: agent, count: 40, name: {model: opaque, prefix: f}}
      person: {parent: agent, count: 200, name: {model: opaque, prefix: p}, ambiguous: 0.1}
      student: {parent: person, count: 50, name: {model: opaque, prefix: s}}
    predicates:
      seat: {subject: agent, object: city}
      friend: {subject: person, object: person}
      client: {subject: company, object: agent}
    """

  static func graph() throws -> KnowledgeGraph {
    try GraphGenerator(
      schema: try GraphSchema.parse(text, file: "kinds.yaml"), seed: Seed(2)
    ).generate()
  }

  @Test func kindsTakePartInThePredicatesOfTheirParents() throws {
    let graph = try Self.graph()
    #expect(graph.entityTypes.map(\.name) == ["city", "agent", "company", "person", "student"])
    #expect(graph.entityTypes.map(\.parent) == [nil, nil, 1, 1, 3])
    func types(_ predicate: String, _ end: (Int32, Answer) -> Int32) -> Set<String> {
      Set(
        graph.pairs(predicate).map {
          graph.entityTypes[Int(graph.entities[Int(end($0.subject, $0.answer))].type)].name
        })
    }
    #expect(graph.pairs("seat").count == 290)
    #expect(types("seat") { subject, _ in subject } == ["company", "person", "student"])
    #expect(graph.pairs("friend").count == 250)
    #expect(types("friend") { _, answer in answer.object } == ["person", "student"])
    #expect(types("client") { _, answer in answer.object } == ["company", "person", "student"])
  }

  @Test func aKindIsOfTheRightType() throws {
    let graph = try Self.graph()
    let query = try #require(
      graph.queries.first { graph.predicates[Int($0.predicate)].name == "friend" })
    let answer = graph.answers[query.answers.lowerBound].object
    func other(_ prefix: String) throws -> String {
      try #require(
        graph.entities.enumerated().first {
          $0.element.name.hasPrefix(prefix) && Int32($0.offset) != answer
        }
      ).element.name
    }
    #expect(graph.verdict(on: try other("s"), for: query) == .wrongObject)
    #expect(graph.verdict(on: try other("f"), for: query) == .wrongType)
  }

  @Test func theShareOfSharedNamesIsExact() throws {
    let graph = try Self.graph()
    let people = graph.entities.filter { graph.entityTypes[Int($0.type)].name == "person" }
    let counts = Dictionary(grouping: people, by: \.name).mapValues(\.count)
    #expect(people.count == 200 && counts.count == 190)
    #expect(counts.values.count { $0 == 2 } == 10 && counts.values.allSatisfy { $0 <= 2 })
    #expect(graph.hasAmbiguousNames)
  }

  @Test func aNamesakesAnswerIsTrueAsTheQuestionIsAsked() throws {
    let graph = try Self.graph()
    let friend = try #require(graph.predicate(named: "friend"))
    let shared = try #require(
      graph.entities.indices.first { graph.entities(named: graph.entities[$0].name).count == 2 })
    let both = graph.entities(named: graph.entities[shared].name)
    let queries = try both.map { try #require(graph.query(subject: $0, predicate: friend)) }
    let truth = graph.truth(of: queries[0])
    #expect(
      Set(truth.map(\.object)) == Set(queries.flatMap { graph.answers[$0.answers].map(\.object) }))
    let name = graph.entities[Int(graph.answers[queries[1].answers.lowerBound].object)].name
    #expect(graph.verdict(on: name, for: queries[0]) == .correct)
  }

  @Test func circlesOfKindsAreRefused() {
    expectFailure("comes back to") {
      try GraphSchema.parse(
        """
        name: round
        entity_types:
          a: {parent: b, count: 3, name: {model: opaque, prefix: a}}
          b: {parent: a, count: 3, name: {model: opaque, prefix: b}}
        predicates:
          p: {subject: a, object: b}
        """, file: "round.yaml")
    }
  }
}
