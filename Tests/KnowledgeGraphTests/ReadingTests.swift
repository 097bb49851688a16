import Foundation
import KnowledgeGraph
import LabCore
import Testing

/// How files of triples may end their lines, be encoded, be named and be damaged.
@Suite struct ReadingTests {
  private static func withFile<T>(
    _ bytes: some Sequence<UInt8>, _ name: String = "a.tsv", _ body: (URL) throws -> T
  ) throws -> T {
    try Fixture.withFolder { folder in
      let url = folder.appendingPathComponent(name)
      try Data(bytes).write(to: url)
      return try body(url)
    }
  }

  // MARK: Lines

  static let formats: [(name: String, first: String, second: String)] = [
    ("a.tsv", "a\tr\tb", "a\tr\tc"), ("a.nt", "<s:a> <s:r> <s:b> .", "<s:a> <s:r> <s:c> ."),
    ("a.jsonl", #"{"s":"a","p":"r","o":"b"}"#, #"{"s":"a","p":"r","o":"c"}"#),
  ]

  @Test(arguments: [0, 1, 2]) func emptyLinesAreNoTriples(format: Int) throws {
    let (name, first, second) = Self.formats[format]
    let plain = try Fixture.load("\(first)\n\(second)", name)
    for text in [
      "\(first)\n\(second)\n\n\n", "\(first)\n\n\(second)\r\n\r\n", "\n\(first)\r\n\(second)\n",
    ] {
      #expect(
        try Fixture.load(text, name).contentHash == plain.contentHash, "\(text.debugDescription)")
    }
    let message = Fixture.failure { _ = try Fixture.load("\(first)\n\n\nx\n", name) }
    #expect(message.contains("\(name):4: "), "\(message)")
  }

  @Test func aLoneCarriageReturnEndsALineOfNTriplesOnly() throws {
    let (_, first, second) = Self.formats[1]
    let plain = try Fixture.load("\(first)\n\(second)\n", "a.nt")
    // Longer than what is read at once, so that a line end is cut in two somewhere.
    let comments = (0..<9).map { "# \(String(repeating: "x", count: 262_137 + $0))\r\n" }.joined()
    for text in [
      "\(first)\r\(second)\r", "\(comments)\(first)\r\n\(second)\r", "\r\r\(first)\r\(second)",
    ] {
      #expect(try Fixture.load(text, "a.nt").contentHash == plain.contentHash)
    }
    let message = Fixture.failure { _ = try Fixture.load("\(comments)x\r\n", "a.nt") }
    #expect(message.contains("a.nt:10: "), "\(message.suffix(100))")
    for (name, first, second) in [Self.formats[0], Self.formats[2]] {
      let message = Fixture.failure { _ = try Fixture.load("\(first)\r\(second)\r", name) }
      #expect(message.contains("\(name):1: a carriage return stands inside"), "\(message)")
      #expect(!message.contains("--columns"))
    }
  }

