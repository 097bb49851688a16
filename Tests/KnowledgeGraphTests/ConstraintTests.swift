import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// What a schema promises of a predicate holds for every triple.
struct ConstraintTests {
  @Test func inverseFunctionalObjectsHaveOneSubject() throws {
    let graph = try SmallSchema.graph(
      "  owns: {subject: person, object: thing, inverse_functional: true, coverage: 0.2}")
    let pairs = graph.pairs("owns")
    #expect(pairs.count > 50)
    #expect(Set(pairs.map(\.answer.object)).count == pairs.count)
    // The k-th draw is one of those that are left.
    for (index, pair) in pairs.enumerated() {
      #expect(abs(pair.answer.bits - log2(Double(100 - index))) < 1e-9)
    }
  }

  @Test func inverseFunctionalDrawsFollowTheirPopularity() throws {
    // What is drawn first among three objects of weight 6, 3, 1, over many small graphs.
    var counts = [0, 0, 0]
    var bits = Set<Int>()
    for seed in 0..<600 {
      let graph = try SmallSchema.graph(
        """
          owns: {subject: person, object: thing, inverse_functional: true,
                 popularity: {weights: [6, 3, 1]}}
        """, people: 2, things: 3, seed: UInt64(seed))
      let first = try #require(graph.pairs("owns").first)
      let place = [0.6, 0.3, 0.1].firstIndex { abs(-log2($0) - first.answer.bits) < 1e-9 }
      counts[try #require(place)] += 1
      bits.insert(Int((graph.pairs("owns")[1].answer.bits * 1e6).rounded()))
    }
    let (value, _) = GeneratorTests.chiSquare(counts, [0.6, 0.3, 0.1])
    #expect(value < 14)
    // The second draw is conditional on the first: 6/4, 6/7, 6/9, ... of what is left.
    #expect(bits.count == 6)
  }

  @Test func symmetricPairsHoldBothWaysAndTheMirrorIsNoNews() throws {
    let graph = try SmallSchema.graph(
      "  knows: {subject: person, object: person, objects: {poisson: 2}, symmetric: true}")
    let pairs = graph.pairs("knows")
    let edges = graph.edges("knows")
    #expect(edges.allSatisfy { edges.contains([$0[1], $0[0]]) && $0[0] != $0[1] })
    let mirrored = pairs.filter { $0.answer.derivation == .symmetric }
    #expect(2 * mirrored.count == pairs.count)
    #expect(mirrored.allSatisfy { $0.answer.bits == 0 && $0.answer.isInferable })
    #expect(pairs.allSatisfy { ($0.answer.derivation == nil) == ($0.answer.bits > 0) })
  }

  @Test func aSymmetricFunctionalPredicateIsAMatching() throws {
    let graph = try SmallSchema.graph(
      "  married to: {subject: person, object: person, symmetric: true, functional: true}",
      people: 101)
    let pairs = graph.pairs("married to")
    #expect(pairs.count == 100)
    #expect(Set(pairs.map(\.subject)).count == 100)
    #expect(Set(pairs.map(\.answer.object)).count == 100)
  }

  @Test func acyclicChainsNeverComeBack() throws {
    let graph = try SmallSchema.graph(
      """
        parent: {subject: person, object: person, objects: {min: 1, max: 3}, acyclic: true,
                 popularity: {zipf: 1}}
      """)
    var children: [Int32: [Int32]] = [:]
    var open: [Int32: Int] = [:]
    for pair in graph.pairs("parent") {
      children[pair.answer.object, default: []].append(pair.subject)
      open[pair.subject, default: 0] += 1
    }
    // Kahn's algorithm takes every entity if and only if there is no circle.
    var ready = (0..<Int32(400)).filter { open[$0] == nil }
    var taken = 0
    while let entity = ready.popLast() {
      taken += 1
      for child in children[entity] ?? [] {
        open[child, default: 0] -= 1
        if open[child] == 0 { ready.append(child) }
      }
    }
    #expect(taken == 400)
    #expect(graph.pairs("parent").count > 700)
  }

  @Test func acyclicBitsAreThoseOfWhatComesBefore() throws {
    let graph = try SmallSchema.graph(
      "  parent: {subject: person, object: person, acyclic: true}", people: 50)
    // With one uniform object the k-th entity of the order has k - 1 to draw from: every count from
    // 1 to 49 once.
    let counts = graph.pairs("parent").map { Int(exp2($0.answer.bits).rounded()) }.sorted()
    #expect(counts == Array(1...49))
  }

  @Test func transitiveChainsAreClosed() throws {
    let graph = try SmallSchema.graph(
      """
        inside: {subject: person, object: person, coverage: 0.9, acyclic: true, transitive: true}
      """, people: 120)
    let all = graph.edges("inside")
    let drawn = graph.edges("inside") { $0.derivation == nil }
    // Warshall's algorithm.
    var reach = Array(repeating: Array(repeating: false, count: 120), count: 120)
    for edge in drawn { reach[Int(edge[0])][Int(edge[1])] = true }
    for middle in 0..<120 {
      for from in 0..<120 where reach[from][middle] {
        for to in 0..<120 where reach[middle][to] { reach[from][to] = true }
      }
    }
    var closure: Set<[Int32]> = []
    for from in 0..<120 {
      for to in 0..<120 where reach[from][to] { closure.insert([Int32(from), Int32(to)]) }
    }
    #expect(all == closure && all.count > drawn.count)
    #expect(
      graph.pairs("inside").allSatisfy {
        ($0.answer.derivation == .transitive)
          == ($0.answer.bits == 0 && !drawn.contains([$0.subject, $0.answer.object]))
      })
  }

