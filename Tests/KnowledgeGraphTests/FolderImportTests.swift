import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// Folders of ids, compressed files, headers, columns and formats by name.
@Suite struct FolderImportTests {
  private static let openKE = [
    "entity2id.txt": "3\nc d\t2\na\t0\nb\t1\n", "relation2id.txt": "1\nlikes\t0\n",
    "train2id.txt": "2\n0 1 0\n0\t2 0\n", "test2id.txt": "1\n2 0 0\n",
  ]

  private func failure(_ files: [String: String]) throws -> String {
    try Fixture.withFolder(files) { folder throws in
      Fixture.failure { _ = try TripleImporter(name: "x").load([folder]) }
    }
  }

  // MARK: OpenKE

  @Test func openKEKeepsItsIds() throws {
    let graph = try Fixture.withFolder(Self.openKE) { try TripleImporter(name: "x").load([$0]) }
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
    let message = try failure(Self.openKE.merging([file: text]) { $1 })
    for piece in says { #expect(message.contains(piece), "\(message)") }
  }

  // MARK: Ids beside triples

  @Test func mapsOfIdsDecideTheIds() throws {
    let files = [
      "train.txt": "b\tr\ta\n", "entity_to_id.tsv": "id\tlabel\n2\tnever used\n0\tb\n1\ta\n",
      "relation_to_id.tsv": "id\tlabel\n0\tr\n",
    ]
    let graph = try Fixture.withFolder(files) { try TripleImporter(name: "x").load([$0]) }
    #expect(graph.entities.map(\.name) == ["b", "a", "never used"])
    for (file, text, piece) in [
      ("train.txt", "b\tr\ta\nb\tr\tnew\n", "train.txt:2: the object 'new' is not in"),
      ("train.txt", "b\tq\ta\n", "train.txt:1: the predicate 'q' is not in"),
      ("entity_to_id.tsv", "b\t0\na\t1\n", "entity_to_id.tsv:1: the first line"),
      ("entity_to_id.tsv", "id\tlabel\n0\ta\n1\ta\n", "entity_to_id.tsv:3: the name 'a' has two"),
      ("entity_to_id.tsv", "id\tlabel\nx\ta\n", "entity_to_id.tsv:2: 'x' is no id"),
    ] {
      let message = try failure(files.merging([file: text]) { $1 })
      #expect(message.contains(piece), "\(message)")
    }
    #expect(try failure(files.filter { $0.key != "relation_to_id.tsv" }).contains("only one of"))
  }

  // MARK: Columns, headers, escapes, formats

  @Test func columnsAreSkippedOnlyWhenNamed() throws {
    let files = ["a.tsv": "score\thead\ttail\trel\tyear\n0.5\ta\tb\tr\t1999\n0.7\ta\tc\tr\t2000\n"]
    try Fixture.withFolder(files) { folder throws in
      let url = folder.appendingPathComponent("a.tsv")
      var importer = TripleImporter(name: "x", columns: try ColumnOrder("_,h,t,r,_"))
      importer.skipsHeader = true
      #expect(try importer.load([url]).entities.map(\.name) == ["a", "b", "c"])
      let message = Fixture.failure { _ = try TripleImporter(name: "x").load([url]) }
      #expect(message.contains("a.tsv:1: the line has 5 columns, not 3"), "\(message)")
      #expect(message.contains("--columns s,p,o,_,_"), "\(message)")
    }
    #expect(try ColumnOrder("subject,predicate,object") == .default)
    #expect(try ColumnOrder("spo") == .default)
    #expect(try ColumnOrder("head, relation, tail") == .default)
  }

  @Test func escapesAreReadAsAsked() throws {
    let files = ["a.tsv": "a\\tb\tr\t\\escaped:a\\tb\\\\\n"]
    try Fixture.withFolder(files) { folder throws in
      let url = folder.appendingPathComponent("a.tsv")
      func names(_ escape: NameEscape) throws -> [String] {
        var importer = TripleImporter(name: "x")
        importer.escape = escape
        return try importer.load([url]).entities.map(\.name).sorted()
      }
      #expect(try names(.marked) == ["a\tb\\", "a\\tb"].sorted())
      #expect(try names(.none) == ["\\escaped:a\\tb\\\\", "a\\tb"].sorted())
      let message = Fixture.failure { _ = try names(.all) }
      #expect(message.contains("a.tsv:1: ") && message.contains("'\\e'"), "\(message)")
    }
  }

  @Test func namesOfFilesSayTheirFormat() throws {
    for (name, piece) in [
      ("a.ttl", "rdfpipe"), ("a.csv", "tab-separated"), ("a.nq.gz", "N-Quads"), ("a.json", "jsonl"),
    ] {
      try Fixture.withFolder([name: "a\tr\tb\n"]) { folder throws in
        let url = folder.appendingPathComponent(name)
        #expect(Fixture.failure { _ = try TripleImporter(name: "x").load([url]) }.contains(piece))
        var importer = TripleImporter(name: "x")
        importer.format = .tsv
        #expect(try importer.load([url]).entities.count == 2)
      }
    }
    try Fixture.withFolder(["a.nt": "# nothing\n", "b.nt": "<s:s> <p:p> <o:o> .\n"]) {
      folder throws in
      let none = folder.appendingPathComponent("a.nt")
      #expect(
        Fixture.failure { _ = try TripleImporter(name: "x").load([none]) }.contains("no triple"))
      var importer = TripleImporter(name: "x")
      importer.skipsHeader = true
      let url = folder.appendingPathComponent("b.nt")
      #expect(Fixture.failure { _ = try importer.load([url]) }.contains("--header"))
    }
  }

