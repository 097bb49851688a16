import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// What `FittedSchema` learns from graphs whose schema is known, and from real ones.
struct SchemaFitTests {
  private static func fitted(
    _ name: String, scale: Double = 1, options: SchemaFitOptions = SchemaFitOptions()
  ) throws -> (fit: FittedSchema, schema: GraphSchema) {
    let folder = try TemporaryFolder()
    let schema = try Fixture.schema(name, scale: scale)
    let url = folder["graph.sqlite"]
    _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: url)
    return (try FittedSchema(of: url, options: options), schema)
  }

  /// The fit to lines of subject, predicate and object.
  private static func imported(
    _ text: String, heldOut: HeldOutShares = HeldOutShares(),
    options: SchemaFitOptions = SchemaFitOptions()
  ) throws -> FittedSchema {
    let folder = try TemporaryFolder()
    let source = try folder.write(text, to: "facts.tsv")
    let url = folder["graph.sqlite"]
    _ = try TripleImporter(name: "facts", heldOut: heldOut, seed: Seed(7)).write([source], to: url)
    return try FittedSchema(of: url, options: options)
  }

  private static func lines(_ schema: GraphSchema) throws -> String {
    let graph = try GraphGenerator(schema: schema, seed: Seed(7)).generate()
    return graph.queries.flatMap { query in
      graph.answers[query.answers].map { answer in
        [
          graph.entities[Int(query.subject)].name, graph.predicates[Int(query.predicate)].name,
          graph.entities[Int(answer.object)].name,
        ].joined(separator: "\t") + "\n"
      }
    }.joined()
  }

  // MARK: Academia comes back

  @Test func theSettingsOfAcademiaComeBack() throws {
    let (fit, schema) = try Self.fitted("academia", scale: 4)
    #expect(fit.hasStatedTypes)
    #expect(
      Set(fit.schema.entityTypes.map { "\($0.name) \($0.count)" })
        == Set(schema.entityTypes.map { "\($0.name) \($0.count)" }))
    for (fitted, asked) in zip(fit.schema.predicates, schema.predicates) {
      #expect(fitted.name == asked.name)
      #expect(fitted.subject == asked.subject && fitted.object == asked.object)
      #expect(abs(fitted.coverage - asked.coverage) < 0.04, "\(asked.name): \(fitted.coverage)")
      switch (asked.objects, fitted.objects) {
      case (.constant(let a), .constant(let b)): #expect(a == b)
      case (.range(let a, let b), .range(let c, let d)): #expect(a == c && b == d)
      case (.poisson(let a), .poisson(let b)): #expect(abs(a - b) < 0.15, "\(b)")
      case (.zipf(let a, let b), .zipf(let c, let d)):
        #expect(abs(a - c) < 0.15 && b == d, "\(c) \(d)")
      default: Issue.record("\(asked.name): \(fitted.objects) for \(asked.objects)")
      }
      guard case .zipf(let asked) = asked.popularity, case .zipf(let found) = fitted.popularity
      else {
        Issue.record("\(asked.name): \(fitted.popularity)")
        continue
      }
      #expect(abs(found - asked) < 0.12, "\(fitted.name): \(found) for \(asked)")
    }
    #expect(abs(fit.schema.heldOut.subject - 0.03) < 0.01)
    #expect(abs(fit.schema.heldOut.query - 0.1) < 0.01)
    #expect(abs(fit.schema.heldOut.object - 0.3) < 0.03)
    let likeness = try fit.likeness(seed: Seed(1))
    #expect(likeness.largest { $0.objects.totalVariation } < 0.05)
    #expect(likeness.largest { $0.popularity.totalVariation } < 0.1)
    #expect(abs(Double(likeness.tripleCount) / Double(likeness.sourceTripleCount) - 1) < 0.03)
  }

  @Test func typesAreGuessedWhereNoneAreStated() throws {
    let schema = try Fixture.schema("academia")
    let fit = try Self.imported(try Self.lines(schema))
    #expect(!fit.hasStatedTypes)
    #expect(fit.schema.entityTypes.count == schema.entityTypes.count)
    // Subjects and co-authors are one type; the objects of each other predicate are one of their
    // own.
    let people = try #require(fit.schema.predicates.first { $0.name == "co-author" })
    #expect(people.subject == people.object)
    #expect(fit.schema.predicates.allSatisfy { $0.subject == people.subject })
    #expect(fit.schema.predicates.first { $0.name == "field" }?.object == "field")
    #expect(fit.schema.entityTypes.first { $0.name == people.subject }?.count == 740)
  }

  // MARK: What always holds

  @Test func traitsOfKinshipAreFound() throws {
    let (fit, schema) = try Self.fitted("kinship")
    func found(_ name: String) -> PredicateSchema? {
      fit.schema.predicates.first { $0.name == name }
    }
    for name in ["married to", "phone", "height", "works for", "seat", "parent", "inside", "knows"]
    {
      let asked = try #require(schema.predicates.first { $0.name == name }?.constraints)
      #expect(found(name)?.constraints?.functional ?? false == asked.functional, "\(name)")
      #expect(found(name)?.constraints?.symmetric ?? false == asked.symmetric, "\(name)")
      #expect(found(name)?.constraints?.acyclic ?? false == asked.acyclic, "\(name)")
      #expect(found(name)?.constraints?.transitive ?? false == asked.transitive, "\(name)")
    }
    #expect(found("phone")?.constraints?.inverseFunctional == true)
    #expect(found("height")?.constraints?.inverseFunctional == false)
    #expect(found("child")?.inverseOf == "parent")
    #expect(found("sibling")?.constraints?.symmetric == true)
    #expect(abs((found("height")?.noise?.stale ?? 0) - 0.1) < 0.05)
    #expect(abs((found("works for")?.noise?.contradictory ?? 0) - 0.05) < 0.04)
    #expect(abs((found("works for")?.noise?.duplicate ?? 0) - 0.05) < 0.04)
    let person = fit.schema.entityTypes.first { $0.name == "person" }
    #expect(person?.parent == "agent")
    #expect(abs((person?.ambiguous ?? 0) - 0.02) < 0.002)
    let likeness = try fit.likeness(seed: Seed(1))
    let married = try #require(likeness.predicates.first { $0.name == "married to" })
    #expect(married.objects.totalVariation < 0.06)
    let knows = try #require(likeness.predicates.first { $0.name == "knows" })
    #expect(knows.objects.totalVariation < 0.08)
  }

  @Test func fewTriplesProveNothing() throws {
    let text = (0..<6).map { "s\($0)\tr\to\($0)\n" }.joined()
    let few = try Self.imported(text)
    #expect(few.schema.predicates[0].constraints == nil)
    var options = SchemaFitOptions()
    options.minimumTriples = 5
    let believed = try Self.imported(text, options: options)
    #expect(believed.schema.predicates[0].constraints?.functional == true)
  }

  // MARK: Names

  @Test func literalsAreRecognised() throws {
    let (fit, schema) = try Self.fitted("company")
    func model(_ schema: GraphSchema, _ type: String) -> NameModel? {
      schema.entityTypes.first { $0.name == type }?.names
    }
    for type in ["company", "person", "postcode"] {
      #expect(model(fit.schema, type) == model(schema, type), "\(type)")
    }
    guard case .date = model(fit.schema, "day"),
      case .integer(1950, 2020) = model(fit.schema, "year"),
      case .integer(1, let staff) = model(fit.schema, "staff"),
      case .multiPart = model(fit.schema, "trade")
    else {
      Issue.record("\(fit.schema.entityTypes)")
      return
    }
    #expect(staff == 999)
    let (kinship, _) = try Self.fitted("kinship")
    #expect(
      model(kinship.schema, "height")
        == .quantity(from: 1500, to: 1995, step: 5, decimals: 1, unit: "cm"))
    #expect(model(kinship.schema, "phone") == .code(pattern: "99-9999"))
  }

  @Test func anyNameIsWrittenSoThatItIsReadBack() throws {
    let names = [
      "no", "a: b", "# c", "[d]", "\"e\"", "'f'", "1.5", "ü 😀", "- g", "h \\ i", "{j}", "~",
    ]
    let text = names.enumerated().map { index, name in
      (0..<4).map { "\(name)\($0)\t\(name)\t\(name) x\(index)\n" }.joined()
    }.joined()
    let fit = try Self.imported(text)
    #expect(Set(fit.schema.predicates.map(\.name)) == Set(names))
    #expect(try GraphGenerator(schema: fit.schema, seed: Seed(0)).generate().queries.count > 0)
  }

  @Test func theSmallestIntegerIsANameLikeAnyOther() throws {
    let fit = try Self.imported("a\tr\t\(Int.min)\nb\tr\t5\nc\tr\t\(Int.max)\n")
    #expect(fit.schema.predicates.map(\.name) == ["r"])
  }

  @Test(.timeLimit(.minutes(1))) func aHubOfASymmetricPredicateTakesNoTime() throws {
    let text = (1...6000).map { "hub\tnear\tn\($0)\nn\($0)\tnear\thub\n" }.joined()
    let fit = try Self.imported(text)
    #expect(fit.schema.predicates[0].constraints?.symmetric == true)
  }

  @Test func anUnsoundGraphIsRefused() throws {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    _ = try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7)).write(to: url)
    try DatabaseQueue(path: url.path).write { database in
      try database.execute(sql: "UPDATE entity SET entity_type_id = 0")
    }
    expectFailure("is not sound") { try FittedSchema(of: url) }
  }

  @Test func exposuresComeBack() throws {
    let (fit, _) = try Self.fitted("singletons")
    guard case .pareto(let shape, let largest) = fit.schema.exposures else {
      Issue.record("\(String(describing: fit.schema.exposures))")
      return
    }
    #expect(abs(shape - 1) < 0.1)
    #expect(largest == 64)
  }

  // MARK: Real facts

  /// The bounds that docs/graphs.md states.
  @Test func geographyIsMatched() throws {
    let file = Fixture.schemas.deletingLastPathComponent()
      .appendingPathComponent("experiments/geography/data/countries-and-large-cities.tsv")
    let fit = try Self.imported(
      try String(contentsOf: file, encoding: .utf8), heldOut: HeldOutShares(object: 0.1, query: 0.1)
    )
    #expect(!fit.hasStatedTypes)
    #expect(abs(fit.schema.heldOut.query - 0.1) < 0.02)
    // All but eight borders, of countries that are gone, are in the file from both sides.
    #expect(fit.predicates.first { $0.name == "shares border with" }?.traits.isEmpty == true)
    #expect(
      fit.predicates.first { $0.name == "internet domain" }?.traits
        == ["functional", "inverse_functional"])
    let likeness = try fit.likeness(seed: Seed(0))
    #expect(likeness.mean { $0.objects.totalVariation } < 0.03)
    #expect(likeness.largest { $0.objects.totalVariation } < 0.15)
    #expect(likeness.mean { $0.popularity.totalVariation } < 0.06)
    #expect(likeness.largest { $0.popularity.totalVariation } < 0.17)
    #expect(abs(Double(likeness.tripleCount) / Double(likeness.sourceTripleCount) - 1) < 0.03)
  }
}
