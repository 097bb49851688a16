import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  private let entries = [
    Safetensors.Entry(name: "a", shape: [300, 1000]), Safetensors.Entry(name: "b", shape: [7]),
  ]

  private func blocks() throws -> [FloatSlice] {
    try [
      DeviceBuffer<Float>(262_150, on: .cpu).all,
      DeviceBuffer<Float>(300_007 - 262_150, on: .cpu).all,
    ]
  }

  /// More than one piece, and pieces that end inside a tensor.
  @Test func filesInPiecesAreThoseInOne() throws {
    let values = (0..<300_007).map { Float($0) * 0.37 - 11 }
    let blocks = try blocks()
    blocks[0].copyIn(Array(values[..<262_150]))
    blocks[1].copyIn(Array(values[262_150...]))
    let folder = try TemporaryFolder()
    let url = folder["model.safetensors"]
    let hash = try Safetensors.write(entries, blocks, to: url)
    let whole = try Safetensors.encode(entries, values: values)
    #expect(try Data(contentsOf: url) == whole)
    #expect(hash == ContentHash(of: whole))
    #expect(try Safetensors.fileSize(entries) == whole.count)
    let read = try self.blocks()
    try Safetensors.read(url, entries, into: read)
    #expect(read[0].copyOut() + read[1].copyOut() == values)
    try whole.dropLast().write(to: url)
    #expect(throws: LabError.self) { try Safetensors.read(url, entries, into: read) }
    let others = [
      Safetensors.Entry(name: "a", shape: [1000, 300]), Safetensors.Entry(name: "b", shape: [7]),
    ]
    try whole.write(to: url)
    expectFailure("other tensors") { try Safetensors.read(url, others, into: read) }
  }
}
