import Compute

/// Keys and values of tokens, a row each; texts that begin alike name the same rows.
final class KeyValueCache {
  /// For each layer (`capacity`, C).
  private(set) var keys: [FloatSlice] = []
  private(set) var values: [FloatSlice] = []
  private(set) var capacity = 0
  /// Rows in use.
  private(set) var count = 0
  private let layerCount: Int
  private let width: Int
  private let device: Device

  init(_ configuration: ModelConfiguration, on device: Device) {
    layerCount = configuration.layerCount
    width = configuration.modelDimension
    self.device = device
  }

  /// Texts of up to `tokens` tokens that are written together: few enough that 2 MiB of keys and
  /// values stay in the processor's cache from token to token.
  ///
  /// Products in bfloat16 take 32 rows at once; in single precision they arrange the weights anew
  /// each time, which takes more rows to pay.
  static func preferredTexts(_ model: LanguageModel, tokens: Int) -> Int {
    let configuration = model.configuration
    let bytes = 8 * configuration.layerCount * configuration.modelDimension * tokens
    return max(model.precision == .bf16 ? 32 : 64, (2 << 20) / max(bytes, 1) / 32 * 32)
  }

  /// Forgets all tokens; the memory stays.
  func removeAll() { count = 0 }

  /// Takes rows for `added` tokens and returns the first of them.
  ///
  /// Throws `LabError` when memory is short.
  func append(_ added: Int, on stream: KernelStream) throws -> Int32 {
    if count + added > capacity { try grow(to: max(count + added, 2 * capacity), on: stream) }
    defer { count += added }
    return Int32(count)
  }

  /// Fills rows from `first` on with a layer's keys and values of the `rows` tokens of a batch.
  func fill(
    layer index: Int, from first: Int32, _ layer: LayerActivations, sources: BatchRows,
    on stream: KernelStream
  ) {
    let (start, rows) = (Int(first) * width, sources.count)
    stream.gatherRows(
      keys[index].slice(start, rows * width), input: layer.queryKey, rows: sources.keys,
      count: rows, width: width)
    stream.gatherRows(
      values[index].slice(start, rows * width), input: layer.qkv, rows: sources.values,
      count: rows, width: width)
  }

  private func grow(to rows: Int, on stream: KernelStream) throws {
    let kept = try DeviceBuffer<Int32>(max(count, 1), on: device).all
    kept.copyIn((0..<Int32(count)).map { $0 })
    func larger(_ index: Int, _ old: [FloatSlice]) throws -> FloatSlice {
      let new = try DeviceBuffer<Float>(rows * width, on: device).all
      if count > 0 {
        stream.gatherRows(new, input: old[index], rows: kept, count: count, width: width)
      }
      return new
    }
    keys = try (0..<layerCount).map { try larger($0, keys) }
    values = try (0..<layerCount).map { try larger($0, values) }
    capacity = rows
  }
}

/// Where the keys and values of a batch's tokens stand among rows of C.
struct BatchRows {
  let count: Int
  /// In (T, 2*C) seen as 2T rows of C, keys are the odd rows; in (T, 3*C), values are every third.
  let keys: IntSlice
  let values: IntSlice

  init(_ count: Int, on device: Device) throws {
    self.count = count
    keys = try DeviceBuffer<Int32>(max(count, 1), on: device).all
    values = try DeviceBuffer<Int32>(max(count, 1), on: device).all
    keys.copyIn((0..<Int32(count)).map { 2 * $0 + 1 })
    values.copyIn((0..<Int32(count)).map { 3 * $0 + 2 })
  }
}

/// For each of some texts the rows of the cache that hold its tokens, one after the other.
struct CachePaths {
  let rows: IntSlice
  let offsets: IntSlice

  init(_ paths: [[Int32]], on device: Device) throws {
    var flat: [Int32] = []
    flat.reserveCapacity(paths.reduce(0) { $0 + $1.count })
    var ends: [Int32] = [0]
    for path in paths {
      flat += path
      ends.append(Int32(flat.count))
    }
    rows = try DeviceBuffer<Int32>(max(flat.count, 1), on: device).all
    offsets = try DeviceBuffer<Int32>(ends.count, on: device).all
    rows.copyIn(flat)
    offsets.copyIn(ends)
  }
}
