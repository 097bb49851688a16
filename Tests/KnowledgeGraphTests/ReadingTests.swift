import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// How files of triples may end their lines, be encoded, be named and be damaged.
@Suite struct ReadingTests {
  private static func load(_ text: String, _ name: String) throws -> KnowledgeGraph {
    let folder = try TemporaryFolder([name: text])
    return try TripleImporter(name: "x").load([folder[name]])
  }

  // MARK: Lines

  static let formats: [(name: String, first: String, second: String)] = [
    ("a.tsv", "a\tr\tb", "a\tr\tc"), ("a.nt", "<s:a> <s:r> <s:b> .", "<s:a> <s:r> <s:c> ."),
    ("a.jsonl", #"{"s":"a","p":"r","o":"b"}"#, #"{"s":"a","p":"r","o":"c"}"#),
  ]

  @Test(arguments: [0, 1, 2]) func emptyLinesAreNoTriples(format: Int) throws {
    let (name, first, second) = Self.formats[format]
    let plain = try Self.load("\(first)\n\(second)", name)
    for text in [
      "\(first)\n\(second)\n\n\n", "\(first)\n\n\(second)\r\n\r\n", "\n\(first)\r\n\(second)\n",
    ] {
      #expect(
        try Self.load(text, name).contentHash == plain.contentHash, "\(text.debugDescription)")
    }
    expectFailure("\(name):4: ") { try Self.load("\(first)\n\n\nx\n", name) }
  }

  @Test func aLoneCarriageReturnEndsALineOfNTriplesOnly() throws {
    let (_, first, second) = Self.formats[1]
    let plain = try Self.load("\(first)\n\(second)\n", "a.nt")
    // Longer than what is read at once, so that a line end is cut in two somewhere.
    let comments = (0..<9).map { "# \(String(repeating: "x", count: 262_137 + $0))\r\n" }.joined()
    for text in [
      "\(first)\r\(second)\r", "\(comments)\(first)\r\n\(second)\r", "\r\r\(first)\r\(second)",
    ] {
      #expect(try Self.load(text, "a.nt").contentHash == plain.contentHash)
    }
    expectFailure("a.nt:10: ") { try Self.load("\(comments)x\r\n", "a.nt") }
    for (name, first, second) in [Self.formats[0], Self.formats[2]] {
      let message = failure { try Self.load("\(first)\r\(second)\r", name) }
      #expect(message.contains("\(name):1: a carriage return stands inside"), "\(message)")
      #expect(!message.contains("--columns"))
    }
  }

