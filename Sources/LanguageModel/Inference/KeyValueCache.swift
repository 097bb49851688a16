import Compute

/// Keys and values of the tokens so far, for texts that grow side by side.
struct KeyValueCache {
  /// Tokens a row can hold.
  let capacity: Int
  /// For each layer (rows, capacity, C).
  private(set) var keys: [FloatSlice]
  private(set) var values: [FloatSlice]
  private var spare: FloatSlice
  private var rowIndices: IntSlice
  private var rowCount: Int
  private let width: Int
  private let device: Device

  init(_ configuration: ModelConfiguration, rows: Int, capacity: Int, on device: Device) throws {
    width = configuration.modelDimension
    self.capacity = capacity
    self.device = device
    rowCount = rows
    let count = rows * capacity * width
    func allocate() throws -> FloatSlice { try DeviceBuffer<Float>(count, on: device).all }
    keys = try (0..<configuration.layerCount).map { _ in try allocate() }
    values = try (0..<configuration.layerCount).map { _ in try allocate() }
    spare = try allocate()
    rowIndices = try DeviceBuffer<Int32>(max(1, rows * capacity), on: device).all
  }

  /// Bytes of a row.
  static func rowBytes(_ configuration: ModelConfiguration, capacity: Int) -> Int {
    4 * (2 * configuration.layerCount + 1) * configuration.modelDimension * capacity
  }

  /// Fills a layer from a packed batch: cache row r, place i is row `sources[r * capacity + i]` of the batch.
  func fill(
    layer index: Int, from layer: LayerActivations, sources: [Int32], on stream: KernelStream
  ) {
    // In (T, 2*C) seen as 2T rows of C, keys are the odd rows; in (T, 3*C), values are every third.
    rowIndices.copyIn(sources.map { 2 * $0 + 1 })
    stream.gatherRows(
      keys[index], input: layer.queryKey, rows: rowIndices, count: sources.count, width: width)
    rowIndices.copyIn(sources.map { 3 * $0 + 2 })
    stream.gatherRows(
      values[index], input: layer.qkv, rows: rowIndices, count: sources.count, width: width)
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
      rowIndices = try DeviceBuffer<Int32>(rowCount * capacity, on: device).all
      spare = try DeviceBuffer<Float>(rowCount * capacity * width, on: device).all
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
