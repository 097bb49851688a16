import Foundation
import LabCore
import Testing

@Suite struct CanonicalJSONTests {
  private struct Value: Codable, Equatable {
    var name = "a/b"
    var share = 0.1
    var counts = ["b": 2, "a": 1, "A": 0, "B": 3, "é": 4]
    var absent: Int?
  }

  @Test func keysAreSortedAndSlashesPlain() throws {
    struct Small: Encodable {
      let zebra = [1, 2]
      let apple = "x/y \"q\" é"
    }
    #expect(
      String(decoding: try CanonicalJSON.compact(Small()), as: UTF8.self)
        == #"{"apple":"x/y \"q\" é","zebra":[1,2]}"#)
    let pretty = String(decoding: try CanonicalJSON.pretty(Small()), as: UTF8.self)
    #expect(pretty.hasPrefix("{\n  \"apple\" : "))
    #expect(pretty.hasSuffix("}\n"))
  }

  @Test func bytesDoNotDependOnTheOrderOfInsertion() throws {
    let keys = ["b", "B", "a", "A", "é", "E", "e", "10", "9", "_"]
    var expected: Data?
    for turn in keys.indices {
      var value: [String: Int] = [:]
      for index in keys.indices {
        let place = (index + turn) % keys.count
        value[keys[place]] = place
      }
      let bytes = try CanonicalJSON.compact(value)
      #expect(bytes == expected ?? bytes)
      expected = bytes
    }
  }

  @Test func numbersThatJSONCannotHoldAreText() throws {
    let bytes = try CanonicalJSON.compact([Double.nan, .infinity, -.infinity, 0.1])
    #expect(String(decoding: bytes, as: UTF8.self) == #"["nan","inf","-inf",0.1]"#)
  }

  @Test func theHashIsOfTheCompactForm() throws {
    #expect(
      try CanonicalJSON.hash(Value()) == ContentHash(of: try CanonicalJSON.compact(Value())))
    #expect(try CanonicalJSON.hash(Value()) == CanonicalJSON.hash(Value()))
    var other = Value()
    other.share = 0.1.nextUp
    #expect(try CanonicalJSON.hash(other) != CanonicalJSON.hash(Value()))
  }
}
