import KnowledgeGraph
import LabCore
import Testing

struct VerdictTests {
  static func graph(statedTypes: Bool) -> KnowledgeGraph {
    var builder = GraphBuilder(
      entityTypes: [EntityType(name: "person"), EntityType(name: "city")],
      entities: [
        Entity(name: "Ada", type: 0), Entity(name: "Bob", type: 0), Entity(name: "Rome", type: 1),
        Entity(name: "Oslo", type: 1), Entity(name: "Bern", type: 1), Entity(name: "Rome", type: 0),
      ],
      predicates: [
        Predicate(
          name: "born in", subjectType: statedTypes ? 0 : nil, objectType: statedTypes ? 1 : nil)
      ])
    builder.add(Triple(subject: 0, predicate: 0, object: 2), isVisible: true)
    builder.add(Triple(subject: 0, predicate: 0, object: 3), isVisible: false)
    builder.add(Triple(subject: 1, predicate: 0, object: 3), isVisible: true)
    return builder.build()
  }

  @Test(arguments: [true, false])
  func eachKindOfAnswerHasItsVerdict(statedTypes: Bool) throws {
    let graph = Self.graph(statedTypes: statedTypes)
    let query = try #require(graph.query(subject: 0, predicate: 0))
    #expect(query.visibility == .pvs)
    #expect(graph.verdict(on: "Rome", for: query) == .correct)
    #expect(graph.verdict(on: "Oslo", for: query) == .correctHeldOut)
    #expect(graph.verdict(on: "Bern", for: query) == .wrongObject)
    #expect(graph.verdict(on: "Bob", for: query) == .wrongType)
    #expect(graph.verdict(on: "Atlantis", for: query) == .invented)
    #expect(graph.verdict(on: "", for: query) == .malformed)
    #expect(graph.verdict(on: nil, for: query) == .malformed)
    let other = try #require(graph.query(subject: 1, predicate: 0))
    // One of the two entities of this name has the right type.
    #expect(graph.verdict(on: "Rome", for: other) == .wrongObject)
    #expect(graph.query(subject: 2, predicate: 0) == nil)
    #expect(graph.entities(named: "Rome") == [2, 5])
  }
}
