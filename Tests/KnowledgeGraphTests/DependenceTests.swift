import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// Objects that depend on another predicate's object.
struct DependenceTests {
  static func graph(strength: Double, spread: Int) throws -> KnowledgeGraph {
    try SmallSchema.graph(
      """
        works at: {subject: person, object: thing, popularity: {zipf: 1}}
        lives in: {subject: person, object: thing,
                   given: {predicate: works at, strength: \(strength), spread: \(spread)}}
      """, people: 6000, things: 20)
  }

  @Test func aFullDependenceIsAFunctionWithoutInformation() throws {
    let graph = try Self.graph(strength: 1, spread: 1)
    let works = Dictionary(
      uniqueKeysWithValues: graph.pairs("works at").map { ($0.subject, $0.answer.object) })
    var home: [Int32: Int32] = [:]
    for pair in graph.pairs("lives in") {
      let employer = try #require(works[pair.subject])
      #expect(home[employer] ?? pair.answer.object == pair.answer.object)
      home[employer] = pair.answer.object
      #expect(pair.answer.bits == 0)
    }
    #expect(home.count == 20)
  }

  @Test func bitsAreThoseOfTheMixture() throws {
    // In the favoured three: 0.75 / 3 + 0.25 / 20; elsewhere 0.25 / 20.
    let graph = try Self.graph(strength: 0.75, spread: 3)
    let (inside, outside) = (-log2(0.25 + 0.0125), -log2(0.0125))
    var insideCount = 0
    for pair in graph.pairs("lives in") {
      let isInside = abs(pair.answer.bits - inside) < 1e-9
      #expect(isInside || abs(pair.answer.bits - outside) < 1e-9)
      insideCount += isInside ? 1 : 0
    }
    // 0.75 + 0.25 * 3 / 20 of 6,000, within four standard deviations.
    #expect(abs(Double(insideCount) / 6000 - 0.7875) < 4 * (0.7875 * 0.2125 / 6000).squareRoot())
  }
}
