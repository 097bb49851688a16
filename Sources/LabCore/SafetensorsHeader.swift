package import Foundation

/// The header of a safetensors file, held to all that the format's reference loader asks of it.
///
/// That is: at most 100 MB of JSON that begins with a brace, no key twice, and tensors that lie
/// back to back, each as long as its shape and type say, from the first byte of the data to the
/// last.
package struct SafetensorsHeader: Sendable {
  /// A tensor's type, such as "F32", its shape, and where its bytes are in the file.
  package struct Tensor: Sendable {
    package let type: String
    package let shape: [Int]
    package let range: Range<Int>
  }

  package let tensors: [String: Tensor]

  package static let longest = 100_000_000

  private static let byteCounts = [
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "U16": 2, "I16": 2,
    "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
  ]

  /// Throws `LabError` naming `file` and the first thing that is wrong.
  package init(_ data: Data, file: String) throws {
    func broken(_ reason: String) -> LabError {
      LabError("\(file) is not a whole safetensors file: \(reason); restore it or train again")
    }
    guard data.count >= 8 else { throw broken("it has \(data.count) bytes") }
    let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(data.count - 8), length <= UInt64(Self.longest) else {
      throw broken(
        "its header claims \(length) bytes, of \(data.count - 8) there and at most \(Self.longest)")
    }
    let start = 8 + Int(length)
    let text = data[8..<start]
    guard text.first == UInt8(ascii: "{"),
      let fields = try? JSONDecoder().decode([String: JSONValue].self, from: text)
    else { throw broken("its header is not a JSON object") }
    guard Self.colons(text) == Self.keys(.object(fields)) else {
      throw broken("its header has a key twice")
    }
    if let metadata = fields["__metadata__"] {
      guard case .object(let entries) = metadata,
        entries.values.allSatisfy({ if case .text = $0 { true } else { false } })
      else { throw broken("its metadata is not text") }
    }
    var tensors: [String: Tensor] = [:]
    for (name, value) in fields where name != "__metadata__" {
      guard let tensor = Self.tensor(value, start: start) else {
        throw broken("the type, shape or offsets of tensor '\(name)' are not those of a tensor")
      }
      tensors[name] = tensor
    }
    let ordered = tensors.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
        < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
    }
    var end = start
    for (name, tensor) in ordered {
      guard tensor.range.lowerBound == end else {
        throw broken("tensor '\(name)' does not begin where the one before it ends")
      }
      end = tensor.range.upperBound
      guard end <= data.count else {
        throw broken("tensor '\(name)' lies outside its \(data.count) bytes")
      }
    }
    guard end == data.count else {
      throw broken("\(data.count - end) bytes after the last tensor belong to none")
    }
    self.tensors = tensors
  }

  /// A tensor whose length is that of its shape; nil for anything else.
  private static func tensor(_ value: JSONValue, start: Int) -> Tensor? {
    guard case .object(let fields) = value, fields.count == 3,
      case .text(let type)? = fields["dtype"], let width = byteCounts[type],
      let shape = sizes(fields["shape"]), let offsets = sizes(fields["data_offsets"]),
      offsets.count == 2, offsets[0] <= offsets[1], let count = Self.count(shape),
      offsets[1] - offsets[0] == count.multipliedReportingOverflow(by: width).partialValue,
      !count.multipliedReportingOverflow(by: width).overflow,
      !start.addingReportingOverflow(offsets[1]).overflow
    else { return nil }
    return Tensor(
      type: type, shape: shape, range: (start + offsets[0])..<(start + offsets[1]))
  }

  private static func sizes(_ value: JSONValue?) -> [Int]? {
    guard case .list(let values)? = value else { return nil }
    let sizes = values.compactMap { value -> Int? in
      guard case .number(let number) = value, number >= 0 else { return nil }
      return Int(exactly: number)
    }
    return sizes.count == values.count ? sizes : nil
  }

  // MARK: Keys that occur twice

  /// Colons outside strings, of which JSON has one for each key.
  private static func colons(_ text: Data) -> Int {
    var count = 0
    var isString = false
    var isEscaped = false
    for byte in text {
      if isEscaped {
        isEscaped = false
      } else if isString {
        isEscaped = byte == UInt8(ascii: "\\")
        isString = byte != UInt8(ascii: "\"")
      } else {
        isString = byte == UInt8(ascii: "\"")
        count += byte == UInt8(ascii: ":") ? 1 : 0
      }
    }
    return count
  }

  /// Keys of all objects inside a value.
  private static func keys(_ value: JSONValue) -> Int {
    switch value {
    case .object(let fields): fields.values.reduce(fields.count) { $0 + keys($1) }
    case .list(let values): values.reduce(0) { $0 + keys($1) }
    default: 0
    }
  }

  /// The values of a tensor of a shape; nil where there are more than can be counted.
  static func count(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, isTooMany) = count.multipliedReportingOverflow(by: size)
      if isTooMany { return nil }
      count = product
    }
    return count
  }
}
