import LabCore

/// How a model's matrices are made smaller: weights of least magnitude to 0, then few bits for each
/// that is left.
///
/// Norms stay as they are. After Li et al. 2020 (arXiv 2002.11794), without their rounds of
/// training in between.
package struct WeightCompression: Codable, Hashable, Sendable {
  /// Bits of a weight beside a single-precision scale for each row; nil for single precision
  /// throughout.
  package var bits: Int?
  /// Share of each matrix's weights that become 0, in [0, 1).
  package var prune: Double

  /// Bits that a weight may have.
  package static let bitChoices = [4, 8]

  package init(bits: Int? = nil, prune: Double = 0) {
    self.bits = bits
    self.prune = prune
  }

  /// Throws `LabError` naming what is impossible.
  package func validate() throws {
    if let bits, !Self.bitChoices.contains(bits) {
      throw LabError("bits is \(bits); it must be 4 or 8", .usage)
    }
    guard prune >= 0, prune < 1 else {
      throw LabError("prune is \(prune); it must be at least 0 and below 1", .usage)
    }
  }

  /// "50 % pruned, int8", or "not compressed".
  package var words: String {
    let parts = [
      prune > 0 ? "\(Readable.number(100 * prune)) % pruned" : nil, bits.map { "int\($0)" },
    ].compactMap(\.self)
    return parts.isEmpty ? "not compressed" : parts.joined(separator: ", ")
  }

  /// The values of a parameter block after compression, as single-precision numbers again.
  package func applied(to values: [Float], _ layout: ParameterLayout) -> [Float] {
    var values = values
    for tensor in layout.tensors where tensor.role != .norm {
      let place = tensor.offset..<(tensor.offset + tensor.count)
      prune(&values, place)
      guard let bits else { continue }
      let width = tensor.count / tensor.shape[0]
      for start in stride(from: place.lowerBound, to: place.upperBound, by: width) {
        let row = QuantizedRow(values[start..<(start + width)], bits: bits)
        values.replaceSubrange(start..<(start + width), with: row.values)
      }
    }
    return values
  }

  /// Sets the share of least magnitude to 0, of equals the first: a larger share takes those of a
  /// smaller one too.
  private func prune(_ values: inout [Float], _ place: Range<Int>) {
    let count = Int((prune * Double(place.count)).rounded())
    guard count > 0 else { return }
    let order = place.sorted { (abs(values[$0]), $0) < (abs(values[$1]), $1) }
    for index in order.prefix(count) { values[index] = 0 }
  }
}

/// Numbers as whole multiples of one scale, the largest magnitude at the end of the range:
/// symmetric, so that 0 stays 0.
package struct QuantizedRow: Hashable, Sendable {
  /// The step between neighbours; 0 where all numbers are.
  package let scale: Float
  /// From -(2^(bits - 1) - 1) to 2^(bits - 1) - 1.
  package let codes: [Int8]

  /// Rounds to the nearest multiple: no number moves by more than half a step.
  package init(_ values: ArraySlice<Float>, bits: Int) {
    let most = Float(1 << (bits - 1) - 1)
    let scale = values.reduce(0) { max($0, abs($1)) } / most
    self.scale = scale
    codes = values.map { scale > 0 ? Int8(max(-most, min(most, ($0 / scale).rounded()))) : 0 }
  }

  /// The numbers that are stored.
  package var values: [Float] { codes.map { Float($0) * scale } }
}

/// What storing a model's parameters takes, counted from the values themselves.
package struct StoredSize: Hashable, Sendable {
  /// Of each matrix the smaller of two forms, and 4 bytes for each number of a norm.
  ///
  /// The forms are all weights in their bits, or a bit for each that says whether it is 0 and the
  /// bits of the others; with bits there are 4 bytes for the scale of each row.
  package let bytes: Int
  /// Share of the matrices' weights that are 0.
  package let zeroShare: Double

  /// `bits` of a weight of a matrix; nil for single precision.
  package init(_ values: [Float], _ layout: ParameterLayout, bits: Int? = nil) {
    var (bytes, zeros) = (0, 0)
    for tensor in layout.tensors {
      guard tensor.role != .norm else {
        bytes += 4 * tensor.count
        continue
      }
      let own = values[tensor.offset..<(tensor.offset + tensor.count)].count { $0 == 0 }
      zeros += own
      func packed(_ count: Int) -> Int { (count * (bits ?? 32) + 7) / 8 }
      bytes += min(packed(tensor.count), (tensor.count + 7) / 8 + packed(tensor.count - own))
      if bits != nil { bytes += 4 * tensor.shape[0] }
    }
    self.bytes = bytes
    zeroShare = Double(zeros) / Double(max(1, layout.matrixCount))
  }
}
