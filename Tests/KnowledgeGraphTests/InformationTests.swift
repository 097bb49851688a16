import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// The bits of each triple against closed forms.
struct InformationTests {
  @Test func oneUniformObjectCarriesTheLogarithmOfTheirNumber() throws {
    let graph = try GeneratorTests.graph(subjects: 50, objects: 32, "objects: 1")
    for answer in graph.answers { #expect(answer.bits == 5) }
  }

  @Test func laterUniformObjectsAreDrawnFromFewer() throws {
    let graph = try GeneratorTests.graph(subjects: 50, objects: 10, "objects: 3")
    let expected = [10.0, 9, 8].map { log2($0) }
    for query in graph.queries {
      let bits = graph.answers[query.answers].map(\.bits).sorted(by: >)
      for (value, closedForm) in zip(bits, expected) { #expect(abs(value - closedForm) < 1e-12) }
    }
  }

  @Test func theSubjectItselfIsNoPossibleObject() throws {
    let schema = try GraphSchema.parse(
      """
      name: pairs
      entity_types:
        person: {count: 9, name: {model: opaque, prefix: p}}
      predicates:
        knows: {subject: person, object: person}
      """, file: "pairs.yaml")
    let graph = try GraphGenerator(schema: schema, seed: Seed(1)).generate()
    for answer in graph.answers { #expect(abs(answer.bits - 3) < 1e-12) }
  }

  @Test func skewedDrawsWithoutReplacementAreConditional() throws {
    let graph = try GeneratorTests.graph(
      subjects: 300, objects: 4, "objects: 2, popularity: {zipf: 2}")
    let weights = (1...4).map { pow(Double($0), -2) }
    let total = weights.reduce(0, +)
    let probabilities = weights.map { $0 / total }
    for query in graph.queries {
      let bits = graph.answers[query.answers].map(\.bits)
      let isOneOfThem = (0..<4).contains { first in
        (0..<4).contains { second in
          guard first != second else { return false }
          let expected = [
            -log2(probabilities[first]),
            -log2(probabilities[second] / (1 - probabilities[first])),
          ]
          return [[0, 1], [1, 0]].contains { order in
            zip(order, bits).allSatisfy { abs(expected[$0] - $1) < 1e-9 }
          }
        }
      }
      #expect(isOneOfThem)
    }
  }

  @Test func theLastPossibleObjectIsNoNews() throws {
    let graph = try GeneratorTests.graph(
      subjects: 40, objects: 40, "objects: 40, popularity: {zipf: 3}")
    for query in graph.queries {
      #expect((graph.answers[query.answers].map(\.bits).min() ?? 1) < 1e-9)
      #expect(graph.answers[query.answers].allSatisfy { $0.bits.isFinite && $0.bits >= 0 })
    }
  }

  @Test func totalsFollowTheClosedForms() throws {
    let folder = try TemporaryFolder()
    let schema = try GraphSchema.parse(
      """
      name: totals
      entity_types:
        person: {count: 100, name: {model: opaque, prefix: p}}
        thing: {count: 16, name: {model: opaque, prefix: t}}
      predicates:
        has: {subject: person, object: thing, objects: 2}
        may have: {subject: person, object: thing, coverage: 0.5}
      """, file: "totals.yaml")
    let url = folder["graph.sqlite"]
    let graph = try GraphGenerator(schema: schema, seed: Seed(1)).write(to: url)
    let optional = Double(graph.profile.predicates[1].tripleCount)
    #expect(abs(graph.information.objectCounts - 100) < 1e-9)
    #expect(abs(graph.information.objects - (100 * (4 + log2(15.0)) + 4 * optional)) < 1e-6)
    #expect(abs(graph.information.order - 100) < 1e-9)
    #expect(abs((graph.profile.bits ?? 0) - graph.information.objects) < 1e-6)
    let opened = try KnowledgeGraph.open(url)
    let sum = opened.answers.reduce(0) { $0 + $1.bits }
    #expect(abs(sum - graph.information.objects) < 1e-6)
  }
}
