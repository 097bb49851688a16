import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@Suite struct JSONLinesTests {
  private static func graph(_ text: String) throws -> KnowledgeGraph {
    let folder = try TemporaryFolder()
    let url = try folder.write(text, to: "a.jsonl")
    return try TripleImporter(name: "x").load([url])
  }

  @Test func everySpellingOfTheKeysIsRead() throws {
    let graph = try Self.graph(
      """
      {"s":"a","p":"r","o":"b"}
      { "object" : "c" , "predicate":"r","subject":"a" }\r
      {"head":"a","relation":"r","tail":"d","split":null,"bits":null}
      {"h":"a","r":"r","t":"e","exposures":3}
      """)
    #expect(graph.entities.map(\.name) == ["a", "b", "c", "d", "e"])
    #expect(graph.answers.map(\.exposures) == [1, 1, 1, 3])
  }

  @Test func escapesAreThoseOfJSON() throws {
    let graph = try Self.graph(
      #"{"s":"\u00e5\ud83d\ude00\/\b\f\n\r\t\"\\","p":"r","o":"\u0061\u200f"}"#)
    #expect(graph.entities.map(\.name) == ["a\u{200F}", "å😀/\u{8}\u{C}\n\r\t\"\\"])
  }

  @Test func attributesAreKept() throws {
    let graph = try Self.graph(
      """
      {"s":"a","p":"r","o":"b","bits":2.5,"exposures":7,"derivation":"inverse","inferable":true}
      {"s":"a","p":"r","o":"c","split":"valid"}
      {"s":"a","p":"q","o":"c","held_out":"query"}
      {"s":"a","p":"r","o":"d","noise":"stale","exposures":2}
      {"s":"n","p":"q","o":"c","split":"test"}
      """)
    let first = try #require(graph.answers.first { $0.bits == 2.5 })
    #expect(first.exposures == 7 && first.derivation == .inverse && first.isInferable)
    #expect(graph.queries.map(\.visibility) == [.ivs, .pvs, .ivs])
    #expect(graph.falsehoods.map(\.noise) == [.stale])
    #expect(graph.falsehoods.map(\.exposures) == [2])
  }

  @Test func typesAndIdsTellEntitiesOfOneNameApart() throws {
    let graph = try Self.graph(
      """
      {"s":"Paris","p":"lies in","o":"France","subject_type":"city","object_type":"country"}
      {"s":"Paris","p":"lies in","o":"Texas","subject_type":"city","subject_id":7,"object_type":"state"}
      {"s":"Paris","p":"won","o":"Helen","subject_type":"person"}
      """)
    #expect(graph.entities(named: "Paris").count == 3)
    #expect(
      graph.entityTypes.map(\.name).sorted() == ["city", "country", "entity", "person", "state"])
    #expect(graph.queries.count == 3)
  }

  @Test(arguments: [
    (#"{"s":"a","p":"r"}"#, "object is missing"),
    (#"{"s":"a","p":"r","o":7}"#, "object must be text"),
    (#"{"s":"a","p":"r","o":null}"#, "object must be text"),
    (#"{"s":"a","p":"r","o":""}"#, "object is empty"),
    (#"{"s":"a","p":"r","o":"b","subjct":"x"}"#, "did you mean 'subject'"),
    (#"{"s":"a","subject":"b","p":"r","o":"b"}"#, "twice"),
    (#"{"s":"a","p":"r","o":["b"]}"#, "list or an object"),
    (#"{"s":"\ud800","p":"r","o":"b"}"#, "surrogate"),
    (#"{"s":"\ud800\u0041","p":"r","o":"b"}"#, "surrogate"),
    (#"{"s":"\udc00","p":"r","o":"b"}"#, "surrogate"),
    (#"{"s":"\u12","p":"r","o":"b"}"#, "four hexadecimal digits"),
    (#"{"s":"\x","p":"r","o":"b"}"#, "escape"),
    (#"{"s":"\u0000","p":"r","o":"b"}"#, "NUL"),
    ("{\"s\":\"a\tb\",\"p\":\"r\",\"o\":\"b\"}", "control character"),
    (#"{"s":"a","p":"r","o":"b""#, "cut short"),
    (#"{"s":"a","p":"r","o":"b"} x"#, "end of the line"),
    (#"{"s":"a","p":"r","o":"b",}"#, "a key in quotation marks"),
    (#"{'s':"a"}"#, "a key in quotation marks"),
    (#"["a","r","b"]"#, "no JSON object"),
    (#"{"s":"a","p":"r","o":"b","exposures":0}"#, "whole number from 1 on"),
    (#"{"s":"a","p":"r","o":"b","exposures":2147483647}"#, "at most a million"),
    (#"{"s":"a","p":"r","o":"b","exposures":01}"#, "valid JSON"),
    (#"{"s":"a","p":"r","o":"b","exposures":1.5}"#, "whole number from 1 on"),
    (#"{"s":"a","p":"r","o":"b","bits":-1}"#, "not negative"),
    (#"{"s":"a","p":"r","o":"b","bits":1e999}"#, "too large"),
    (#"{"s":"a","p":"r","o":"b","bits":1.}"#, "a digit"),
    (#"{"s":"a","p":"r","o":"b","split":"tset"}"#, "did you mean 'test'"),
    (#"{"s":"a","p":"r","o":"b","held_out":"objct"}"#, "did you mean 'object'"),
    (#"{"s":"a","p":"r","o":"b","held_out":"query","split":"train"}"#, "contradict"),
    (#"{"s":"a","p":"r","o":"b","noise":"stale","split":"test"}"#, "not true is held out"),
    (#"{"s":"a","p":"r","o":"b","inferable":1}"#, "true or false"),
    (#"{"s":"a","p":"r","o":"b","inferable":tru}"#, "a value"),
  ])
  func malformedLinesAreNamed(line: String, says: String) {
    expectFailure("a.jsonl:2: ", says) {
      try Self.graph("{\"s\":\"a\",\"p\":\"r\",\"o\":\"z\"}\n\(line)\n")
    }
  }

  @Test func holdingOutIsForFilesThatDoNot() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(
      "{\"s\":\"a\",\"p\":\"r\",\"o\":\"b\",\"split\":\"test\"}\n", to: "a.jsonl")
    let importer = TripleImporter(name: "x", heldOut: try HeldOutShares(option: "query=0.5"))
    #expect(failure { try importer.load([url]) }.contains("--hold-out"))
  }
}
