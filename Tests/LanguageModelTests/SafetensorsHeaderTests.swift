import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// Files that the format's reference loader refuses, and files that it takes.
struct SafetensorsHeaderTests {
  private static let a = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
  private static let entries = [
    Safetensors.Entry(name: "a", shape: [2]), Safetensors.Entry(name: "b", shape: [1]),
  ]

  private static func b(
    _ offsets: String, shape: String = "[1]", type: String = "F32"
  ) -> String {
    #""b":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(offsets)]}"#
  }

  private func file(_ header: String, bytes: Int, length: UInt64? = nil) -> Data {
    var data = Data()
    let length = length ?? UInt64(header.utf8.count)
    for shift in stride(from: 0, to: 64, by: 8) {
      data.append(UInt8(truncatingIfNeeded: length >> UInt64(shift)))
    }
    return data + Data(header.utf8) + Data(repeating: 0, count: bytes)
  }

  @Test(arguments: [
    "{\(a),\(b("8,12"))}", "{\(b("8,12")),\(a)}   ",
    "{\"__metadata__\":{\"x\":\"{:\\\"}\"},\(a),\(b("8,12"))}",
  ])
  func filesThatAreWholeAreRead(header: String) throws {
    let values = try Safetensors.decode(file(header, bytes: 12), Self.entries, file: "f")
    #expect(values == [0, 0, 0])
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let header: String
    var bytes = 12
    var length: UInt64?
    let message: String
    var testDescription: String { "\(message): \(header.prefix(120))" }
  }

  static let faults = [
    Fault(header: "{\(a),\(b("4,8"))}", message: "does not begin where the one before it ends"),
    Fault(header: "{\(a),\(b("0,4"))}", message: "does not begin where the one before it ends"),
    Fault(
      header: "{\(a),\(b("12,16"))}", bytes: 16,
      message: "does not begin where the one before it ends"),
    Fault(header: "{\(a),\(b("8,12"))}", bytes: 13, message: "1 bytes after the last tensor"),
    Fault(header: "{\(a),\(b("8,12"))}", bytes: 11, message: "lies outside its"),
    Fault(header: "{\(a),\(a),\(b("8,12"))}", message: "has a key twice"),
    Fault(
      header: #"{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]},\#(b("8,12"))}"#,
      message: "has a key twice"),
    Fault(header: "{\(a),\(b("8,12", shape: "[2]"))}", message: "not those of a tensor"),
    Fault(header: "{\(a),\(b("8,12", shape: "[-1,-1]"))}", message: "not those of a tensor"),
    Fault(header: "{\(a),\(b("8,12", shape: "[0.5,2]"))}", message: "not those of a tensor"),
    Fault(
      header: "{\(a),\(b("8,12", shape: "[4294967296,4294967296,4294967296,1]"))}",
      message: "not those of a tensor"),
    Fault(header: "{\(a),\(b("12,8"))}", message: "not those of a tensor"),
    Fault(header: "{\(a),\(b("-4,0"))}", message: "not those of a tensor"),
    Fault(
      header: "{\(a),\(b("9223372036854775800,9223372036854775804"))}",
      message: "not those of a tensor"),
    Fault(header: "{\(a),\(b("8,12", type: "X32"))}", message: "not those of a tensor"),
    Fault(header: "{\(a),\"b\":[]}", message: "not those of a tensor"),
    Fault(
      header: "{\"__metadata__\":{\"x\":1},\(a),\(b("8,12"))}", message: "metadata is not text"),
    Fault(header: " {\(a),\(b("8,12"))}", message: "is not a JSON object"),
    Fault(header: "[]", message: "is not a JSON object"),
    Fault(header: "{}", length: 1 << 63, message: "its header claims"),
    Fault(header: "{}", bytes: 0, length: 200_000_000, message: "its header claims"),
    Fault(header: "{\(a)}", bytes: 8, message: "lacks the tensor 'b'"),
  ]

  @Test(arguments: faults)
  func filesThatTheReferenceRefusesAreRefused(fault: Fault) {
    let data = file(fault.header, bytes: fault.bytes, length: fault.length)
    expectFailure(fault.message, status: .badInput) {
      try Safetensors.decode(data, Self.entries, file: "f")
    }
  }

  /// Programs other than transformers write tied embeddings under both names.
  @Test func aTiedReadOutMayBeThereWhereItIsTheEmbedding() throws {
    let folder = try TemporaryFolder()
    let shape = HuggingFaceFilesTests.shapes[3]
    #expect(shape.tiedEmbeddings)
    let values = (0..<shape.parameterCount).map { Float($0) }
    let embedding = shape.vocabularySize * shape.modelDimension
    let entries =
      ModelFiles.entries(shape) + [
        Safetensors.Entry(
          name: "lm_head.weight", shape: [shape.vocabularySize, shape.modelDimension])
      ]
    let url = folder[ModelFiles.weights]
    try Safetensors.encode(entries, values: values + values[..<embedding]).write(to: url)
    #expect(try ModelFiles.values(shape, from: folder.url) == values)
    let other = values + values[..<(embedding - 1)] + [-1]
    try Safetensors.encode(entries, values: other).write(to: url)
    expectFailure("'lm_head.weight' differs from 'model.embed_tokens.weight'") {
      try ModelFiles.values(shape, from: folder.url)
    }
  }
}
