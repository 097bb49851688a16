import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// N-Triples of the W3C Recommendation (2014): what it allows, what it does not, and how terms are
/// named.
@Suite struct NTriplesTests {
  /// Imports lines of N-Triples; the graph's names.
  private static func names(
    _ text: String, base: String = TermNames.defaultBase
  ) throws -> (entities: [String], predicates: [String]) {
    let folder = try TemporaryFolder()
    let url = try folder.write(text, to: "a.nt")
    let graph = try with(TripleImporter(name: "x")) { $0.base = base }.load([url])
    return (graph.entities.map(\.name), graph.predicates.map(\.name))
  }

  private static func object(_ term: String, base: String = TermNames.defaultBase) throws -> String
  {
    let all = try names("<s:s> <p:p> \(term) .\n", base: base).entities
    return all.first { $0 != "<s:s>" } ?? "<s:s>"
  }

  @Test(arguments: [
    ("<http://a.b/c>", "<http://a.b/c>"),
    ("<http://a.b/\\u00C5\\U0001F600>", "<http://a.b/Å😀>"),
    ("<urn:kglab:Ada%20Lovelace>", "Ada Lovelace"),
    ("<urn:kglab:C:%5Ctemp>", "C:\\temp"),
    ("<urn:kglab:%0A>", "\n"),
    // Not what an export writes: it stays as it is.
    ("<urn:kglab:a%62c>", "<urn:kglab:a%62c>"),
    ("<urn:kglab:%5c>", "<urn:kglab:%5c>"),
    ("<urn:kglab:%FF>", "<urn:kglab:%FF>"),
    ("<urn:kglab:%00>", "<urn:kglab:%00>"),
    ("<urn:kglab:>", "<urn:kglab:>"),
    ("_:b0", "_:b0"), ("_:a.b-c", "_:a.b-c"), ("_:1é", "_:1é"),
    ("\"\"", "\"\""), ("\"chat\"@fr-be", "\"chat\"@fr-be"),
    (
      "\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>",
      "\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>"
    ),
    ("\"a\\tb\\n\\r\\b\\f\\\"\\'\\\\\"", "\"a\\tb\\n\\r\\b\\f\\\"'\\\\\""),
    ("\"raw\ttab\"", "\"raw\\ttab\""),
    ("\"\\u0041\\u0000\\u007F\"", "\"A\\u0000\\u007F\""),
    ("\"x\"^^<http://a.b/\\u0064>", "\"x\"^^<http://a.b/d>"),
    ("\"# no comment\" . # a comment", "\"# no comment\""),
  ])
  func termsHaveTheirCanonicalText(term: String, name: String) throws {
    let text = term.contains(" . #") ? String(term.dropLast(14)) : term
    #expect(try Self.object(text) == name)
  }

