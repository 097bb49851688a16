import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

struct ImportTests {
  /// Writes `files` into a new folder and imports what `sources` names there.
  static func imported(
    _ files: [String: String], _ sources: [String], columns: String = "hrt",
    heldOut: String = ""
  ) throws -> (graph: KnowledgeGraph, result: ImportedGraph) {
    let folder = try TemporaryFolder(files)
    let importer = TripleImporter(
      name: "test", columns: try ColumnOrder(columns),
      heldOut: heldOut.isEmpty ? HeldOutShares() : try HeldOutShares(option: heldOut))
    let out = folder["graph.sqlite"]
    let urls = sources.map { $0 == "." ? folder.url : folder[$0] }
    let result = try importer.write(urls, to: out)
    let graph = try KnowledgeGraph.open(out)
    #expect(try importer.load(urls).contentHash == graph.contentHash)
    #expect(try GraphInspection(of: out).isSound)
    return (graph, result)
  }

  static func names(_ graph: KnowledgeGraph, _ query: Query) -> [String] {
    graph.answers[query.answers].map { graph.entities[Int($0.object)].name }
  }

  @Test func triplesKeepTheirNames() throws {
    let text = "Ångström\tborn in\tLögdö\nA\u{30A}ngström\tborn in\tx\n\"q\"\tsays ''\t日本 😀\r\n"
    let (graph, _) = try Self.imported(["a.tsv": text], ["a.tsv"])
    // The first two subjects differ only in Unicode normalisation, and stay two.
    #expect(graph.entities.count == 6)
    #expect(graph.queries.count == 3)
    let composed = graph.entities(named: "Ångström")
    #expect(composed.count == 1)
    let quoted = try #require(graph.entities(named: "\"q\"").first)
    let says = try #require(graph.predicate(named: "says ''"))
    let query = try #require(graph.query(subject: quoted, predicate: says))
    #expect(Self.names(graph, query) == ["日本 😀"])
    #expect(graph.answers.allSatisfy { $0.bits.isNaN && $0.isVisible })
  }

  @Test func repeatedLinesAreCounted() throws {
    let (graph, result) = try Self.imported(
      ["a.tsv": "a\tr\tb\na\tr\tb\na\tr\tc\na\tr\tb"], ["a.tsv"])
    #expect(graph.answers.count == 2)
    #expect(result.report.repeatedCount == 2)
    #expect(result.report.files.map(\.lineCount) == [4])
  }

  @Test func columnsMayBeInAnyOrder() throws {
    let (graph, _) = try Self.imported(["a.tsv": "tail\thead\trel\n"], ["a.tsv"], columns: "thr")
    #expect(graph.predicates.map(\.name) == ["rel"])
    #expect(graph.entities.map(\.name) == ["head", "tail"])
    for wrong in ["hr", "hrr", "abc", "", "s,p", "s,p,o,x", "s,p,o,o", "h,r,t,"] {
      #expect(failure { try ColumnOrder(wrong) }.contains("--columns"))
    }
  }

  @Test func aFolderBringsItsSplit() throws {
    let (graph, result) = try Self.imported(
      [
        "train.txt": "a\tr\tb\na\tr\tc\na\tq\td\n",
        "valid.txt": "a\tr\td\na\ts\tb\na\tq\td\n",
        "test.tsv": "new\tr\tb\n",
      ], ["."])
    let expected: [(String, String, Visibility)] = [
      ("a", "r", .pvs), ("a", "q", .fvs), ("a", "s", .ivs), ("new", "r", .ivs),
    ]
    for (subject, predicate, visibility) in expected {
      let subjectID = try #require(graph.entities(named: subject).first)
      let predicateID = try #require(graph.predicate(named: predicate))
      let query = try #require(graph.query(subject: subjectID, predicate: predicateID))
      #expect(query.visibility == visibility)
    }
    #expect(result.report.alsoTrainedCount == 1)
    #expect(result.report.files.map(\.isTrained) == [true, false, false])
    let triples = result.profile.triples
    #expect(triples.trained == 3)
    #expect(triples.heldOutObject == 1)
    #expect(triples.heldOutQuery == 1)
    #expect(triples.heldOutSubject == 1)
  }

