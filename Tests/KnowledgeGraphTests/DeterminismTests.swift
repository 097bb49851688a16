import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct DeterminismTests {
  @Test func sameSchemaAndSeedGiveTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let schema = try Fixture.schema("tiny")
    let files = ["a.sqlite", "b.sqlite"].map { folder[$0] }
    for file in files { _ = try GraphGenerator(schema: schema, seed: Seed(7)).write(to: file) }
    #expect(try Data(contentsOf: files[0]) == Data(contentsOf: files[1]))
    let other = folder["c.sqlite"]
    let changed = try GraphGenerator(schema: schema, seed: Seed(8)).write(to: other)
    let opened = try KnowledgeGraph.open(files[0])
    #expect(changed.contentHash != opened.contentHash)
  }

  @Test(arguments: ["kinship", "company", "singletons"])
  func theNumberOfThreadsChangesNoByte(name: String) throws {
    let folder = try TemporaryFolder()
    let schema = try Fixture.schema(name, scale: name == "company" ? 3 : 1)
    let files = try [1, 2, 5].map { workers in
      let url = folder["\(workers).sqlite"]
      _ = try GraphGenerator(schema: schema, seed: Seed(7), workers: workers).write(to: url)
      return try Data(contentsOf: url)
    }
    #expect(files[0] == files[1] && files[0] == files[2])
  }

  /// Content hashes of graphs as the first release made them: what a seed means does not change.
  @Test(arguments: [
    ("tiny", "f8622e0b89096e0f9c9a654c5d6b270034910a643d191e4623e7ce21f1010340"),
    ("academia", "7e6683f07b253aa28cd38adf37d5fd2cbca7769df853aacbf4c20985632431eb"),
    ("company", "923dab2652b691701d7b7bdb6b5c835f3c88590d2bf10a5ebd1c298df8b07655"),
  ])
  func seedsMeanWhatTheyMeant(name: String, hash: String) throws {
    let graph = try GraphGenerator(schema: try Fixture.schema(name), seed: Seed(7)).generate()
    #expect(graph.contentHash == hash)
  }
}
