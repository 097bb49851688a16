package import Foundation
import LabCore

/// Named single-precision tensors in one file, readable by Python's `safetensors`.
///
/// Layout: 8 bytes of header length, a JSON header, then the values, little-endian. Files come from outside:
/// every length and offset is checked before use.
package enum Safetensors {
  /// One tensor's name and shape; values follow in the order of the list.
  package struct Entry: Hashable, Sendable {
    package let name: String
    package let shape: [Int]

    package init(name: String, shape: [Int]) {
      self.name = name
      self.shape = shape
    }

    package var count: Int { shape.reduce(1, *) }
  }

  /// How a file writes numbers; all are read as single precision, exactly.
  package enum NumberType: String, CaseIterable, Sendable {
    case single = "F32"
    case half = "F16"
    case brain = "BF16"

    var byteCount: Int { self == .single ? 4 : 2 }
  }

  private struct Header: Codable {
    var dtype: String
    var shape: [Int]
    var dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  /// The file's bytes for `entries` whose values lie back to back in `values`.
  package static func encode(_ entries: [Entry], values: [Float]) throws -> Data {
    precondition(
      entries.reduce(0) { $0 + $1.count } == values.count, "entries do not cover the values")
    var data = try head(entries)
    data.append(FloatBytes.encode(values))
    return data
  }

  /// The part of a file before its values: the header's length and the header, padded to 8 bytes.
  static func head(_ entries: [Entry]) throws -> Data {
    var fields = ["\"__metadata__\":{\"format\":\"pt\"}"]
    var offset = 0
    for entry in entries {
      let end = offset + 4 * entry.count
      let header = Header(dtype: "F32", shape: entry.shape, dataOffsets: [offset, end])
      let text = String(decoding: try CanonicalJSON.compact(header), as: UTF8.self)
      let name = String(decoding: try CanonicalJSON.compact(entry.name), as: UTF8.self)
      fields.append("\(name):\(text)")
      offset = end
    }
    var header = Data("{\(fields.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    var data = Data()
    let length = UInt64(header.count)
    for shift in stride(from: 0, to: 64, by: 8) {
      data.append(UInt8(truncatingIfNeeded: length >> UInt64(shift)))
    }
    data.append(header)
    return data
  }

  /// The values of exactly the tensors in `entries`, in their order, of any of the given types.
  ///
  /// Throws `LabError` naming `file` when it is truncated, altered or holds other tensors.
  package static func decode(
    _ data: Data, _ entries: [Entry], file: String, numberTypes: Set<NumberType> = [.single]
  ) throws -> [Float] {
    func broken(_ reason: String) -> LabError {
      LabError("\(file) is not a whole safetensors file: \(reason); restore it or train again")
    }
    let data = data.startIndex == 0 ? data : Data(data)
    guard data.count >= 8 else { throw broken("it has \(data.count) bytes") }
    let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(data.count - 8), length < 1 << 30 else {
      throw broken("its header claims \(length) bytes of \(data.count - 8)")
    }
    let start = 8 + Int(length)
    guard
      let object = try? JSONSerialization.jsonObject(with: data[8..<start]) as? [String: Any]
    else { throw broken("its header is not JSON") }
    let names = Set(entries.map(\.name))
    if let stranger = object.keys.sorted().first(where: {
      $0 != "__metadata__" && !names.contains($0)
    }) {
      throw LabError("\(file) holds a tensor '\(stranger)' that this model does not have")
    }
    var values: [Float] = []
    values.reserveCapacity(entries.reduce(0) { $0 + $1.count })
    for entry in entries {
      guard let header = object[entry.name] as? [String: Any] else {
        throw LabError("\(file) lacks the tensor '\(entry.name)'; it belongs to another model")
      }
      guard let type = (header["dtype"] as? String).flatMap(NumberType.init),
        numberTypes.contains(type), header["shape"] as? [Int] == entry.shape,
        let offsets = header["data_offsets"] as? [Int], offsets.count == 2
      else {
        let types = NumberType.allCases.filter(numberTypes.contains).map(\.rawValue)
        throw LabError(
          "\(file): tensor '\(entry.name)' is not \(types.joined(separator: " or ")) of shape "
            + "\(entry.shape); it belongs to another model")
      }
      guard offsets[0] >= 0, offsets[0] <= offsets[1],
        offsets[1] - offsets[0] == type.byteCount * entry.count,
        offsets[1] <= data.count - start
      else { throw broken("tensor '\(entry.name)' lies outside its \(data.count) bytes") }
      values += FloatBytes.decode(data[(start + offsets[0])..<(start + offsets[1])], as: type)
    }
    return values
  }
}

/// Little-endian single-precision numbers as bytes.
package enum FloatBytes {
  package static func encode(_ values: [Float]) -> Data {
    var bytes = [UInt8]()
    bytes.reserveCapacity(4 * values.count)
    for value in values {
      let bits = value.bitPattern
      bytes.append(UInt8(truncatingIfNeeded: bits))
      bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
      bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
      bytes.append(UInt8(truncatingIfNeeded: bits >> 24))
    }
    return Data(bytes)
  }

  package static func decode(
    _ data: Data, as type: Safetensors.NumberType = .single
  ) -> [Float] {
    let bytes = [UInt8](data)
    guard type == .single else {
      return stride(from: 0, to: bytes.count - 1, by: 2).map { index in
        let bits = UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
        return type == .half
          ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16)
      }
    }
    return stride(from: 0, to: bytes.count - 3, by: 4).map { index in
      Float(
        bitPattern: UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
          | UInt32(bytes[index + 2]) << 16 | UInt32(bytes[index + 3]) << 24)
    }
  }
}
