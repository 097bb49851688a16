import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Every schema in kg-schemas/ works and does what it says.
struct SchemaLibraryTests {
  static let files =
    (try? FileManager.default.contentsOfDirectory(atPath: Fixture.schemas.path))?
    .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

  @Test func thereAreSeveral() { #expect(Self.files.count >= 3) }

  @Test(arguments: files)
  func eachSchemaGeneratesAndIsDocumented(file: String) throws {
    let schema = try GraphSchema.read(Fixture.schemas.appendingPathComponent(file))
    #expect(schema.name + ".yaml" == file)
    #expect(!schema.description.isEmpty)
    let readme = try String(
      contentsOf: Fixture.schemas.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(readme.contains(file))
    let graph = try GraphGenerator(schema: schema, seed: Seed(1)).generate()
    #expect(graph.entities.count == schema.entityTypes.reduce(0) { $0 + $1.count })
    // Where single objects are hidden, queries are partially visible.
    for visibility in Visibility.allCases where visibility != .pvs || schema.heldOut.object > 0 {
      #expect(graph.queries.contains { $0.visibility == visibility })
    }
  }

  @Test(arguments: [UInt64(0), 1, 7])
  func academiaIsAsSkewedAsThePublishedGraph(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    _ = try GraphGenerator(schema: try Fixture.schema("academia"), seed: Seed(seed)).write(to: url)
    let inspection = try GraphInspection(of: url)
    let profile = inspection.profile
    #expect((6800...7200).contains(profile.triples.total))
    let rate = try #require(profile.guessRate)
    #expect(rate > 0.38 && rate < 0.47)
    #expect(abs(profile.meanReciprocalAnswers - 0.825) < 0.015)
    #expect((300...400).contains(inspection.wordCount))
    #expect(inspection.isSound)
  }

  @Test func companyCannotBeGuessed() throws {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    let schema = try Fixture.schema("company", overrides: ["types.company.count=400"])
    let graph = try GraphGenerator(schema: schema, seed: Seed(1)).write(to: url)
    let rate = try #require(graph.profile.guessRate)
    #expect(rate < 0.08)
  }
}
