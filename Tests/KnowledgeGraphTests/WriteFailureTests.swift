import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// A file is whole under its name or not there.
struct WriteFailureTests {
  static func generator() throws -> GraphGenerator {
    try GraphGenerator(schema: try Fixture.schema("tiny"), seed: Seed(7))
  }

  static func contents(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func aFullDiskLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let url = folder["graph.sqlite"]
    // Fails at every possible page until it passes, as a disk filling up would.
    var pages = 1
    while true {
      do {
        _ = try Self.generator().write(to: url, pageLimit: pages)
        break
      } catch {
        let error = try #require(error as? LabError)
        #expect(error.exitStatus == .failure)
        #expect(error.description.contains("graph.sqlite"), "\(error)")
        #expect(error.description.contains("disk is full"), "\(error)")
        #expect(try Self.contents(folder.url).isEmpty)
      }
      pages += 1
    }
    #expect(pages > 5)
    #expect(try GraphInspection(of: url).isSound)
  }

  @Test func anExistingFileStaysUnlessForced() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("precious", to: "graph.sqlite")
    expectFailure("graph.sqlite", "--force") { try Self.generator().write(to: url) }
    #expect(try Data(contentsOf: url) == Data("precious".utf8))
    expectFailure("disk is full") {
      try Self.generator().write(to: url, overwrite: true, pageLimit: 5)
    }
    #expect(try Data(contentsOf: url) == Data("precious".utf8))
    _ = try Self.generator().write(to: url, overwrite: true)
    #expect(try GraphInspection(of: url).isSound)
    #expect(try Self.contents(folder.url) == ["graph.sqlite"])
  }

  @Test func placesThatCannotBeWrittenAreNamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", to: "plain")
    let below = file.appendingPathComponent("graph.sqlite")
    expectFailure("plain", "--out") { try Self.generator().write(to: below) }
    expectFailure("is a folder") { try Self.generator().write(to: folder.url) }
    let made = folder["new/deeper/graph.sqlite"]
    _ = try Self.generator().write(to: made)
    #expect(try GraphInspection(of: made).isSound)
  }
}
