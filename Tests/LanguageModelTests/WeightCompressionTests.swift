import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// Pruning and few bits against their definitions, and the stated bytes against weights that are
/// really packed.
@Suite struct WeightCompressionTests {
  private let layout: ParameterLayout
  private let values: [Float]

  init() throws {
    var shape = try ModelSize(named: "3k").configuration(vocabularySize: 37, contextLength: 16)
    shape.tiedEmbeddings = false
    layout = ParameterLayout(shape)
    var stream = Seed(3).stream("weights")
    values = (0..<layout.count).map { _ in Float.random(in: -1...1, using: &stream) }
  }

  private func compressed(_ bits: Int?, _ prune: Double) -> [Float] {
    WeightCompression(bits: bits, prune: prune).applied(to: values, layout)
  }

  @Test func nothingChangesWhereNothingIsAsked() {
    #expect(compressed(nil, 0) == values)
    let size = StoredSize(values, layout)
    #expect(size.bytes == 4 * layout.count && size.zeroShare == 0)
  }

  @Test(arguments: [(4, Float(7)), (8, Float(127))])
  func roundingMovesByHalfAStepAtTheMost(bits: Int, most: Float) {
    let stored = compressed(bits, 0)
    var largest: Float = 0
    for tensor in layout.tensors {
      let width = tensor.count / tensor.shape[0]
      for start in stride(from: tensor.offset, to: tensor.offset + tensor.count, by: width) {
        let row = start..<(start + width)
        guard tensor.role != .norm else {
          #expect(stored[row] == values[row])
          continue
        }
        let step = (values[row].map(abs).max() ?? 0) / most
        let errors = zip(values[row], stored[row]).map { abs($0 - $1) / step }
        largest = max(largest, errors.max() ?? 0)
        #expect(Set(stored[row]).count <= 2 * Int(most) + 1)
      }
    }
    // Of so many random numbers some lie next to the middle between two steps.
    #expect(largest > 0.45 && largest < 0.50001)
  }

  @Test func zerosAndTheLargestStayWhatTheyAre() {
    let row = QuantizedRow([0, -2.54, 1.27, 0.009], bits: 8)
    #expect(row.codes == [0, -127, 64, 0])
    #expect(row.values[0] == 0 && abs(row.values[1] + 2.54) < 1e-6)
    #expect(QuantizedRow([0, 0], bits: 4).values == [0, 0])
  }

  @Test(arguments: [0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
  func thoseOfLeastMagnitudeBecomeZeroInEachMatrix(share: Double) {
    let pruned = compressed(nil, share)
    for tensor in layout.tensors where tensor.role != .norm {
      let places = tensor.offset..<(tensor.offset + tensor.count)
      let zeros = places.filter { pruned[$0] == 0 }
      let kept = places.filter { pruned[$0] != 0 }
      #expect(zeros.count == Int((share * Double(tensor.count)).rounded()))
      let least = kept.map { abs(values[$0]) }.min() ?? 0
      #expect(zeros.allSatisfy { abs(values[$0]) <= least })
      #expect(kept.allSatisfy { pruned[$0] == values[$0] })
    }
    let more = compressed(nil, share + 0.05)
    #expect(pruned.indices.allSatisfy { pruned[$0] != 0 || more[$0] == 0 })
    #expect(abs(StoredSize(pruned, layout).zeroShare - share) < 0.01)
  }

  /// Bits in a row, the lowest of each number first.
  private struct BitLine {
    var bits: [Bool] = []
    var bytes: Int { (bits.count + 7) / 8 }

    mutating func append(_ word: UInt32, _ count: Int) {
      for place in 0..<count { bits.append(word >> UInt32(place) & 1 == 1) }
    }
    func word(_ start: Int, _ count: Int) -> UInt32 {
      (0..<count).reduce(0) { $0 | (bits[start + $1] ? 1 << UInt32($1) : 0) }
    }
  }

  /// Writes each matrix in both forms, reads the smaller one back, and counts.
  @Test(
    arguments: [(nil, 0.0), (nil, 0.02), (nil, 0.5), (8, 0.0), (8, 0.3), (4, 0.0), (4, 0.9)]
      as [(Int?, Double)])
  func statedBytesAreThoseOfPackedWeights(bits: Int?, prune: Double) {
    let stored = compressed(bits, prune)
    let width = bits ?? 32
    var bytes = 0
    for tensor in layout.tensors {
      let own = Array(stored[tensor.offset..<(tensor.offset + tensor.count)])
      guard tensor.role != .norm else {
        bytes += 4 * own.count
        continue
      }
      let columns = tensor.count / tensor.shape[0]
      var words: [UInt32] = []
      var scales: [Float] = []
      for start in stride(from: 0, to: own.count, by: columns) {
        let row = own[start..<(start + columns)]
        guard let bits else {
          words += row.map(\.bitPattern)
          continue
        }
        let quantized = QuantizedRow(row, bits: bits)
        scales.append(quantized.scale)
        words += quantized.codes.map { UInt32(bitPattern: Int32($0)) & (1 << UInt32(bits) - 1) }
      }
      var (dense, mask, nonZero) = (BitLine(), BitLine(), BitLine())
      for word in words {
        dense.append(word, width)
        mask.append(word == 0 ? 0 : 1, 1)
        if word != 0 { nonZero.append(word, width) }
      }
      let sparse = mask.bytes + nonZero.bytes
      bytes += min(dense.bytes, sparse) + 4 * scales.count
      // Back to numbers, from the form that was taken.
      var next = 0
      let back = words.indices.map { place -> Float in
        var word = dense.word(place * width, width)
        if sparse < dense.bytes {
          word = 0
          if mask.bits[place] {
            word = nonZero.word(next, width)
            next += width
          }
        }
        guard let bits else { return Float(bitPattern: word) }
        let shift = UInt32(32 - bits)
        return Float(Int32(bitPattern: word << shift) >> Int32(shift)) * scales[place / columns]
      }
      #expect(zip(back, own).allSatisfy { abs($0 - $1) <= 1e-6 * abs($1) })
    }
    #expect(StoredSize(stored, layout, bits: bits).bytes == bytes)
  }

  @Test(arguments: [(2, 0.0), (16, 0.0), (8, 1.0), (8, -0.1), (4, Double.nan)])
  func whatCannotBeIsRefused(bits: Int, prune: Double) {
    #expect(throws: LabError.self) { try WeightCompression(bits: bits, prune: prune).validate() }
  }
}
