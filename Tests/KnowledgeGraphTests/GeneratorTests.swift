import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct GeneratorTests {
  /// A graph of `subjects` people and `objects` things with one predicate, as `predicate` says.
  static func graph(
    subjects: Int, objects: Int, _ predicate: String, heldOut: String = "{}", seed: UInt64 = 3
  ) throws -> KnowledgeGraph {
    let text = """
      name: one
      entity_types:
        person: {count: \(subjects), name: {model: opaque, prefix: p}}
        thing: {count: \(objects), name: {model: opaque, prefix: t}}
      predicates:
        has: {subject: person, object: thing, \(predicate)}
      visibility: {held_out: \(heldOut)}
      """
    return try GraphGenerator(
      schema: try GraphSchema.parse(text, file: "one.yaml"), seed: Seed(seed)
    ).generate()
  }

  /// Chi-square of counts against probabilities; cells expected below 5 are joined to the last.
  static func chiSquare(_ counts: [Int], _ probabilities: [Double]) -> (value: Double, cells: Int) {
    let total = Double(counts.reduce(0, +))
    var value = 0.0
    var cells = 0
    var rest = (count: 0.0, expected: 0.0)
    for (count, probability) in zip(counts, probabilities) {
      let expected = probability * total
      if expected < 5 {
        rest = (rest.count + Double(count), rest.expected + expected)
      } else {
        value += pow(Double(count) - expected, 2) / expected
        cells += 1
      }
    }
    if rest.expected > 0 {
      value += pow(rest.count - rest.expected, 2) / rest.expected
      cells += 1
    }
    return (value, cells)
  }

  static let poisson: [Double] = (0...5).map { exp(-1) / tgamma(Double($0) + 1) }
  static let countCases: [(predicate: String, probabilities: [Double])] = [
    ("objects: 3", [0, 0, 0, 1]),
    ("objects: {min: 1, max: 4}", [0, 0.25, 0.25, 0.25, 0.25]),
    ("objects: {zipf: 2, max: 3}", [0, 36 / 49, 9 / 49, 4 / 49]),
    ("objects: {poisson: 1}", poisson),
    ("objects: 2, coverage: 0.25", [0.75, 0, 0.25]),
  ]

  @Test(arguments: countCases)
  func objectsPerSubjectFollowTheirDistribution(predicate: String, probabilities: [Double]) throws {
    let graph = try Self.graph(subjects: 4000, objects: 200, predicate)
    var counts = [Int](repeating: 0, count: max(20, probabilities.count))
    for query in graph.queries { counts[query.answers.count] += 1 }
    counts[0] = 4000 - graph.queries.count
    let padded = probabilities + Array(repeating: 0, count: counts.count - probabilities.count)
    for (count, probability) in zip(counts, padded) where probability == 0 {
      #expect(count == 0 || predicate.contains("poisson"))
    }
    let (value, cells) = Self.chiSquare(counts, padded)
    // Four standard deviations above the mean of a chi-square distribution.
    let freedom = Double(max(1, cells - 1))
    #expect(value < freedom + 4 * (2 * freedom).squareRoot() + 3)
  }

  @Test(arguments: [0.0, 1, 2])
  func popularityFollowsZipf(exponent: Double) throws {
    let graph = try Self.graph(subjects: 6000, objects: 30, "popularity: {zipf: \(exponent)}")
    var counts: [Int32: Int] = [:]
    for answer in graph.answers { counts[answer.object, default: 0] += 1 }
    let weights = (1...30).map { pow(Double($0), -exponent) }
    let total = weights.reduce(0, +)
    // The stored bits say which rank each object has.
    var observed = [Int](repeating: 0, count: 30)
    for answer in graph.answers {
      let rank =
        exponent == 0
        ? Int(answer.object) - 6000
        : Int((pow(exp2(-answer.bits) * total, -1 / exponent)).rounded()) - 1
      observed[rank] += 1
    }
    let (value, cells) = Self.chiSquare(observed, weights.map { $0 / total })
    let freedom = Double(cells - 1)
    #expect(cells >= 10)
    #expect(value < freedom + 4 * (2 * freedom).squareRoot())
  }

  @Test func aSubjectsObjectsAreDistinctAndNeverItself() throws {
    let schema = try GraphSchema.parse(
      """
      name: all
      entity_types:
        person: {count: 7, name: {model: opaque, prefix: p}}
      predicates:
        knows: {subject: person, object: person, objects: 6, popularity: {zipf: 3}}
      """, file: "all.yaml")
    let graph = try GraphGenerator(schema: schema, seed: Seed(1)).generate()
    #expect(graph.queries.count == 7)
    for query in graph.queries {
      let objects = graph.answers[query.answers].map(\.object)
      #expect(objects == (0..<7).filter { $0 != query.subject })
    }
  }

  @Test func addingAPredicateChangesNoOther() throws {
    let text = SchemaTests.minimal
    let more = text + "\n  died in: {subject: person, object: city}\n"
    let graphs = try [text, more].map {
      try GraphGenerator(schema: try SchemaTests.parse($0), seed: Seed(5)).generate()
    }
    let born = graphs.map { graph in
      graph.statements(fraction: 1).map(\.triple).filter { $0.predicate == 0 }
    }
    #expect(born[0] == born[1])
    #expect(graphs[1].queries.count == 2 * graphs[0].queries.count)
  }

  @Test func statisticsSetRequestedBesideAchieved() throws {
    let folder = try TemporaryFolder()
    let graph = try GraphGenerator(schema: try Fixture.schema("academia"), seed: Seed(2))
      .write(to: folder["graph.sqlite"])
    let rows = Dictionary(
      graph.statistics.map { ($0.setting, $0) }, uniquingKeysWith: { first, _ in first })
    let coverage = try #require(rows["predicates.received.coverage"])
    #expect(coverage.requested == 0.4)
    #expect(abs(coverage.achieved - 0.4) < 0.08)
    let mean = try #require(rows["predicates.speaks.objects (mean)"])
    #expect(mean.requested == 2.5)
    #expect(abs(mean.achieved - 2.5) < 0.08)
    let query = try #require(rows["visibility.held_out.query"])
    #expect(query.requested == 0.1)
    #expect(abs(query.achieved - 0.1) < 0.02)
    let top = try #require(rows["predicates.field.popularity (share of the most popular)"])
    #expect(abs(top.requested - top.achieved) < 0.08)
  }
}