  @Test func theOrderOfLinesDoesNotMatter() throws {
    let lines = (0..<200).map { "s\($0 % 37)\tr\($0 % 5)\to\($0 % 61)\n" }
    func hash(_ lines: [String]) throws -> String {
      try Fixture.withFolder(["a.tsv": lines.joined()]) {
        try TripleImporter(name: "x").load([$0.appendingPathComponent("a.tsv")]).contentHash
      }
    }
    let first = try hash(lines)
    #expect(try hash(lines.reversed()) == first)
    #expect(try hash(lines.sorted()) == first)
    #expect(try hash(Array(lines.dropLast())) != first)
  }

  // MARK: gzip

  private static func gzip(_ url: URL) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", url.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func compressedFilesAreReadAndCutOnesRefused() throws {
    let text = (0..<3000).map { "subject \($0)\tr\tobject \($0 * 7919 % 1009)\n" }.joined()
    try Fixture.withFolder(["train.txt": text, "plain.tsv": text]) { folder in
      let train = folder.appendingPathComponent("train.txt")
      try Self.gzip(train)
      let packed = folder.appendingPathComponent("train.txt.gz")
      let plain = try TripleImporter(name: "x").load([folder.appendingPathComponent("plain.tsv")])
      let importer = TripleImporter(name: "x")
      #expect(try importer.load([packed]).contentHash == plain.contentHash)
      #expect(try importer.load([folder]).contentHash == plain.contentHash)
      // A compressed file is known by its first bytes, whatever its name.
      let renamed = folder.appendingPathComponent("other")
      let whole = try Data(contentsOf: packed)
      try whole.write(to: renamed)
      #expect(try importer.load([renamed]).contentHash == plain.contentHash)
      let out = folder.appendingPathComponent("graph.sqlite")
      for count in [4, 12, whole.count / 2, whole.count - 6, whole.count - 1] {
        try whole.prefix(count).write(to: renamed)
        let message = Fixture.failure { _ = try importer.write([renamed], to: out) }
        #expect(
          message.contains("other cannot be unpacked") && message.contains("cut short"),
          "\(count): \(message)")
        #expect(FileKind.of(out) == nil)
      }
      var damaged = whole
      damaged[whole.count / 2] ^= 0xFF
      try damaged.write(to: renamed)
      // Either gzip notices, or a line is wrong: never half a graph.
      #expect(!Fixture.failure { _ = try importer.load([renamed]) }.isEmpty)
      try Data("a\tr\tb\nx\n".utf8).write(to: folder.appendingPathComponent("bad.tsv"))
      try Self.gzip(folder.appendingPathComponent("bad.tsv"))
      let bad = folder.appendingPathComponent("bad.tsv.gz")
      #expect(Fixture.failure { _ = try importer.load([bad]) }.contains("bad.tsv.gz:2: "))
    }
  }
}
