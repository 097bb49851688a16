import Foundation
import KnowledgeGraph
import LabCore
import Testing

struct DeterminismTests {
  @Test func sameSchemaAndSeedGiveTheSameBytes() throws {
    try Fixture.withFolder { folder in
      let schema = try Fixture.schema("tiny")
      let files = ["a.sqlite", "b.sqlite"].map { folder.appendingPathComponent($0) }
      for file in files { _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: file) }
      #expect(try Data(contentsOf: files[0]) == Data(contentsOf: files[1]))
      let other = folder.appendingPathComponent("c.sqlite")
      let changed = try GraphGenerator(schema: schema, seed: Seed(8)).write(to: other)
      let opened = try KnowledgeGraph.open(files[0])
      #expect(changed.contentHash != opened.contentHash)
    }
  }
}