  @Test func otherEncodingsAndEmptyFilesAreNamed() throws {
    let text = "a\tr\tb\n"
    let folder = try TemporaryFolder()
    let url = folder["a.tsv"]
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32] {
      try #require(text.data(using: encoding)).write(to: url)
      expectFailure("UTF-16", "iconv") { try TripleImporter(name: "x").load([url]) }
    }
    for name in ["a.tsv", "a.nt", "a.jsonl"] {
      #expect(failure { try Self.load("\n\n", name) }.contains("is empty"))
    }
  }

  // MARK: Pipes

  @Test func packedTextIsReadFromAPipe() throws {
    let text = (0..<40_000).map { "subject \($0)\tr\tobject \($0 * 7919 % 1009)\n" }.joined()
    let folder = try TemporaryFolder(["a.tsv": text])
    let plain = try TripleImporter(name: "x").load([folder["a.tsv"]])
    let pipe = folder["pipe"]
    try #require(try runProgram("mkfifo", pipe.path) == 0)
    for program in ["cat", "gzip -c"] {
      // Both ends wait for each other.
      let end = try startProgram([
        "sh", "-c", "\(program) < \"$0\" > \"$1\"", folder["a.tsv"].path, pipe.path,
      ])
      #expect(try TripleImporter(name: "x").load([pipe]).contentHash == plain.contentHash)
      #expect(end() == 0)
    }
    #expect(TripleImporter.source("-").path == "/dev/stdin")
  }

  // MARK: Splits

  @Test(arguments: ["valid", "dev", "val", "validation"])
  func theSecondPartHasSeveralNames(name: String) throws {
    let files = ["train.txt": "a\tr\tb\n", "\(name).txt": "a\tq\tb\n", "test.txt": "a\ts\tb\n"]
    let graph = try Fixture.load(files)
    #expect(graph.queries.map(\.visibility) == [.ivs, .fvs, .ivs])
    let both = files.merging(["valid.tsv": "a\tr\tc\n"]) { $1 }
    expectFailure("holds both valid.", "\(name).txt") { try Fixture.load(both) }
  }

  @Test func aGraphWithNothingTrainedComesBack() throws {
    let folder = try TemporaryFolder(["train.txt": "", "test.txt": "a\tr\tb\nc\tr\tb\n"])
    let graph = folder["g.sqlite"]
    let first = try TripleImporter(name: "x").write([folder.url], to: graph)
    #expect(first.profile.triples.trained == 0 && first.profile.triples.total == 2)
    for format in [TripleFormat.tsv, .openke, .ntriples, .jsonl] {
      let out = folder[format.rawValue]
      _ = try Fixture.splitExporter(format).write(graph, to: out)
      #expect(try TripleImporter(name: "x").load([out]).contentHash == first.contentHash)
    }
    expectFailure("holds no triple") { try Fixture.load(["train.txt": "", "test.txt": "\n"]) }
  }

  // MARK: Malformed lines

  @Test func malformedLinesAreLeftOutWhole() throws {
    let cases = [
      ("a.tsv", "x\ny\tr\t\nnew\tq\tb\u{0}\n", "a.tsv:2: the line has 1 column"),
      ("a.nt", "<s:x> <s:new>\n<s:y> <s:r> \"z\" . .\n<s:x>\n", "a.nt:2: the object is missing"),
      ("a.jsonl", "{\"s\":\"x\"\n{\"s\":\"y\",\"p\":\"q\",\"o\":\"\"}\nx\n", "a.jsonl:2: "),
    ]
    let importer = with(TripleImporter(name: "x")) { $0.skipsMalformed = true }
    for (format, (name, lines, says)) in zip(Self.formats, cases) {
      let folder = try TemporaryFolder([name: "\(format.first)\n\(lines)\(format.second)\n"])
      let out = folder["g.sqlite"]
      let result = try importer.write([folder[name]], to: out)
      let plain = try Self.load("\(format.first)\n\(format.second)\n", name)
      #expect(result.contentHash == plain.contentHash)
      #expect(result.report.skipped?.count == 3)
      #expect(result.report.skipped?.first.first?.hasPrefix(says) == true)
      #expect(try GraphInspection(of: out).importReport?.skipped?.count == 3)
    }
    let folder = try TemporaryFolder(["a.tsv": "x\n"])
    expectFailure("malformed lines: 1", "a.tsv:1: ") { try importer.load([folder["a.tsv"]]) }
  }

  @Test func namesThatWereTakenBackAreFoundNoMore() throws {
    // Enough names that the table of names grows between lines that are taken back.
    let lines = (0..<3000).map { "s\($0)\tr\to\($0)\nbad\($0)\tworse\($0)\t\n" }.joined()
    let folder = try TemporaryFolder(["a.tsv": lines])
    let importer = with(TripleImporter(name: "x")) { $0.skipsMalformed = true }
    let graph = try importer.load([folder["a.tsv"]])
    #expect(graph.entities.count == 6000 && graph.predicates.map(\.name) == ["r"])
    #expect(Set(graph.entities.map(\.name)).count == 6000)
  }

  // MARK: Triples without a graph

  @Test func triplesAreReadFromEveryExport() throws {
    let text = "\\escaped:a\\tb\tr\tc\nx\tr\t\\escaped:\\\\\n"
    let folder = try TemporaryFolder(["a.tsv": text])
    let url = folder["a.tsv"]
    let expected = try TripleImporter(name: "x").triples([url])
    #expect(expected.map(\.subject) == ["a\tb", "x"] && expected.map(\.object) == ["c", "\\"])
    #expect(expected.map(\.line) == [1, 2])
    let graph = folder["g.sqlite"]
    _ = try TripleImporter(name: "x").write([url], to: graph)
    for name in ["b.tsv.gz", "b.nt", "b.jsonl", "folder"] {
      let out = folder[name]
      _ = try GraphExporter().write(graph, to: out)
      let read = try TripleImporter(name: "x").triples([out])
      #expect(read.map(\.subject) == ["a\tb", "x"], "\(name)")
    }
  }
}
