import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Types that files give: contradictions are refused, and what is taken comes back.
@Suite struct ImportedTypesTests {
  private static let files = [
    "train.txt": "a\tr\tx\n", "entity_to_id.tsv": "id\tlabel\ttype\n0\ta\tperson\n1\tx\tcity\n",
    "relation_to_id.tsv": "id\tlabel\tsubject_type\tobject_type\n0\tr\tperson\tcity\n",
  ]

  /// The graph of `files` with changes.
  private func load(_ changes: [String: String]) throws -> KnowledgeGraph {
    try Fixture.load(Self.files.merging(changes) { $1 })
  }

  @Test func contradictionsAreNamed() throws {
    #expect(failure { try load([:]) }.isEmpty)
    for (file, text, says) in [
      ("train.txt", "a\tr\tx\nx\tr\tx\n", "train.txt:2: the subject 'x' is of type 'city'"),
      ("train.txt", "a\tr\ta\n", "train.txt:1: the object 'a' is of type 'person'"),
      ("entity_to_id.tsv", "id\tlabel\n0\ta\n1\tx\n", "gives no entity a type"),
      ("entity_to_id.tsv", "id\tlabel\ttype\n0\ta\t-\n1\tx\tcity\n", "without type"),
      (
        "type_to_id.tsv", "id\tlabel\tparent\n0\tperson\tcity\n1\tcity\tperson\n",
        "lead back to itself"
      ),
      ("type_to_id.tsv", "id\tlabel\tparent\n0\tperson\t-\n", "no type 'city' in type_to_id.tsv"),
      ("type_to_id.tsv", "id\tlabel\tparent\n0\tcity\tx\n", "the parent 'x' is no type"),
      ("type_to_id.tsv", "id\tlabel\n0\tcity\n", "no types with parents"),
    ] { expectFailure(says) { try load([file: text]) } }
    // A kind of the type is of the type.
    #expect(
      failure {
        try load([
          "type_to_id.tsv": "id\tlabel\tparent\n0\tperson\tcity\n1\tcity\t-\n",
          "train.txt": "a\tr\ta\n",
        ])
      }.isEmpty)
  }

  @Test func relationsOfOneNameAreRefused() throws {
    expectFailure("relation2id.txt:3: the name 'r' has two ids") {
      try Fixture.load([
        "entity2id.txt": "1\na\t0\n", "relation2id.txt": "2\nr\t0\nr\t1\n",
        "train2id.txt": "1\n0 0 1\n",
      ])
    }
  }

  @Test func theOrderOfIdLinesDoesNotMatter() throws {
    func hash(_ entities: String) throws -> String {
      try load(["entity_to_id.tsv": entities]).contentHash
    }
    #expect(
      try hash("id\tlabel\ttype\n0\ta\tperson\n1\tx\tcity\n")
        == hash("id\tlabel\ttype\n1\tx\tcity\n0\ta\tperson\n"))
  }

  // MARK: One graph, one hash

  /// Imports lines of JSON, writes them in a format, and imports that.
  private func comesBack(_ lines: [String], as format: TripleFormat) throws -> Bool {
    let folder = try TemporaryFolder()
    let source = try folder.write(lines.joined(separator: "\n"), to: "a.jsonl")
    let graph = folder["a.sqlite"]
    let importer = TripleImporter(name: "x")
    let first = try importer.write([source], to: graph)
    #expect(try GraphInspection(of: graph).isSound)
    let out = folder["out"]
    _ = try Fixture.splitExporter(format).write(graph, to: out)
    return try importer.load([out]).contentHash == first.contentHash
  }

  @Test func aNameWithAndWithoutTypeComesBack() throws {
    let mixed = [
      #"{"s":"a","p":"r","o":"b"}"#, #"{"s":"a","p":"r","o":"c","subject_type":"city"}"#,
      #"{"s":"a","p":"r","o":"d","subject_type":"zoo","object_type":"entity"}"#,
      #"{"s":"a","p":"r","o":"d","subject_type":"zoo","subject_id":3}"#,
    ]
    #expect(try comesBack(mixed, as: .jsonl))
    let numbered = (1...120).map { #"{"s":"a","p":"r","o":"b","subject_id":\#($0 * 7)}"# }
    #expect(try comesBack(mixed + numbered, as: .jsonl))
    // Said or not, the type of what has none is the same.
    let said = #"{"s":"a","p":"r","o":"b","subject_type":"entity","object_type":"entity"}"#
    for format in [TripleFormat.jsonl, .tsv, .ntriples, .openke] {
      #expect(try comesBack([said], as: format))
    }
  }

  @Test func typesOfAnyNameComeBackFromAFolder() throws {
    let types = ["-", "a\\tb", "\\\\escaped:", "id", "é"]
    let lines = types.enumerated().map { index, type in
      #"{"s":"s\#(index)","p":"r","o":"o\#(index)","subject_type":"\#(type)","object_type":"x"}"#
    }
    #expect(try comesBack(lines, as: .tsv))
    #expect(try comesBack(lines, as: .jsonl))
  }

  @Test func kindsOfTypesComeBackFromAFolder() throws {
    let text = HierarchyTests.text.replacingOccurrences(of: ", ambiguous: 0.1", with: "")
    let schema = try GraphSchema.parse(text, file: "kinds.yaml")
    let folder = try TemporaryFolder()
    let url = folder["kinds.sqlite"]
    let graph = try GraphGenerator(schema: schema, seed: Seed(2)).write(to: url)
    let out = folder["facts"]
    _ = try GraphExporter().write(url, to: out)
    let copy = folder["copy.sqlite"]
    let back = try TripleImporter(name: "x").write([out], to: copy)
    #expect(back.contentHash == graph.contentHash)
    #expect(try GraphInspection(of: copy).isSound)
  }
}
