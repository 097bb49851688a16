package import Foundation

/// JSON whose bytes depend on the value alone: keys sorted, slashes plain.
package enum CanonicalJSON {
  /// Bytes on one line, for hashing and for lines of a log.
  package static func compact(_ value: some Encodable) throws -> Data {
    try encoder([.sortedKeys, .withoutEscapingSlashes]).encode(value)
  }

  /// Indented bytes with a final newline, for files people read.
  package static func pretty(_ value: some Encodable) throws -> Data {
    var data = try encoder([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]).encode(value)
    data.append(0x0A)
    return data
  }

  /// The same with the names of properties in snake_case, as `--json` prints them.
  package static func printed(_ value: some Encodable) throws -> Data {
    let encoder = encoder([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// The value that either form stands for, numbers that are not finite included.
  package static func decode<Value: Decodable>(
    _ type: Value.Type = Value.self, from data: Data
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: data)
  }

  /// The hash of the compact form.
  package static func hash(_ value: some Encodable) throws -> ContentHash {
    ContentHash(of: try compact(value))
  }

  private static func encoder(_ formatting: JSONEncoder.OutputFormatting) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }
}