  @Test func otherEncodingsAndEmptyFilesAreNamed() throws {
    let text = "a\tr\tb\n"
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32] {
      let message = try Self.withFile(try #require(text.data(using: encoding))) { url in
        Fixture.failure { _ = try TripleImporter(name: "x").load([url]) }
      }
      #expect(message.contains("UTF-16") && message.contains("iconv"), "\(message)")
    }
    for name in ["a.tsv", "a.nt", "a.jsonl"] {
      #expect(Fixture.failure { _ = try Fixture.load("\n\n", name) }.contains("is empty"))
    }
  }

  // MARK: Pipes

  @Test func packedTextIsReadFromAPipe() throws {
    let text = (0..<40_000).map { "subject \($0)\tr\tobject \($0 * 7919 % 1009)\n" }.joined()
    try Self.withFile(text.utf8) { url throws in
      let plain = try TripleImporter(name: "x").load([url])
      let pipe = url.deletingLastPathComponent().appendingPathComponent("pipe")
      for program in ["cat", "gzip -c"] {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
          "-c", "rm -f \"$1\"; mkfifo \"$1\"; \(program) < \"$0\" > \"$1\"", url.path, pipe.path,
        ]
        try shell.run()
        while FileKind.of(pipe) == nil { usleep(1000) }
        #expect(try TripleImporter(name: "x").load([pipe]).contentHash == plain.contentHash)
        shell.waitUntilExit()
        try FileManager.default.removeItem(at: pipe)
      }
    }
    #expect(TripleImporter.source("-").path == "/dev/stdin")
  }

  // MARK: Splits

  @Test(arguments: ["valid", "dev", "val", "validation"])
  func theSecondPartHasSeveralNames(name: String) throws {
    let files = ["train.txt": "a\tr\tb\n", "\(name).txt": "a\tq\tb\n", "test.txt": "a\ts\tb\n"]
    let graph = try Fixture.withFolder(files) { try TripleImporter(name: "x").load([$0]) }
    #expect(graph.queries.map(\.visibility) == [.ivs, .fvs, .ivs])
    let both = files.merging(["valid.tsv": "a\tr\tc\n"]) { $1 }
    let message = try Fixture.withFolder(both) { folder throws in
      Fixture.failure { _ = try TripleImporter(name: "x").load([folder]) }
    }
    #expect(message.contains("holds both valid.") && message.contains("\(name).txt"), "\(message)")
  }

  @Test func aGraphWithNothingTrainedComesBack() throws {
    try Fixture.withFolder(["train.txt": "", "test.txt": "a\tr\tb\nc\tr\tb\n"]) { folder in
      let graph = folder.appendingPathComponent("g.sqlite")
      let first = try TripleImporter(name: "x").write([folder], to: graph)
      #expect(first.profile.triples.trained == 0 && first.profile.triples.total == 2)
      for format in [TripleFormat.tsv, .openke, .ntriples, .jsonl] {
        let out = folder.appendingPathComponent(format.rawValue)
        var exporter = GraphExporter()
        exporter.format = format
        exporter.isSplit = true
        _ = try exporter.write(graph, to: out)
        #expect(try TripleImporter(name: "x").load([out]).contentHash == first.contentHash)
      }
    }
    let message = try Fixture.withFolder(["train.txt": "", "test.txt": "\n"]) { folder throws in
      Fixture.failure { _ = try TripleImporter(name: "x").load([folder]) }
    }
    #expect(message.contains("holds no triple"), "\(message)")
  }

  // MARK: Malformed lines

  @Test func malformedLinesAreLeftOutWhole() throws {
    let cases = [
      ("a.tsv", "x\ny\tr\t\nnew\tq\tb\u{0}\n", "a.tsv:2: the line has 1 column"),
      ("a.nt", "<s:x> <s:new>\n<s:y> <s:r> \"z\" . .\n<s:x>\n", "a.nt:2: the object is missing"),
      ("a.jsonl", "{\"s\":\"x\"\n{\"s\":\"y\",\"p\":\"q\",\"o\":\"\"}\nx\n", "a.jsonl:2: "),
    ]
    for (format, (name, lines, says)) in zip(Self.formats, cases) {
      try Self.withFile("\(format.first)\n\(lines)\(format.second)\n".utf8, name) { url in
        var importer = TripleImporter(name: "x")
        importer.skipsMalformed = true
        let out = url.deletingLastPathComponent().appendingPathComponent("g.sqlite")
        let result = try importer.write([url], to: out)
        let plain = try Fixture.load("\(format.first)\n\(format.second)\n", name)
        #expect(result.contentHash == plain.contentHash)
        #expect(result.report.skipped?.count == 3)
        #expect(result.report.skipped?.first.first?.hasPrefix(says) == true)
        #expect(try GraphInspection(of: out).importReport?.skipped?.count == 3)
      }
    }
    try Self.withFile("x\n".utf8) { url throws in
      var importer = TripleImporter(name: "x")
      importer.skipsMalformed = true
      let message = Fixture.failure { _ = try importer.load([url]) }
      #expect(message.contains("malformed lines: 1") && message.contains("a.tsv:1: "), "\(message)")
    }
  }

  @Test func namesThatWereTakenBackAreFoundNoMore() throws {
    // Enough names that the table of names grows between lines that are taken back.
    let lines = (0..<3000).map { "s\($0)\tr\to\($0)\nbad\($0)\tworse\($0)\t\n" }.joined()
    try Self.withFile(lines.utf8) { url throws in
      var importer = TripleImporter(name: "x")
      importer.skipsMalformed = true
      let graph = try importer.load([url])
      #expect(graph.entities.count == 6000 && graph.predicates.map(\.name) == ["r"])
      #expect(Set(graph.entities.map(\.name)).count == 6000)
    }
  }

  // MARK: Triples without a graph

  @Test func triplesAreReadFromEveryExport() throws {
    let text = "\\escaped:a\\tb\tr\tc\nx\tr\t\\escaped:\\\\\n"
    try Self.withFile(text.utf8) { url in
      let expected = try TripleImporter(name: "x").triples([url])
      #expect(expected.map(\.subject) == ["a\tb", "x"] && expected.map(\.object) == ["c", "\\"])
      #expect(expected.map(\.line) == [1, 2])
      let folder = url.deletingLastPathComponent()
      let graph = folder.appendingPathComponent("g.sqlite")
      _ = try TripleImporter(name: "x").write([url], to: graph)
      for name in ["b.tsv.gz", "b.nt", "b.jsonl", "folder"] {
        let out = folder.appendingPathComponent(name)
        _ = try GraphExporter().write(graph, to: out)
        let read = try TripleImporter(name: "x").triples([out])
        #expect(read.map(\.subject) == ["a\tb", "x"], "\(name)")
      }
    }
  }
}
