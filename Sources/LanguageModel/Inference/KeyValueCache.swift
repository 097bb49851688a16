import Compute

/// Keys and values of the tokens so far, for texts that grow side by side.
///
/// Its memory serves one group of texts after the other.
struct KeyValueCache {
  /// Tokens a row can hold.
  private(set) var capacity = 0
  /// For each layer (rows, capacity, C).
  private(set) var keys: [FloatSlice] = []
  private(set) var values: [FloatSlice] = []
  private var spare: FloatSlice
  private var rowIndices: IntSlice
  private var rowCount = 0
  /// Where keys and values of token t are in a packed batch: (T, 2*C) seen as 2T rows of C, (T, 3*C) as 3T.
  private let keyRows: IntSlice
  private let valueRows: IntSlice
  private let layerCount: Int
  private let width: Int
  private let device: Device

  /// A cache without rows, to be filled from batches of up to `maximumTokens` tokens.
  ///
  /// Throws `LabError` when memory is short.
  init(_ configuration: ModelConfiguration, maximumTokens: Int, on device: Device) throws {
    layerCount = configuration.layerCount
    width = configuration.modelDimension
    self.device = device
    spare = try DeviceBuffer<Float>(0, on: device).all
    rowIndices = try DeviceBuffer<Int32>(0, on: device).all
    keyRows = try DeviceBuffer<Int32>(maximumTokens, on: device).all
    valueRows = try DeviceBuffer<Int32>(maximumTokens, on: device).all
    keyRows.copyIn((0..<Int32(maximumTokens)).map { 2 * $0 + 1 })
    valueRows.copyIn((0..<Int32(maximumTokens)).map { 3 * $0 + 2 })
  }

  /// Rows that are decoded together: few enough that 2 MiB of keys and values stay in the cache from token to token.
  ///
  /// Products in bfloat16 take 32 rows at once; in single precision they arrange the weights anew each time, which
  /// takes more rows to pay.
  static func preferredRows(_ model: LanguageModel, capacity: Int) -> Int {
    let configuration = model.configuration
    let bytes = 8 * configuration.layerCount * configuration.modelDimension * capacity
    return max(model.precision == .bf16 ? 32 : 64, (2 << 20) / max(bytes, 1) / 32 * 32)
  }

  /// Makes room for a group of texts in place of the last.
  ///
  /// Throws `LabError` when no group was as large and memory is short.
  mutating func begin(rows: Int, capacity: Int) throws {
    self.capacity = capacity
    let held = spare.count / (capacity * width)
    rowCount = max(rows, held)
    if rows <= held { return }
    rowIndices = try DeviceBuffer<Int32>(rowCount, on: device).all
    let count = rowCount * capacity * width
    func allocate() throws -> FloatSlice { try DeviceBuffer<Float>(count, on: device).all }
    keys = try (0..<layerCount).map { _ in try allocate() }
    values = try (0..<layerCount).map { _ in try allocate() }
    spare = try allocate()
  }

  /// Fills one layer of the first rows from the sequences of a packed batch, which begin at `offsets`.
  func fill(
    layer index: Int, from layer: LayerActivations, offsets: [Int32], on stream: KernelStream
  ) {
    for row in 0..<offsets.count - 1 {
      let start = Int(offsets[row])
      let count = Int(offsets[row + 1]) - start
      let place = row * capacity * width
      stream.gatherRows(
        keys[index].slice(place, count * width), input: layer.queryKey,
        rows: keyRows.slice(start, count), count: count, width: width)
      stream.gatherRows(
        values[index].slice(place, count * width), input: layer.qkv,
        rows: valueRows.slice(start, count), count: count, width: width)
    }
  }

  /// Keeps the given rows in the given order; a row may stay away, or come several times.
  ///
  /// Throws `LabError` when there are more rows than before and memory is short.
  mutating func keep(_ rows: [Int32], on stream: KernelStream) throws {
    // What stands where it stood need not move; rows behind are not looked at.
    if rows.enumerated().allSatisfy({ $0.offset == Int($0.element) }) { return }
    let grows = rows.count > rowCount
    if grows {
      rowCount = max(rows.count, 2 * rowCount)
      spare = try DeviceBuffer<Float>(rowCount * capacity * width, on: device).all
    }
    if rowIndices.count < rowCount {
      rowIndices = try DeviceBuffer<Int32>(rowCount, on: device).all
    }
    rowIndices.copyIn(rows)
    func move(_ slice: inout FloatSlice) throws {
      stream.gatherRows(
        spare, input: slice, rows: rowIndices, count: rows.count, width: capacity * width)
      swap(&spare, &slice)
      if grows { spare = try DeviceBuffer<Float>(rowCount * capacity * width, on: device).all }
    }
    for index in keys.indices {
      try move(&keys[index])
      try move(&values[index])
    }
  }
}
