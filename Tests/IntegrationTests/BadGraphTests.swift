import Foundation
import TestSupport
import Testing

/// Schemas, triples and graph files that are wrong: one sentence, a documented code, nothing left
/// behind.
@Suite struct BadGraphTests {
  private static let schema = """
    name: wrong
    entity_types:
      person:
        count: 4
        name: {model: opaque, prefix: person-}
      city:
        count: 3
        name: {model: opaque, prefix: city-}
    predicates:
      born in:
        subject: person
        object: city

    """

  @Test(
    arguments: [
      (
        "    subject: person\n", "    subjct: person\n",
        ["bad.yaml:11", "'subjct'", "did you mean 'subject'"]
      ),
      ("name: wrong\n", "name: wrong\nnaem: x\n", ["bad.yaml:2", "'naem'", "did you mean 'name'"]),
      (
        "    object: city\n", "    object: citty\n",
        ["bad.yaml:12", "'citty'", "did you mean 'city'"]
      ),
      (
        "    object: city\n", "    object: city\n    objects: 5\n",
        ["bad.yaml", "predicates.born in.objects", "5 distinct objects", "3 entities", "raise"]
      ),
      (
        "prefix: city-}", "prefix: city-",
        ["bad.yaml:", "not valid YAML"]
      ),
      (
        "    count: 4\n", "    count: many\n",
        ["bad.yaml:4", "count must be a whole number", "'many'"]
      ),
      ("    count: 4\n", "    count: 0\n", ["bad.yaml:4", "count must be between 1"]),
    ] as [(String, String, [String])])
  func schemas(part: String, replacement: String, pieces: [String]) throws {
    let workspace = try TemporaryFolder()
    let text = Self.schema.replacingOccurrences(of: part, with: replacement)
    #expect(text != Self.schema)
    try workspace.write(text, to: "bad.yaml")
    try workspace.refuse(["generate", "bad.yaml", "--out", "graph.sqlite"], mentions: pieces)
  }

  @Test func theSchemaItselfIsFine() throws {
    let workspace = try TemporaryFolder()
    try workspace.write(Self.schema, to: "good.yaml")
    try workspace.kglab("generate", "good.yaml", "--out", "graph.sqlite")
      .expectSuccess(wrote: "graph.sqlite")
  }

  @Test(
    arguments: [
      ("a\tr\tb\nc\tr\n", ["facts.tsv:2", "2 columns", "tabs"]),
      ("a\tr\tb\tc\n", ["facts.tsv:1", "4 columns"]),
      ("a\tr\t\n", ["facts.tsv:1", "the object is empty"]),
      ("", ["facts.tsv", "is empty"]),
    ] as [(String, [String])])
  func triples(text: String, pieces: [String]) throws {
    let workspace = try TemporaryFolder()
    try workspace.write(text, to: "facts.tsv")
    try workspace.refuse(["import", "facts.tsv", "--out", "graph.sqlite"], mentions: pieces)
  }

  @Test func importingAFileThatIsNotThereOrNotText() throws {
    let workspace = try TemporaryFolder()
    try workspace.refuse(
      ["import", "facts.tsv", "--out", "graph.sqlite"], mentions: ["facts.tsv", "exists"])
    try Data([0x61, 0x09, 0xFF, 0xFE, 0x09, 0x62, 0x0A]).write(to: workspace["facts.tsv"])
    try workspace.refuse(
      ["import", "facts.tsv", "--out", "graph.sqlite"], mentions: ["facts.tsv:1", "not UTF-8"])
    try workspace.write("a\tr\tb\n", to: "good.tsv")
    try workspace.refuse(
      ["import", "good.tsv", "--hold-out", "qurey=0.1", "--out", "graph.sqlite"], code: 64,
      mentions: ["qurey", "query"])
    try workspace.refuse(
      ["generate", "none.yaml", "--out", "graph.sqlite"], mentions: ["none.yaml", "exists"])
  }

  @Test func anExistingFileIsNotReplaced() throws {
    let workspace = try TemporaryFolder()
    try workspace.write("precious", to: "graph.sqlite")
    try workspace.refuse(
      ["generate", TrainedRun.schema, "--out", "graph.sqlite"], code: 64,
      mentions: ["graph.sqlite exists", "--force"])
    #expect(try workspace.data("graph.sqlite") == Data("precious".utf8))
  }

  /// Commands that open a graph.
  private static let readers = [
    ["inspect", "bad.sqlite"],
    ["train", "bad.sqlite", "--size", "3k", "--epochs", "1", "--out", "run"],
  ]

  @Test(arguments: readers) func graphFiles(reader: [String]) throws {
    let workspace = try TrainedRun.graph()
    let whole = try workspace.data("graph.sqlite")
    try workspace.remove("graph.sqlite")
    try workspace.refuse(reader, mentions: ["bad.sqlite does not exist", "kglab generate"])

    try workspace.write(String(repeating: "no database at all\n", count: 40), to: "bad.sqlite")
    try workspace.refuse(reader, mentions: ["bad.sqlite is no SQLite file"])

    try whole.prefix(whole.count / 2).write(to: workspace["bad.sqlite"])
    try workspace.refuse(reader, mentions: ["bad.sqlite", "damaged"])

    // Bytes 68 to 71 of an SQLite file say whose it is.
    var foreign = whole
    foreign.replaceSubrange(68..<72, with: [0, 0, 0, 0])
    try foreign.write(to: workspace["bad.sqlite"])
    try workspace.refuse(reader, mentions: ["bad.sqlite is an SQLite file of another program"])

    var newer = whole
    newer.replaceSubrange(60..<64, with: [0, 0, 3, 0])
    try newer.write(to: workspace["bad.sqlite"])
    try workspace.refuse(reader, mentions: ["bad.sqlite has format 768", "newer kglab"])

    try Data().write(to: workspace["bad.sqlite"])
    try workspace.refuse(reader, mentions: ["bad.sqlite"])

    try workspace.remove("bad.sqlite")
    try FileManager.default.createDirectory(
      at: workspace["bad.sqlite"], withIntermediateDirectories: false)
    try workspace.refuse(reader, mentions: ["bad.sqlite is a folder"])
  }

  @Test func contentChangedByHandIsFound() throws {
    let workspace = try TrainedRun.graph()
    var bytes = try workspace.data("graph.sqlite")
    let name = try #require(bytes.range(of: Data("club-01".utf8)))
    bytes.replaceSubrange(name, with: Data("club-99".utf8))
    try bytes.write(to: workspace["graph.sqlite"])
    let result = try workspace.kglab("inspect", "graph.sqlite")
    result.expectFailure(65, mentions: ["graph.sqlite is not sound", "again"])
    #expect(!result.text.contains("next:"))
  }
}
