import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// The closed form of the bioS data (Physics of Language Models 3.3, arXiv 2404.05405).
struct BiosTests {
  @Test(arguments: [1, 2.0]) func aPersonIsWorth47Point6BitsAtAnyScale(scale: Double) throws {
    let schema = try Fixture.schema("bios", scale: scale)
    let graph = try GraphGenerator(schema: schema, seed: Seed(9)).generate()
    let closedForm =
      1 + log2(12.0 * 28 * 200) + log2(200.0) + log2(300.0) + log2(100.0) + log2(263.0)
    #expect(abs(closedForm - 47.6) < 0.05)
    var bits: [Int32: Double] = [:]
    let person = try #require(graph.entityTypes.firstIndex { $0.name == "person" })
    for query in graph.queries where graph.entities[Int(query.subject)].type == Int32(person) {
      for answer in graph.answers[query.answers] { bits[query.subject, default: 0] += answer.bits }
    }
    #expect(bits.count == Int(1000 * scale))
    for value in bits.values { #expect(abs(value - closedForm) < 1e-9) }
  }

  @Test func theWorkCityFollowsFromTheEmployer() throws {
    let graph = try GraphGenerator(schema: try Fixture.schema("bios"), seed: Seed(9)).generate()
    let seat = Dictionary(
      uniqueKeysWithValues: graph.pairs("seat").map { ($0.subject, $0.answer.object) })
    let employer = Dictionary(
      uniqueKeysWithValues: graph.pairs("works for").map { ($0.subject, $0.answer.object) })
    let cities = graph.pairs("works in")
    #expect(cities.count == 1000)
    for pair in cities {
      #expect(seat[try #require(employer[pair.subject])] == pair.answer.object)
      #expect(pair.answer.bits == 0 && pair.answer.derivation == .rule)
    }
  }
}
