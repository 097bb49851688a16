import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Folders of ids, compressed files, headers, columns and formats by name.
@Suite struct FolderImportTests {
  private static let openKE = [
    "entity2id.txt": "3\nc d\t2\na\t0\nb\t1\n", "relation2id.txt": "1\nlikes\t0\n",
    "train2id.txt": "2\n0 1 0\n0\t2 0\n", "test2id.txt": "1\n2 0 0\n",
  ]

  // MARK: OpenKE

  @Test func openKEKeepsItsIds() throws {
    let graph = try Fixture.load(Self.openKE)
    #expect(graph.entities.map(\.name) == ["a", "b", "c d"])
    #expect(graph.statements(fraction: 1).map(\.triple.object) == [1, 2])
    #expect(graph.queries.map(\.visibility) == [.fvs, .ivs])
  }

  @Test(arguments: [
    ("train2id.txt", "2\n0 1 0\n", ["train2id.txt:1:", "2 lines follow, and 1 do"]),
    ("train2id.txt", "1\n0 1 0\n0 2 0\n", ["train2id.txt:3:", "one more"]),
    ("train2id.txt", "many\n0 1 0\n", ["train2id.txt:1:", "no number"]),
    ("train2id.txt", "2\n0 1 0\n0 3 0\n", ["train2id.txt:3:", "no entity 3", "0 to 2"]),
    ("train2id.txt", "2\n0 1 0\n0 1 2\n", ["train2id.txt:3:", "no relation 2"]),
    ("train2id.txt", "2\n0 1 0\n0 1\n", ["train2id.txt:3:", "three ids"]),
    ("train2id.txt", "2\n0 1 0\n0 -1 0\n", ["train2id.txt:3:", "three ids"]),
    ("train2id.txt", "", ["train2id.txt", "empty"]),
    ("entity2id.txt", "3\na\t0\nb\t1\nc\t1\n", ["entity2id.txt:4:", "line 3 too"]),
    ("entity2id.txt", "3\na\t0\nb\t1\nc\t5\n", ["entity2id.txt:4:", "too large"]),
    ("entity2id.txt", "3\na\t0\nb\nc\t2\n", ["entity2id.txt:3:", "a tab and an id"]),
    ("relation2id.txt", "1\n\u{0}x\t0\n", ["relation2id.txt:2:", "NUL"]),
  ])
  func mistakesInOpenKEAreNamed(file: String, text: String, says: [String]) throws {
    expectFailure(says) { try Fixture.load(Self.openKE.merging([file: text]) { $1 }) }
  }

  // MARK: Ids beside triples

  @Test func mapsOfIdsDecideTheIds() throws {
    let files = [
      "train.txt": "b\tr\ta\n", "entity_to_id.tsv": "id\tlabel\n2\tnever used\n0\tb\n1\ta\n",
      "relation_to_id.tsv": "id\tlabel\n0\tr\n",
    ]
    let graph = try Fixture.load(files)
    #expect(graph.entities.map(\.name) == ["b", "a", "never used"])
    for (file, text, piece) in [
      ("train.txt", "b\tr\ta\nb\tr\tnew\n", "train.txt:2: the object 'new' is not in"),
      ("train.txt", "b\tq\ta\n", "train.txt:1: the predicate 'q' is not in"),
      ("entity_to_id.tsv", "b\t0\na\t1\n", "entity_to_id.tsv:1: the first line"),
      ("entity_to_id.tsv", "id\tlabel\n0\ta\n1\ta\n", "entity_to_id.tsv:3: the name 'a' has two"),
      ("entity_to_id.tsv", "id\tlabel\nx\ta\n", "entity_to_id.tsv:2: 'x' is no id"),
    ] { expectFailure(piece) { try Fixture.load(files.merging([file: text]) { $1 }) } }
    let half = files.filter { $0.key != "relation_to_id.tsv" }
    #expect(failure { try Fixture.load(half) }.contains("only one of"))
  }

  // MARK: Columns, headers, escapes, formats

  @Test func columnsAreSkippedOnlyWhenNamed() throws {
    let files = ["a.tsv": "score\thead\ttail\trel\tyear\n0.5\ta\tb\tr\t1999\n0.7\ta\tc\tr\t2000\n"]
    let folder = try TemporaryFolder(files)
    let url = folder["a.tsv"]
    let columns = try ColumnOrder("_,h,t,r,_")
    let importer = with(TripleImporter(name: "x", columns: columns)) { $0.skipsHeader = true }
    #expect(try importer.load([url]).entities.map(\.name) == ["a", "b", "c"])
    expectFailure("a.tsv:1: the line has 5 columns, not 3", "--columns s,p,o,_,_") {
      try TripleImporter(name: "x").load([url])
    }
    #expect(try ColumnOrder("subject,predicate,object") == .default)
    #expect(try ColumnOrder("spo") == .default)
    #expect(try ColumnOrder("head, relation, tail") == .default)
  }

