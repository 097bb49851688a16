import Compute
package import Foundation
import LabCore

/// Named single-precision tensors in one file, readable by Python's `safetensors`.
///
/// Layout: 8 bytes of header length, a JSON header, then the values, little-endian. Files come from
/// outside: every length and offset is checked before use.
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

    enum CodingKeys: String, SnakeCaseKey {
      case dtype, shape, dataOffsets
    }
  }

  /// The file's bytes for `entries` whose values lie back to back in `values`.
  package static func encode(_ entries: [Entry], values: [Float]) throws -> Data {
    precondition(
      entries.reduce(0) { $0 + $1.count } == values.count, "entries do not cover the values")
    var data = try head(entries)
    data.append(try FloatBytes.encode(values))
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
  /// `copies` names tensors that may be there too and must equal another one, as a tied read-out
  /// does. Throws `LabError` naming `file` when it is truncated, altered or holds other tensors.
  package static func decode(
    _ data: Data, _ entries: [Entry], file: String, numberTypes: Set<NumberType> = [.single],
    copies: [Entry: Entry] = [:]
  ) throws -> [Float] {
    let data = data.startIndex == 0 ? data : Data(data)
    let header = try SafetensorsHeader(data, file: file)
    let names = Set((entries + copies.keys).map(\.name))
    if let stranger = header.tensors.keys.sorted().first(where: { !names.contains($0) }) {
      throw LabError("\(file) holds a tensor '\(stranger)' that this model does not have")
    }
    func bytes(of entry: Entry) throws -> (bytes: Data, type: NumberType)? {
      guard let tensor = header.tensors[entry.name] else { return nil }
      guard let type = NumberType(rawValue: tensor.type), numberTypes.contains(type),
        tensor.shape == entry.shape
      else {
        let types = NumberType.allCases.filter(numberTypes.contains).map(\.rawValue)
        throw LabError(
          "\(file): tensor '\(entry.name)' is \(tensor.type) of shape \(tensor.shape), not "
            + "\(types.joined(separator: " or ")) of shape \(entry.shape); it belongs to another model"
        )
      }
      return (data[tensor.range], type)
    }
    // Before any room is made for values, which the file bounds.
    let found = try entries.map { entry in
      guard let found = try bytes(of: entry) else {
        throw LabError("\(file) lacks the tensor '\(entry.name)'; it belongs to another model")
      }
      return found
    }
    for (copy, original) in copies.sorted(by: { $0.key.name < $1.key.name }) {
      guard let own = try bytes(of: copy), own.bytes != (try bytes(of: original)?.bytes) else {
        continue
      }
      throw LabError(
        "\(file): tensor '\(copy.name)' differs from '\(original.name)', and config.json says that they are one "
          + "(tie_word_embeddings); set that to false, or leave the tensor out")
    }
    var values: [Float] = []
    values.reserveCapacity(entries.reduce(0) { $0 + $1.count })
    for (bytes, type) in found { values += try FloatBytes.decode(bytes, as: type) }
    return values
  }
}

/// Little-endian single-precision numbers as bytes.
package enum FloatBytes {
  package static func encode(_ values: [Float]) throws -> Data {
    let slice = try DeviceBuffer<Float>(values.count, on: .cpu).all
    slice.copyIn(values)
    return slice.copyOutBytes()
  }

  package static func decode(
    _ data: Data, as type: Safetensors.NumberType = .single
  ) throws -> [Float] {
    guard type == .single else {
      let bytes = [UInt8](data)
      return stride(from: 0, to: bytes.count - 1, by: 2).map { index in
        let bits = UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
        return type == .half
          ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16)
      }
    }
    let slice = try DeviceBuffer<Float>(data.count / 4, on: .cpu).all
    slice.copyInBytes(data)
    return slice.copyOut()
  }
}
