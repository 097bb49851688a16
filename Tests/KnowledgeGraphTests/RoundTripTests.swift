import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Every name comes back from every format as it was, or is refused with its line.
@Suite struct RoundTripTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A way to write a graph and read it again.
  struct Way: Sendable, CustomTestStringConvertible {
    let out: String
    var format: TripleFormat?
    var escape = NameEscape.marked
    var isSplit = false
    var isCompressed = false

    var testDescription: String { "\(out) \(escape)" }

    static let formats = [
      Way(out: "a.tsv"), Way(out: "openke", format: .openke), Way(out: "a.nt"),
      Way(out: "a.jsonl"),
    ]
    static let variants = [
      Way(out: "b.tsv", escape: .all), Way(out: "b.tsv.gz"), Way(out: "b.nt.gz"),
      Way(out: "b.jsonl.gz"),
    ]
    static let splits = [
      Way(out: "folder"), Way(out: "packed", isCompressed: true),
      Way(out: "openke", format: .openke),
      Way(out: "a.jsonl"),
      Way(out: "nt", format: .ntriples, isSplit: true),
      Way(out: "jsonl", format: .jsonl, isSplit: true, isCompressed: true),
    ]

    /// Writes the graph file `graph` in `folder` and imports it again.
    func copy(_ graph: URL, in folder: URL) throws -> ImportedGraph {
      var exporter = GraphExporter()
      exporter.format = format
      exporter.escape = escape
      exporter.isSplit = isSplit
      exporter.isCompressed = isCompressed
      let text = folder.appendingPathComponent(out)
      _ = try exporter.write(graph, to: text)
      return try with(TripleImporter(name: "copy")) { $0.escape = escape }
        .write([text], to: folder.appendingPathComponent("copy.sqlite"))
    }
  }

  /// JSON of a string in nothing but ASCII: every unit of UTF-16 as an escape.
  private static func json(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let units = text.utf16.map { "\\u" + String(0x10000 + Int($0), radix: 16).dropFirst() }
    return "\"\(units.joined())\""
  }

  /// A graph file of these names, each as subject, object and some as predicates.
  static func graph(
    of names: [[UInt8]], heldOut: Bool, in folder: URL
  ) throws -> (url: URL, hash: String) {
    let texts = names.map(json)
    let lines = texts.indices.map { index in
      let predicate = texts[index % max(1, texts.count / 20)]
      let object = texts[(index * 7 + 3) % texts.count]
      let split = heldOut && index % 5 == 1 ? "test" : "train"
      return "{\"subject\":\(texts[index]),\"predicate\":\(predicate),\"object\":\(object),"
        + "\"split\":\"\(split)\"}\n"
    }
    let source = folder.appendingPathComponent("source.jsonl")
    try Data(lines.joined().utf8).write(to: source)
    let url = folder.appendingPathComponent("source.sqlite")
    return (url, try TripleImporter(name: "source").write([source], to: url).contentHash)
  }

  private static let drawn = RandomNames.draw(11_500, seed: 1)
  private static let valid = drawn.filter(RandomNames.isName)
  private static let invalid = drawn.filter { !RandomNames.isName($0) }

  @Test func thereAreEnoughNames() {
    #expect(Self.valid.count >= 10_000)
    #expect(Self.invalid.count >= 500)
    let texts = Self.valid.map { String(decoding: $0, as: UTF8.self) }
    // Different bytes that Swift's String takes for equal are among them.
    #expect(Set(texts).count < texts.count)
  }

  /// The graph file of all valid names, made once.
  private static let source = Result {
    let folder = try TemporaryFolder()
    let (url, hash) = try graph(of: valid, heldOut: false, in: folder.url)
    return (file: try Data(contentsOf: url), hash: hash)
  }

  @Test(arguments: Way.formats) func everyNameComesBack(way: Way) throws {
    let (file, hash) = try Self.source.get()
    let source = folder["source.sqlite"]
    try file.write(to: source)
    let copy = try way.copy(source, in: folder.url)
    #expect(copy.contentHash == hash)
    #expect(copy.profile.triples.total == Self.valid.count)
  }

  @Test func theGraphHoldsExactlyTheNames() throws {
    let url = folder["source.sqlite"]
    try Self.source.get().file.write(to: url)
    let names = try KnowledgeGraph.open(url).entities.map { Array($0.name.utf8) }
    #expect(names == Self.valid.sorted { $0.lexicographicallyPrecedes($1) })
  }

  @Test(arguments: Way.variants) func compressionAndEscapesChangeNothing(way: Way) throws {
    let (source, hash) = try Self.graph(
      of: Array(Self.valid.suffix(1_000)), heldOut: false, in: folder.url)
    #expect(try way.copy(source, in: folder.url).contentHash == hash)
  }

  @Test(arguments: Way.splits)
  func whatIsHeldOutStaysSo(way: Way) throws {
    let names = Array(Self.valid.prefix(500))
    let (source, hash) = try Self.graph(of: names, heldOut: true, in: folder.url)
    let copy = try way.copy(source, in: folder.url)
    #expect(copy.contentHash == hash)
    #expect(copy.profile.triples.trained == 400)
  }

  /// Lines of one format around a name that can be none.
  private static func text(_ name: [UInt8], in format: TripleFormat) -> (name: String, [UInt8]) {
    let plain = name.map { [0x09, 0x0A, 0x0D, 0x22, 0x5C].contains($0) ? UInt8(ascii: "x") : $0 }
    switch format {
    case .tsv, .text, .openke:
      return ("a.tsv", Array("a\tr\tb\n".utf8) + plain + Array("\tr\tb\n".utf8))
    case .ntriples:
      return (
        "a.nt",
        Array("<u:a> <u:r> <u:b> .\n<u:a> <u:r> \"".utf8) + plain + Array("\" .\n".utf8)
      )
    case .jsonl:
      let string = plain.flatMap { byte in
        byte < 0x20 ? Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8) : [byte]
      }
      return (
        "a.jsonl",
        Array("{\"s\":\"a\",\"p\":\"r\",\"o\":\"b\"}\n{\"s\":\"".utf8) + string
          + Array("\",\"p\":\"r\",\"o\":\"b\"}\n".utf8)
      )
    }
  }

  @Test(arguments: [TripleFormat.tsv, .ntriples, .jsonl])
  func whatCanBeNoNameIsRefusedWithItsLine(format: TripleFormat) throws {
    for name in Self.invalid.prefix(400) {
      let (file, bytes) = Self.text(name, in: format)
      let url = folder[file]
      try Data(bytes).write(to: url)
      let message = failure { try TripleImporter(name: "x").load([url]) }
      // N-Triples can write NUL in a literal, which then stays an escape.
      if format == .ntriples, String(validating: name, as: UTF8.self) != nil {
        #expect(message.isEmpty, "\(name)")
      } else {
        #expect(message.contains("\(file):2: "), "\(name): \(message)")
      }
    }
  }

  @Test func namesThatNeedNoEscapeStandAsTheyAre() throws {
    let names = ["C:\\new\\table", "50 %", "\"q\"", "C#", "a b"].map { Array($0.utf8) }
    let (source, _) = try Self.graph(of: names, heldOut: false, in: folder.url)
    let url = folder["a.tsv"]
    _ = try GraphExporter().write(source, to: url)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains("C:\\new\\table\tC:\\new\\table\tC#\n"))
    #expect(!text.contains("escaped"))
  }

  @Test func withoutEscapesATabIsRefused() throws {
    let (source, _) = try Self.graph(of: [Array("a\tb".utf8)], heldOut: false, in: folder.url)
    let exporter = with(GraphExporter()) { $0.escape = .none }
    expectFailure("'a\\tb'", "--escape none") { try exporter.write(source, to: folder["a.tsv"]) }
    #expect(try WriteFailureTests.contents(folder.url) == ["source.jsonl", "source.sqlite"])
  }
}
