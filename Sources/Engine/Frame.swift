package import Foundation
package import LabCore

/// One message between kglab and an engine: what it is, its fields, and tensors.
///
/// On the wire: 8 bytes of length and so much JSON with the key `kind`, then 8 bytes of length and
/// so much of a safetensors file, or nothing. Lengths are little-endian.
package struct Frame: Sendable {
  /// Values of one type and shape, the least significant byte of each first.
  package struct Tensor: Equatable, Sendable {
    /// How a value is stored, in the words of safetensors.
    package enum NumberType: String, Sendable {
      case single = "F32"
      case integer = "I32"
      case long = "I64"
      case byte = "U8"

      package var byteCount: Int {
        switch self {
        case .byte: 1
        case .single, .integer: 4
        case .long: 8
        }
      }
    }

    package let type: NumberType
    package let shape: [Int]
    package let bytes: Data

    package init(_ type: NumberType, shape: [Int], bytes: Data) {
      self.type = type
      self.shape = shape
      self.bytes = bytes
      precondition(shape.reduce(type.byteCount, *) == bytes.count, "shape and bytes differ")
    }

    /// A list of integers.
    package init(_ values: [Int32]) {
      var bytes = Data(capacity: 4 * values.count)
      for value in values {
        for shift: Int32 in [0, 8, 16, 24] {
          bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
      }
      self.init(.integer, shape: [values.count], bytes: bytes)
    }
  }

  package let kind: String
  package var fields: [String: JSONValue]
  package var tensors: [String: Tensor]

  package init(
    _ kind: String, _ fields: [String: JSONValue] = [:], tensors: [String: Tensor] = [:]
  ) {
    self.kind = kind
    self.fields = fields
    self.tensors = tensors
  }

  /// The longest header and body that are taken from an engine.
  static let longest = (header: UInt64(1 << 26), body: UInt64(1 << 34))

  // MARK: Writing

  /// The bytes on the wire.
  func encoded() throws -> Data {
    var fields = fields
    fields["kind"] = .text(kind)
    let header = try CanonicalJSON.compact(JSONValue.object(fields))
    let body = try body()
    return Self.length(header.count) + header + Self.length(body.count) + body
  }

  private func body() throws -> Data {
    guard !tensors.isEmpty else { return Data() }
    var entries: [String: JSONValue] = [:]
    var values = Data()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let end = values.count + tensor.bytes.count
      entries[name] = [
        "dtype": .text(tensor.type.rawValue),
        "shape": .list(tensor.shape.map { .number(Double($0)) }),
        "data_offsets": [.number(Double(values.count)), .number(Double(end))],
      ]
      values += tensor.bytes
    }
    var header = try CanonicalJSON.compact(JSONValue.object(entries))
    while header.count % 8 != 0 { header.append(0x20) }
    return Self.length(header.count) + header + values
  }

  private static func length(_ count: Int) -> Data {
    Data((0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
  }

  // MARK: Reading

  /// The number in eight bytes.
  static func length(_ bytes: Data) -> UInt64 {
    bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  }

  /// What two parts of a message say; throws `LabError` where they are none.
  init(header: Data, body: Data) throws {
    guard case .object(var fields)? = try? JSONDecoder().decode(JSONValue.self, from: header),
      case .text(let kind)? = fields.removeValue(forKey: "kind")
    else { throw LabError("the header of a message is not a JSON object with a kind", .failure) }
    var tensors: [String: Tensor] = [:]
    if !body.isEmpty {
      let body = Data(body)
      let parts = try SafetensorsHeader(body, file: "the body of a message")
      for (name, tensor) in parts.tensors {
        guard let type = Tensor.NumberType(rawValue: tensor.type) else {
          throw LabError("the tensor '\(name)' of a message is of type \(tensor.type)", .failure)
        }
        tensors[name] = Tensor(type, shape: tensor.shape, bytes: Data(body[tensor.range]))
      }
    }
    self.init(kind, fields, tensors: tensors)
  }

  // MARK: Fields

  /// A field that is text.
  package func text(_ name: String) -> String? {
    if case .text(let value)? = fields[name] { value } else { nil }
  }

  /// A field that is a number; JSON has no others than finite ones, so that an engine writes "nan",
  /// "inf" and "-inf".
  package func number(_ name: String) -> Double? {
    switch fields[name] {
    case .number(let value)?: value
    case .text(let text)?: Double(text)
    default: nil
    }
  }
}