  @Test func plainFilesAreHeldOutByShare() throws {
    let lines = (0..<1000).flatMap { ["s\($0)\tr\to1\n", "s\($0)\tr\to2\n", "s\($0)\tq\to3\n"] }
    let (_, result) = try Self.imported(
      ["a.tsv": lines.joined()], ["a.tsv"], heldOut: "query=0.2,object=0.5,subject=0.1")
    let queries = result.profile.queries
    #expect(queries.total == 2000)
    #expect(abs(Double(queries.ivs) / 2000 - 0.3) < 0.04)
    #expect(abs(Double(queries.pvs) / (1000 * 0.7) - 0.5) < 0.07)
    let triples = result.profile.triples
    #expect(triples.heldOutObject == queries.pvs)
    #expect(triples.heldOutSubject % 3 == 0)
  }

  @Test(arguments: [
    ("a\tr\tb\na\tr\n", "a.tsv:2", "2 columns"),
    ("a\tr\tb\tc\n", "a.tsv:1", "4 columns"),
    ("a r b\n", "a.tsv:1", "1 column,"),
    ("a\t\tb\n", "a.tsv:1", "predicate is empty"),
    ("a\tr\tb\u{0}c\n", "a.tsv:1", "NUL"),
    ("", "a.tsv", "is empty"),
  ])
  func aMalformedLineIsNamedAndNothingIsWritten(text: String, place: String, says: String) throws {
    let folder = try TemporaryFolder()
    let source = try folder.write(text, to: "a.tsv")
    let out = folder["graph.sqlite"]
    expectFailure(place, says) { try TripleImporter(name: "x").write([source], to: out) }
    #expect(try WriteFailureTests.contents(folder.url) == ["a.tsv"])
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    let folder = try TemporaryFolder()
    func message(_ bytes: [UInt8]) throws -> String {
      let source = folder["a.tsv"]
      try Data(bytes).write(to: source)
      return failure { try TripleImporter(name: "x").load([source]) }
    }
    #expect(try message([0x61, 9, 0x62, 9, 0xFF, 10]).contains("a.tsv:1: the object is not UTF-8"))
    #expect(try message([0x28, 0xB5, 0x2F, 0xFD, 0]).contains("zstd -d"))
    #expect(try message([UInt8](repeating: 0x61, count: 3 << 20)).contains("1 MiB"))
    // A byte order mark is no part of the first name.
    let source = folder["b.tsv"]
    try Data([0xEF, 0xBB, 0xBF] + Array("a\tr\tb".utf8)).write(to: source)
    #expect(try TripleImporter(name: "x").load([source]).entities.map(\.name) == ["a", "b"])
  }

  @Test func foldersAndOptionsThatMakeNoSenseAreNamed() throws {
    #expect(failure { try Self.imported([:], ["."]) }.contains("train.txt"))
    #expect(
      failure { try Self.imported(["train.txt": "a\tr\tb\n", "train.tsv": "a\tr\tb\n"], ["."]) }
        .contains("both train.txt and train.tsv"))
    #expect(
      failure {
        try Self.imported(
          ["train.txt": "a\tr\tb\n", "test.txt": "a\tr\tc\n"], ["."], heldOut: "query=0.1")
      }.contains("--hold-out"))
    #expect(failure { try Self.imported([:], ["none.tsv"]) }.contains("none.tsv"))
    for (option, says) in [
      ("querry=0.1", "did you mean 'query'"), ("query", "level=share"), ("query=1", "below 1"),
      ("query=x", "'x'"), ("query=0.1,query=0.2", "twice"), ("query=0.5,subject=0.5", "together"),
    ] { expectFailure(says) { try HeldOutShares(option: option) } }
  }
}
