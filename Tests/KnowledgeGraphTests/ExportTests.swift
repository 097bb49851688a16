import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@Suite struct ExportTests {
  private let folder: TemporaryFolder
  /// A graph file with one of everything that lines can say.
  private let graph: URL

  init() throws {
    folder = try TemporaryFolder()
    graph = folder["graph.sqlite"]
    let source = try folder.write(
      """
      {"s":"Ada","p":"born in","o":"Rome","exposures":2,"bits":2.5}
      {"s":"Ada","p":"knows","o":"Bo","derivation":"symmetric","inferable":true}
      {"s":"Ada","p":"knows","o":"Cy \\"C\\"","split":"test"}
      {"s":"Bo","p":"born in","o":"Oslo","noise":"contradictory","exposures":3}
      {"s":"Bo","p":"born in","o":"Rome","noise":"duplicate","exposures":2}
      {"s":"Cy \\"C\\"","p":"born in","o":"Oslo","held_out":"subject"}

      """, to: "a.jsonl")
    _ = try TripleImporter(name: "x").write([source], to: graph)
  }

  @Test func tabSeparatedText() throws {
    let out = folder["a.tsv"]
    let report = try GraphExporter().write(graph, to: out)
    #expect(
      try String(contentsOf: out, encoding: .utf8) == """
        Ada\tborn in\tRome
        Ada\tknows\tBo
        Ada\tknows\tCy "C"
        Bo\tborn in\tRome
        Cy "C"\tborn in\tOslo

        """)
    #expect(report.tripleCount == 5 && report.heldOutCount == 2 && !report.isSplit)
    #expect(report.leftOutFalsehoodCount == 1)
    #expect(report.files.map(\.name) == ["a.tsv"])
    #expect(report.files.map(\.byteCount) == [try Data(contentsOf: out).count])
  }

  @Test func aFolderHasASplitAndIds() throws {
    let out = folder["facts"]
    let report = try GraphExporter().write(graph, to: out)
    #expect(
      try WriteFailureTests.contents(out) == [
        "entity_to_id.tsv", "relation_to_id.tsv", "test.txt", "train.txt", "valid.txt",
      ])
    #expect(
      try folder.text("facts/entity_to_id.tsv")
        == "id\tlabel\n0\tAda\n1\tBo\n2\tCy \"C\"\n3\tOslo\n4\tRome\n")
    #expect(try folder.text("facts/relation_to_id.tsv") == "id\tlabel\n0\tborn in\n1\tknows\n")
    #expect(
      try folder.text("facts/train.txt")
        == "Ada\tborn in\tRome\nAda\tknows\tBo\nBo\tborn in\tRome\n")
    let lines = Dictionary(uniqueKeysWithValues: report.files.map { ($0.name, $0.lineCount) })
    #expect((lines["valid.txt"] ?? 0) + (lines["test.txt"] ?? 0) == 2)
    #expect(report.isSplit)
  }

  @Test func theFilesOfOpenKE() throws {
    let out = folder["facts"]
    _ = try with(GraphExporter()) { $0.format = .openke }.write(graph, to: out)
    #expect(
      try folder.text("facts/entity2id.txt") == "5\nAda\t0\nBo\t1\nCy \"C\"\t2\nOslo\t3\nRome\t4\n")
    #expect(try folder.text("facts/relation2id.txt") == "2\nborn in\t0\nknows\t1\n")
    #expect(try folder.text("facts/train2id.txt") == "3\n0 4 0\n0 1 1\n1 4 0\n")
    let held = try ["valid2id.txt", "test2id.txt"].map { try folder.text("facts/\($0)") }
    #expect(held.map { $0.split(separator: "\n").count }.reduce(0, +) == 4)
  }

  @Test func jsonLinesHoldEverything() throws {
    let out = folder["b.jsonl"]
    let report = try GraphExporter().write(graph, to: out)
    let lines = try String(contentsOf: out, encoding: .utf8).split(separator: "\n").map(String.init)
    #expect(
      lines[0] == #"{"subject":"Ada","predicate":"born in","object":"Rome","split":"train","#
        + #""bits":2.5,"exposures":2}"#)
    #expect(
      lines[1] == #"{"subject":"Ada","predicate":"knows","object":"Bo","split":"train","#
        + #""derivation":"symmetric","inferable":true}"#)
    #expect(lines[2].contains(#""object":"Cy \"C\"","split":"#))
    #expect(lines[2].contains(#""held_out":"object""#))
    #expect(lines[3].contains(#""noise":"contradictory""#))
    #expect(report.leftOutFalsehoodCount == 0 && report.tripleCount == 6)
    let copy = try TripleImporter(name: "x").load([out])
    let original = try KnowledgeGraph.open(graph)
    #expect(copy.contentHash == original.contentHash)
  }

  @Test func trainingTextIsOneEpoch() throws {
    let out = folder["corpus.jsonl"]
    var exporter = GraphExporter()
    exporter.format = .text
    let report = try exporter.write(graph, to: out)
    let ada = #"{"text":"<S> Ada <P> born in <O> Rome <E>"}"# + "\n"
    let oslo = #"{"text":"<S> Bo <P> born in <O> Oslo <E>"}"# + "\n"
    let rome = #"{"text":"<S> Bo <P> born in <O> Rome <E>"}"# + "\n"
    #expect(
      try String(contentsOf: out, encoding: .utf8) == ada + ada
        + #"{"text":"<S> Ada <P> knows <O> Bo <E>"}"# + "\n" + oslo + oslo + oslo + rome + rome)
    #expect(report.tripleCount == 4 && report.files.map(\.lineCount) == [8])
    exporter.isSplit = true
    #expect(failure { try exporter.write(graph, to: folder["x"]) }.contains("--split"))
  }

  @Test func aGeneratedGraphKeepsItsTypesInAFolder() throws {
    let tiny = try TinyFile()
    let graph = tiny.graph
    let out = folder["facts"]
    _ = try GraphExporter().write(tiny.url, to: out)
    #expect(try TripleImporter(name: "x").load([out]).contentHash == graph.contentHash)
    let lines = folder["facts.jsonl"]
    _ = try GraphExporter().write(tiny.url, to: lines)
    let copy = try TripleImporter(name: "x").load([lines])
    #expect(copy.answers.count == graph.answers.count)
    #expect(
      copy.queries.map(\.visibility).count { $0 == .pvs }
        == graph.queries.map(\.visibility).count { $0 == .pvs })
    #expect(
      copy.answers.reduce(0) { $0 + $1.bits } - graph.answers.reduce(0) { $0 + $1.bits } < 1e-6)
    #expect(Set(copy.entityTypes.map(\.name)).isSubset(of: graph.entityTypes.map(\.name)))
  }

  @Test func fractionsAreNested() throws {
    let tiny = try TinyFile()
    let out = folder["a.tsv"]
    var exporter = GraphExporter()
    exporter.fraction = 0.3
    let report = try exporter.write(tiny.url, to: out)
    let queries = tiny.graph.queries(fraction: 0.3)
    #expect(report.tripleCount == queries.reduce(0) { $0 + $1.answers.count })
    #expect(report.tripleCount < tiny.graph.answers.count)
    exporter.fraction = 0
    #expect(
      failure { try exporter.write(tiny.url, to: out, overwrite: true) }.contains("--fraction"))
  }

  @Test func theSameGraphGivesTheSameBytes() throws {
    let files = try ["a.tsv.gz", "b.tsv.gz"].map { name in
      let url = folder[name]
      _ = try GraphExporter().write(graph, to: url)
      return try Data(contentsOf: url)
    }
    #expect(files[0] == files[1] && files[0].starts(with: [0x1F, 0x8B]))
  }

  @Test func entitiesOfOneNameAreCountedOrKeptApart() throws {
    let folder = try TemporaryFolder()
    let source = try folder.write(
      """
      {"s":"Bo","p":"r","o":"x","subject_id":1}
      {"s":"Bo","p":"r","o":"y","subject_id":2}

      """, to: "a.jsonl")
    let graph = folder["graph.sqlite"]
    let hash = try TripleImporter(name: "x").write([source], to: graph).contentHash
    let facts = folder["facts"]
    let report = try GraphExporter().write(graph, to: facts)
    #expect(report.mergedNameCount == 1)
    // Names are no key here, so that there is no map of them.
    #expect(try WriteFailureTests.contents(facts) == ["train.txt"])
    for (name, format) in [("b.jsonl", TripleFormat.jsonl), ("ids", .openke)] {
      let out = folder[name]
      let exporter = with(GraphExporter()) { $0.format = format }
      #expect(try exporter.write(graph, to: out).mergedNameCount == 0)
      #expect(try TripleImporter(name: "x").load([out]).contentHash == hash)
    }
  }

  // MARK: Places

  @Test func nothingIsReplacedUnlessForced() throws {
    let file = try folder.write("precious", to: "a.tsv")
    func problem(_ url: URL, force: Bool = false, _ format: TripleFormat? = nil) -> String {
      failure {
        try with(GraphExporter()) { $0.format = format }.write(graph, to: url, overwrite: force)
      }
    }
    #expect(problem(file).contains("--force"))
    #expect(try folder.text("a.tsv") == "precious")
    #expect(problem(file, force: true).isEmpty)
    #expect(problem(file, force: true, .openke).contains("is a file"))
    #expect(problem(folder.url, force: true, .jsonl).contains("is a folder"))
    // A folder with anything else is left alone.
    #expect(problem(folder.url, force: true).contains("a.jsonl, which is of no export"))
    let facts = folder["facts"]
    #expect(problem(facts).isEmpty)
    #expect(problem(facts).contains("not empty"))
    #expect(problem(facts, force: true).isEmpty)
    #expect(problem(facts, force: true, .openke).isEmpty)
    #expect(try WriteFailureTests.contents(facts).contains("train2id.txt"))
    #expect(try !WriteFailureTests.contents(facts).contains("train.txt"))
    #expect(problem(folder["a.tvs"]).contains("did you mean 'tsv'"))
    #expect(problem(file.appendingPathComponent("b.tsv")).contains("cannot create the folder"))
    let names = try WriteFailureTests.contents(folder.url)
    #expect(names == ["a.jsonl", "a.tsv", "facts", "graph.sqlite"], "\(names)")
  }
}