  // Left: objects as rdflib 7.6.0 serialises them (Graph.serialize(format="nt")).
  @Test(arguments: [
    (
      #""tab\#u{9}here \"quoted\" back\\slash\nnew\rline""#,
      #""tab\there \"quoted\" back\\slash\nnew\rline""#
    ),
    (#""\#u{C}\#u{8}\#u{7F}\#u{1}""#, #""\f\b\u007F\u0001""#),
    (#""Å 日本 😀 e\#u{301}"@sv"#, #""Å 日本 😀 e\#u{301}"@sv"#),
    ("<http://a.b/Å/%C3%85?x=1#f>", "<http://a.b/Å/%C3%85?x=1#f>"),
    (#""""#, #""""#),
  ])
  func whatRdflibWritesIsRead(term: String, name: String) throws {
    #expect(Array(try Self.object(term).utf8) == Array(name.utf8))
  }

  @Test func commentsBlankLinesAndSpacesAreNoTriples() throws {
    let text = """
      # a comment
      \t
      <s:a><p:r><o:b>.
        <s:a>\t<p:r>   _:x.y. # after

      <s:a> <p:r> "x"@en. \r
      """
    let (entities, predicates) = try Self.names(text)
    #expect(entities == ["\"x\"@en", "<o:b>", "<s:a>", "_:x.y"])
    #expect(predicates == ["<p:r>"])
  }

  @Test func aBaseMakesNamesOfIRIs() throws {
    let base = "http://dbpedia.org/resource/"
    let term = "<http://dbpedia.org/resource/Paris_(Texas)>"
    #expect(try Self.object(term, base: base) == "Paris_(Texas)")
    #expect(try Self.object("<http://dbpedia.org/resource/%C3%85>", base: base).hasPrefix("<"))
    expectFailure("--base", "absolute") { try Self.object(term, base: "dbpedia") }
  }

  // Beside others the negative tests of the W3C's test suite: bad-uri, bad-esc, bad-lang,
  // bad-string, bad-struct.
  @Test(arguments: [
    ("<http://a b> <p:r> <o:o> .", "space"),
    ("<http://a/\\u0020> <p:r> <o:o> .", "space"),
    ("<http://a/{x}> <p:r> <o:o> .", "'{'"),
    ("<s:s> <p:r> <http://a/\\n> .", "escape"),
    ("<s:s> <p:r> <a\\u00ZZ11> .", "no character"),
    ("<s:s> <p:r> \"\\uD800\" .", "no character"),
    ("<s:s> <p:r> \"\\U00110000\" .", "no character"),
    ("<s> <p:r> <o:o> .", "absolute"),
    ("<s:s> <p> <o:o> .", "absolute"),
    ("<s:s> <p:r> \"x\"^^<dt> .", "absolute"),
    ("<s:s> <p:r> \"a\\zb\" .", "escape"),
    ("<s:s> <p:r> \"x\"@1 .", "language"),
    ("<s:s> <p:r> \"x\"^<d:d> .", "datatype"),
    ("<s:s> <p:r> \"x .", "closing"),
    ("<s:s> <p:r> 'x' .", "begins with"),
    ("<s:s> <p:r> 12 .", "begins with"),
    ("\"x\" <p:r> <o:o> .", "the subject is a literal"),
    ("<s:s> \"x\" <o:o> .", "the predicate is a literal"),
    ("<s:s> _:b <o:o> .", "blank node"),
    ("<s:s> <p:r> <o:o>", "full stop"),
    ("<s:s> <p:r> <o:o> <g:g> .", "N-Quads"),
    ("<s:s> <p:r> <o:o>, <o:q> .", "full stop"),
    ("<s:s> <p:r> <o:o> . <s:s> <p:r> <o:q> .", "follows the full stop"),
    ("<s:s> <p:r> .", "the object is missing"),
    ("@prefix a: <http://a> .", "begins with '@prefix"),
    ("<s:s> <p:r> _: .", "no name"),
    ("<s:s> <p:r> <o:o .", "no >"),
  ])
  func whatTheGrammarForbidsIsRefused(line: String, says: String) {
    expectFailure("a.nt:2: ", says) { try Self.names("# first\n\(line)\n") }
  }

  @Test func termsOfAnImportAreWrittenAsTheyWere() throws {
    let lines = [
      "<http://a.b/s> <http://a.b/p> \"a\\n\\\"b\\\"\"@en-GB .",
      "<http://a.b/s> <http://a.b/p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .",
      "<http://a.b/s> <http://a.b/p> <http://a.b/\u{E5}> .",
      "_:b0 <http://a.b/p> <urn:kglab:Ada%20Lovelace> .",
    ]
    let folder = try TemporaryFolder()
    let source = try folder.write(lines.map { $0 + "\n" }.joined(), to: "a.nt")
    let graph = folder["graph.sqlite"]
    _ = try TripleImporter(name: "x").write([source], to: graph)
    let out = folder["out.nt"]
    _ = try GraphExporter().write(graph, to: out)
    let written = try String(contentsOf: out, encoding: .utf8).split(separator: "\n")
    #expect(written.map(String.init).sorted() == lines.sorted())
  }

  @Test func namesThatAreTermsStandWhereTheyMay() throws {
    // A literal's text as subject and predicate: an IRI there, a literal as object.
    let folder = try TemporaryFolder()
    let source = try folder.write("\"x\"@en\t_:b\t\"x\"@en\n_:b\t\"x\"\tplain name\n", to: "a.tsv")
    let graph = folder["graph.sqlite"]
    let hash = try TripleImporter(name: "x").write([source], to: graph).contentHash
    let out = folder["out.nt"]
    _ = try GraphExporter().write(graph, to: out)
    #expect(
      try String(contentsOf: out, encoding: .utf8) == """
        <urn:kglab:%22x%22@en> <urn:kglab:_:b> "x"@en .
        _:b <urn:kglab:%22x%22> <urn:kglab:plain%20name> .

        """)
    #expect(try TripleImporter(name: "x").load([out]).contentHash == hash)
  }
}