  @Test func inversesAndRulesHoldExactly() throws {
    let graph = try SmallSchema.graph(
      """
        parent: {subject: person, object: person, objects: {min: 1, max: 2}, acyclic: true}
        child: {inverse_of: parent}
        grandparent: {rule: parent / parent}
        sibling: {rule: parent / ^parent}
        owns: {subject: person, object: thing}
        family thing: {rule: ^parent / owns}
      """, people: 150)
    let parent = graph.edges("parent")
    #expect(graph.edges("child") == Set(parent.map { [$0[1], $0[0]] }))
    func composed(_ first: Set<[Int32]>, _ second: Set<[Int32]>) -> Set<[Int32]> {
      Set(
        first.flatMap { step in
          second.filter { $0[0] == step[1] }.map { [step[0], $0[1]] }
        }
      ).filter { $0[0] != $0[1] }
    }
    let child = graph.edges("child")
    #expect(graph.edges("grandparent") == composed(parent, parent))
    #expect(graph.edges("sibling") == composed(parent, child))
    #expect(graph.edges("family thing") == composed(child, graph.edges("owns")))
    for name in ["grandparent", "sibling", "family thing"] {
      #expect(graph.pairs(name).allSatisfy { $0.answer.derivation == .rule && $0.answer.bits == 0 })
    }
    #expect(graph.pairs("child").allSatisfy { $0.answer.derivation == .inverse })
    let inverse = try #require(graph.predicate(named: "child"))
    #expect(graph.predicates[Int(inverse)].inverseOf == graph.predicate(named: "parent"))
  }

  static let infeasible: [(predicates: String, says: String)] = [
    (
      "  a: {subject: person, object: thing, inverse_functional: true}",
      "a.inverse_functional: about 400 objects"
    ),
    (
      "  a: {subject: person, object: thing, inverse_functional: true, objects: {poisson: 0.249}}",
      "inverse_functional: no object of type 'thing' is left after"
    ),
    (
      "  a: {subject: person, object: thing, symmetric: true}",
      "a.symmetric needs subject and object of one type"
    ),
    ("  a: {subject: person, object: person, symmetric: true, acyclic: true}", "leaves no triple"),
    ("  a: {subject: person, object: person, functional: true, objects: 2}", "functional"),
    (
      "  a: {subject: person, object: person, functional: true, transitive: true}",
      "several objects"
    ),
    ("  a: {inverse_of: b}\n  b: {inverse_of: a}", "no subject"),
    (
      "  a: {subject: person, object: person, inverse_of: b}\n  b: {subject: person, object: person, inverse_of: a}",
      "circle"
    ),
    (
      "  a: {rule: b / b}\n  b: {subject: person, object: thing}",
      "a.rule: 'b' begins at type 'person'"
    ),
    ("  a: {rule: b / c}\n  b: {subject: person, object: thing}", "names no predicate: 'c'"),
    (
      "  a: {rule: b / b, coverage: 0.5}\n  b: {subject: person, object: person}",
      "'coverage' has nothing to say"
    ),
    (
      "  a: {subject: person, object: thing, popularity: {weights: [1, 2]}}",
      "2 weights are given for 100"
    ),
    (
      "  a: {subject: person, object: thing, given: {predicate: d, strength: 1}}",
      "names no predicate: 'd'"
    ),
    (
      "  a: {subject: person, object: thing, templates: ['{object} of {subject}']}",
      "must end with {object}"
    ),
    (
      "  a: {subject: person, object: thing, templates: ['it is {object}']}",
      "must hold {subject} once"
    ),
    ("  a: {subject: person, object: thing, functionall: true}", "did you mean 'functional'"),
  ]

  @Test(arguments: infeasible)
  func whatCannotBeMetIsNamed(predicates: String, says: String) {
    expectFailure(says, "small") { try SmallSchema.graph(predicates) }
  }
}
