import Compute

/// Keys and values of the tokens so far, for rows that generate side by side.
struct KeyValueCache {
  /// Tokens a row can hold.
  let capacity: Int
  /// For each layer (rows, capacity, C).
  private(set) var keys: [FloatSlice]
  private(set) var values: [FloatSlice]
  private var spare: FloatSlice
  private let rowIndices: IntSlice
  private let width: Int

  init(_ configuration: ModelConfiguration, rows: Int, capacity: Int, on device: Device) throws {
    width = configuration.modelDimension
    self.capacity = capacity
    let count = rows * capacity * width
    func allocate() throws -> FloatSlice { try DeviceBuffer<Float>(count, on: device).all }
    keys = try (0..<configuration.layerCount).map { _ in try allocate() }
    values = try (0..<configuration.layerCount).map { _ in try allocate() }
    spare = try allocate()
    rowIndices = try DeviceBuffer<Int32>(rows * capacity, on: device).all
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

  /// Keeps only the given rows, in the given order.
  mutating func keep(_ rows: [Int32], on stream: KernelStream) {
    rowIndices.copyIn(rows)
    func compact(_ slice: inout FloatSlice) {
      stream.gatherRows(
        spare, input: slice, rows: rowIndices, count: rows.count, width: capacity * width)
      swap(&spare, &slice)
    }
    for index in keys.indices {
      compact(&keys[index])
      compact(&values[index])
    }
  }
}
