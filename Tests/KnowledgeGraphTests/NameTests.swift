import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct NameTests {
  static func names(count: Int?, _ model: String, seed: UInt64 = 1) throws -> [String] {
    let text = """
      name: names
      entity_types:
        thing: {\(count.map { "count: \($0), " } ?? "")name: {\(model)}}
      predicates:
        like: {subject: thing, object: thing}
      """
    let schema = try GraphSchema.parse(text, file: "names.yaml")
    return try GraphGenerator(schema: schema, seed: Seed(seed)).generate().entities.map(\.name)
  }

  @Test func namesOfSeveralPartsShareTheirWords() throws {
    let names = try Self.names(count: 300, "model: multi_part, parts: [2, 2, 3], pool: [10, 20, 5]")
    #expect(Set(names).count == 300)
    let lengths = names.map { $0.split(separator: " ").count }
    #expect(lengths.count { $0 == 2 } == 200 && lengths.count { $0 == 3 } == 100)
    let words = (0..<3).map { position in
      Set(names.compactMap { $0.split(separator: " ").dropFirst(position).first })
    }
    #expect(words.map(\.count) == [10, 20, 5])
    #expect(names.allSatisfy { $0.allSatisfy { $0.isASCII } })
  }

  @Test func everyCombinationIsUsedBeforeNoneIsLeft() throws {
    let names = try Self.names(count: 1000, "model: multi_part, parts: 3, pool: 10")
    #expect(Set(names).count == 1000)
    #expect(Set(names.flatMap { $0.split(separator: " ") }).count == 10)
  }

  @Test func seedsInventOtherWords() throws {
    let model = "model: multi_part, pool: 20"
    #expect(
      try Self.names(count: 20, model, seed: 1) == Self.names(count: 20, model, seed: 1))
    #expect(
      try Self.names(count: 20, model, seed: 1) != Self.names(count: 20, model, seed: 2))
  }

  @Test func typesShareNoWords() throws {
    let graph = try GraphGenerator(schema: try Fixture.schema("academia"), seed: Seed(3)).generate()
    var typeOfWord: [Substring: Int32] = [:]
    for entity in graph.entities {
      for word in entity.name.split(separator: " ") {
        #expect(typeOfWord[word] ?? entity.type == entity.type)
        typeOfWord[word] = entity.type
      }
    }
    #expect(Set(graph.entities.map(\.name)).count == graph.entities.count)
  }

  @Test func literalsRunThroughTheirRange() throws {
    #expect(try Self.names(count: nil, "model: year, from: 1998, to: 2001").first == "1998")
    let dates = try Self.names(count: nil, "model: date, from: 1999-12-30, to: 2000-03-01")
    #expect(dates.count == 63)
    #expect(dates.contains("2000-02-29") && dates.contains("1999-12-31"))
    #expect(!dates.contains("2000-02-30"))
    #expect(dates == dates.sorted())
    let codes = try Self.names(count: nil, "model: code, pattern: A-9")
    #expect(codes.count == 260 && codes.first == "A-0" && codes.last == "Z-9")
    let some = try Self.names(count: 100, "model: code, pattern: AA-999")
    #expect(Set(some).count == 100 && some != some.sorted())
    #expect(
      try Self.names(count: 3, "model: opaque, prefix: Q, digits: 4, start: 98")
        == ["Q0098", "Q0099", "Q0100"])
  }

  @Test func onlyRealDaysAreDates() {
    for day in ["1999-02-29", "1999-13-01", "1999-1-1", "yesterday"] {
      expectFailure("YYYY-MM-DD", "names.yaml:3") {
        try Self.names(count: nil, "model: date, from: \(day), to: 2001-01-01")
      }
    }
  }
}