  @Test func escapesAreReadAsAsked() throws {
    let files = ["a.tsv": "a\\tb\tr\t\\escaped:a\\tb\\\\\n"]
    let folder = try TemporaryFolder(files)
    let url = folder["a.tsv"]
    func names(_ escape: NameEscape) throws -> [String] {
      try with(TripleImporter(name: "x")) { $0.escape = escape }.load([url]).entities.map(\.name)
        .sorted()
    }
    #expect(try names(.marked) == ["a\tb\\", "a\\tb"].sorted())
    #expect(try names(.none) == ["\\escaped:a\\tb\\\\", "a\\tb"].sorted())
    expectFailure("a.tsv:1: ", "'\\e'") { try names(.all) }
  }

  @Test func namesOfFilesSayTheirFormat() throws {
    for (name, piece) in [
      ("a.ttl", "rdfpipe"), ("a.csv", "tab-separated"), ("a.nq.gz", "N-Quads"), ("a.json", "jsonl"),
    ] {
      let folder = try TemporaryFolder([name: "a\tr\tb\n"])
      let url = folder[name]
      #expect(failure { try TripleImporter(name: "x").load([url]) }.contains(piece))
      let importer = with(TripleImporter(name: "x")) { $0.format = .tsv }
      #expect(try importer.load([url]).entities.count == 2)
    }
    let folder = try TemporaryFolder(["a.nt": "# nothing\n", "b.nt": "<s:s> <p:p> <o:o> .\n"])
    expectFailure("no triple") { try TripleImporter(name: "x").load([folder["a.nt"]]) }
    let importer = with(TripleImporter(name: "x")) { $0.skipsHeader = true }
    expectFailure("--header") { try importer.load([folder["b.nt"]]) }
  }

  @Test func theOrderOfLinesDoesNotMatter() throws {
    let lines = (0..<200).map { "s\($0 % 37)\tr\($0 % 5)\to\($0 % 61)\n" }
    func hash(_ lines: [String]) throws -> String {
      let folder = try TemporaryFolder(["a.tsv": lines.joined()])
      return try TripleImporter(name: "x").load([folder["a.tsv"]]).contentHash
    }
    let first = try hash(lines)
    #expect(try hash(lines.reversed()) == first)
    #expect(try hash(lines.sorted()) == first)
    #expect(try hash(Array(lines.dropLast())) != first)
  }

  // MARK: gzip

  @Test func compressedFilesAreReadAndCutOnesRefused() throws {
    let text = (0..<3000).map { "subject \($0)\tr\tobject \($0 * 7919 % 1009)\n" }.joined()
    let folder = try TemporaryFolder(["train.txt": text, "plain.tsv": text])
    try #require(try runProgram("gzip", folder["train.txt"].path) == 0)
    let packed = folder["train.txt.gz"]
    let plain = try TripleImporter(name: "x").load([folder["plain.tsv"]])
    let importer = TripleImporter(name: "x")
    #expect(try importer.load([packed]).contentHash == plain.contentHash)
    #expect(try importer.load([folder.url]).contentHash == plain.contentHash)
    // A compressed file is known by its first bytes, whatever its name.
    let renamed = folder["other"]
    let whole = try Data(contentsOf: packed)
    try whole.write(to: renamed)
    #expect(try importer.load([renamed]).contentHash == plain.contentHash)
    let out = folder["graph.sqlite"]
    for count in [4, 12, whole.count / 2, whole.count - 6, whole.count - 1] {
      try whole.prefix(count).write(to: renamed)
      expectFailure("other cannot be unpacked", "cut short") {
        try importer.write([renamed], to: out)
      }
      #expect(FileKind.of(out) == nil)
    }
    var damaged = whole
    damaged[whole.count / 2] ^= 0xFF
    try damaged.write(to: renamed)
    // Either gzip notices, or a line is wrong: never half a graph.
    #expect(!failure { try importer.load([renamed]) }.isEmpty)
    try folder.write("a\tr\tb\nx\n", to: "bad.tsv")
    try #require(try runProgram("gzip", folder["bad.tsv"].path) == 0)
    let bad = folder["bad.tsv.gz"]
    #expect(failure { try importer.load([bad]) }.contains("bad.tsv.gz:2: "))
  }
}
