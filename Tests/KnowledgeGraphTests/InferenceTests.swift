import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// A held-out entailed triple can be told from one that nobody could know.
struct InferenceTests {
  static let predicates = """
      parent: {subject: person, object: person, objects: {min: 1, max: 2}, acyclic: true}
      child: {inverse_of: parent, held_out: {query: 0.5}}
      grandparent: {rule: parent / parent, held_out: {query: 0.4, object: 0.3}}
      knows: {subject: person, object: person, objects: 2, symmetric: true}
      inside: {subject: person, object: person, coverage: 0.9, acyclic: true, transitive: true}
    """

  static func graph() throws -> KnowledgeGraph {
    try SmallSchema.graph(
      predicates, people: 300,
      rest: "visibility: {held_out: {query: 0.2, subject: 0.05, object: 0.2}}")
  }

  @Test func inferableMeansThatThePremisesAreTrained() throws {
    let graph = try Self.graph()
    let parent = graph.edges("parent") { $0.isVisible }
    func inferable(_ name: String) -> Set<[Int32]> { graph.edges(name) { $0.isInferable } }
    #expect(inferable("child") == Set(parent.map { [$0[1], $0[0]] }))
    let composed = parent.flatMap { step in
      parent.filter { $0[0] == step[1] }.map { [step[0], $0[1]] }
    }
    #expect(inferable("grandparent") == Set(composed.filter { $0[0] != $0[1] }))
    let knows = graph.edges("knows") { $0.isVisible && $0.derivation == nil }
    #expect(
      graph.edges("knows") { $0.derivation == .symmetric && $0.isInferable }
        == Set(knows.map { [$0[1], $0[0]] }))
    let steps = graph.edges("inside") { $0.isVisible && $0.derivation == nil }
    var reach = steps
    while true {
      let more = reach.flatMap { pair in
        steps.filter { $0[0] == pair[1] }.map { [pair[0], $0[1]] }
      }
      let count = reach.count
      reach.formUnion(more)
      if reach.count == count { break }
    }
    #expect(
      graph.edges("inside") { $0.derivation == .transitive && $0.isInferable }
        == reach.subtracting(graph.edges("inside") { $0.derivation == nil }))
  }

  @Test func nothingHeldOutIsGivenAwayByATrainedConsequence() throws {
    let graph = try Self.graph()
    for pair in graph.queries.flatMap({ graph.answers[$0.answers] }) where pair.derivation != nil {
      #expect(!pair.isVisible || pair.isInferable)
    }
  }

  @Test func sharesOfEntailedQueriesCountThoseThatFollow() throws {
    let folder = try TemporaryFolder()
    let schema = try GraphSchema.parse(
      SmallSchema.text(
        Self.predicates, people: 2000,
        rest: "visibility: {held_out: {query: 0.2, subject: 0.05, object: 0.2}}"),
      file: "small.yaml")
    let url = folder["graph.sqlite"]
    let made = try GraphGenerator(schema: schema, seed: Seed(1), workers: 2).write(to: url)
    let rows = Dictionary(
      made.statistics.map { ($0.setting, $0) }, uniquingKeysWith: { first, _ in first })
    for (path, asked) in [("child", 0.5), ("grandparent", 0.4)] {
      let row = try #require(rows["predicates.\(path).held_out.query"])
      #expect(row.requested == asked && abs(row.achieved - asked) < 0.05, "\(row)")
    }
    let query = try #require(rows["visibility.held_out.query"])
    #expect(abs(query.achieved - 0.2) < 0.02, "\(query)")
    #expect(made.profile.entailed.heldOutInferable > 500)
    #expect(made.profile.entailed.heldOutUnknowable > 500)
    #expect(try GraphInspection(of: url).isSound)
  }
}
