import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct SchemaTests {
  static let minimal = """
    name: minimal
    entity_types:
      person:
        count: 20
        name: {model: multi_part, parts: 2, pool: 10}
      city:
        count: 5
        name: {model: multi_part, pool: 5}
    predicates:
      born in:
        subject: person
        object: city
        objects: 1
    """

  static func parse(_ text: String, overrides: [String] = [], scale: Double = 1) throws
    -> GraphSchema
  {
    try GraphSchema.parse(text, file: "s.yaml", overrides: overrides, scale: scale)
  }

  /// The minimal schema with `old` replaced, and what the error must say.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let says: [String]

    init(_ old: String, _ new: String, _ says: String...) {
      self.old = old
      self.new = new
      self.says = says
    }

    var testDescription: String { new }
  }

  @Test(arguments: [
    Mistake("name: minimal", "nam: minimal", "s.yaml:1", "'nam'", "did you mean 'name'"),
    Mistake("    objects: 1", "    objets: 1", "s.yaml:13", "'objets'", "'objects'"),
    Mistake("count: 20", "cuont: 20", "s.yaml:4", "entity_types.person", "'count'"),
    Mistake("count: 20", "count: many", "s.yaml:4", "entity_types.person.count", "'many'"),
    Mistake("count: 20", "count: 0", "s.yaml:4", "between 1 and"),
    Mistake("count: 20", "count: 2.5", "s.yaml:4", "whole number"),
    Mistake("count: 20", "count: [1]", "s.yaml:4", "whole number"),
    Mistake("object: city", "object: citty", "s.yaml:12", "'citty'", "did you mean 'city'"),
    Mistake("model: multi_part, parts", "model: multipart, parts", "s.yaml:5", "'multi_part'"),
    Mistake("    objects: 1", "    coverage: 1.5", "s.yaml:13", "coverage", "1.5"),
    Mistake("    objects: 1", "    coverage: 0", "s.yaml:13", "above 0"),
    Mistake("    objects: 1", "    objects: {min: 3, max: 2}", "s.yaml:13", "min 3", "max 2"),
    Mistake("    objects: 1", "    objects: {zipf: 2}", "s.yaml:13", "max"),
    Mistake("    objects: 1", "    popularity: zipf", "s.yaml:13", "{zipf: 1.5}"),
    Mistake("    objects: 1", "    popularity: {zipf: -1}", "s.yaml:13", "between 0 and 10"),
    Mistake("    objects: 1", "    popularity: {zipf: nan}", "s.yaml:13", "a number"),
    Mistake("count: 20", "count: 20\n    count: 21", "twice"),
    Mistake("predicates:", "predicates", "s.yaml:"),
    Mistake("    subject: person", "    subject: [person", "s.yaml:", "YAML"),
  ])
  func aMistakeIsNamedWithItsPlace(mistake: Mistake) {
    #expect(Self.minimal.contains(mistake.old))
    let text = Self.minimal.replacingOccurrences(of: mistake.old, with: mistake.new)
    expectFailure(mistake.says) { try Self.parse(text) }
  }

  @Test(arguments: [
    Mistake(
      "    objects: 1", "    objects: 6", "predicates.born in.objects", "6", "5", "count to 6"),
    Mistake(
      "    objects: 1", "    objects: {poisson: 7.5}", "predicates.born in.objects", "8 distinct"),
    Mistake("count: 20", "count: 101", "entity_types.person.name.pool", "100", "101", "to 11"),
    Mistake("count: 5", "count: 6", "entity_types.city.name.pool", "5 different"),
    Mistake(
      "{model: multi_part, pool: 5}", "{model: year, from: 2000, to: 2003}",
      "entity_types.city.count", "only 4"),
    Mistake(
      "    objects: 1", "visibility: {held_out: {query: 0.6, subject: 0.5}}", "held_out", "below 1"),
    Mistake(
      "    objects: 1", "visibility: {held_out: {object: 0.6}}", "held_out.object", "two objects"),
    Mistake("    objects: 1", "visibility: {held_out: {query: 1}}", "held_out.query", "below 1"),
  ])
  func anImpossibleConstraintIsNamed(mistake: Mistake) {
    let text = Self.minimal.replacingOccurrences(of: mistake.old, with: mistake.new)
    expectFailure(["s.yaml"] + mistake.says) { try Self.parse(text) }
  }

  @Test func overridesReplaceAndAddValues() throws {
    let schema = try Self.parse(
      Self.minimal,
      overrides: [
        "entity_types.person.count=30", "types.city.count=4", "predicates.born in.coverage=0.5",
        "predicates.born in.objects={min: 1, max: 2}", "visibility.held_out.query=0.25",
      ])
    #expect(schema.entityTypes.map(\.count) == [30, 4])
    #expect(schema.predicates[0].coverage == 0.5)
    #expect(schema.predicates[0].objects == .range(min: 1, max: 2))
    #expect(schema.heldOut.query == 0.25)
  }

  @Test(arguments: [
    ("types.persn.count=5", "did you mean 'person'"),
    ("predicates.born in.coverge=0.5", "did you mean 'coverage'"),
    ("entity_types.person.count=lots", "'lots'"),
    ("entity_types.person.count", "path=value"),
    ("entty_types.person.count=5", "did you mean 'entity_types'"),
  ])
  func aMistakenOverrideIsNamed(override: String, says: String) {
    expectFailure(says, "--set") { try Self.parse(Self.minimal, overrides: [override]) }
  }

  @Test func scaleMultipliesSubjectsAndTheirPools() throws {
    let schema = try Self.parse(Self.minimal, scale: 9)
    #expect(schema.entityTypes.map(\.count) == [180, 5])
    #expect(schema.entityTypes[0].names == .multiPart(parts: [2], pools: [30], syllables: 2))
    let kept = try Self.parse(
      Self.minimal, overrides: ["types.person.scale=false", "types.city.scale=true"], scale: 2)
    #expect(kept.entityTypes.map(\.count) == [20, 10])
  }

  @Test func aMissingFileIsOneSentence() {
    expectFailure("/nowhere/at/all.yaml") {
      try GraphSchema.read(URL(fileURLWithPath: "/nowhere/at/all.yaml"))
    }
  }
}
