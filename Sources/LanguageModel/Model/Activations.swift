import Compute

/// What the forward pass of one layer leaves for the backward pass; T rows each.
struct LayerActivations: Sendable {
  /// The residual stream that enters the layer (T, C).
  let input: FloatSlice
  let inputRstd: FloatSlice
  let inputNormed: FloatSlice
  /// (T, 3*C): queries, keys, values before norm and rotation.
  let qkv: FloatSlice
  /// (T, 2*NH).
  let queryKeyRstd: FloatSlice
  /// (T, 2*C): queries and keys after norm and rotation.
  let queryKey: FloatSlice
  let attention: FloatSlice
  /// (T, NH).
  let logSumExp: FloatSlice
  /// The residual stream between attention and feed-forward (T, C).
  let middle: FloatSlice
  let middleRstd: FloatSlice
  let middleNormed: FloatSlice
  /// (T, 2*FF) gate and up, or (T, FF) with GELU.
  let feedForwardInput: FloatSlice
  /// (T, FF).
  let feedForwardHidden: FloatSlice
}

/// Memory for the activations of one micro-batch, allocated once and reused.
struct Activations: Sendable {
  let maximumTokens: Int
  let layers: [LayerActivations]
  /// The residual stream that leaves the last layer (T, C), its norm, and the normed stream.
  let output: FloatSlice
  let outputRstd: FloatSlice
  let outputNormed: FloatSlice
  /// What a block adds to the residual stream (T, C).
  let delta: FloatSlice

  /// `keepsLayers`: each layer has its own memory, as the backward pass needs; otherwise all share one.
  init(
    _ configuration: ModelConfiguration, maximumTokens: Int, keepsLayers: Bool, on device: Device
  ) throws {
    self.maximumTokens = maximumTokens
    let (sizes, tail) = Self.sizes(configuration, rows: maximumTokens)
    let kept = keepsLayers ? configuration.layerCount : 1
    let block = try DeviceBuffer<Float>(
      kept * sizes.reduce(0, +) + tail.reduce(0, +), on: device)
    var offset = 0
    func take(_ count: Int) -> FloatSlice {
      defer { offset += count }
      return block.slice(offset, count)
    }
    let own = (0..<kept).map { _ in
      LayerActivations(
        input: take(sizes[0]), inputRstd: take(sizes[1]), inputNormed: take(sizes[2]),
        qkv: take(sizes[3]), queryKeyRstd: take(sizes[4]), queryKey: take(sizes[5]),
        attention: take(sizes[6]), logSumExp: take(sizes[7]), middle: take(sizes[8]),
        middleRstd: take(sizes[9]), middleNormed: take(sizes[10]),
        feedForwardInput: take(sizes[11]),
        feedForwardHidden: take(sizes[12]))
    }
    layers = (0..<configuration.layerCount).map { own[min($0, kept - 1)] }
    output = take(tail[0])
    outputRstd = take(tail[1])
    outputNormed = take(tail[2])
    delta = take(tail[3])
  }

  /// Values of each part of a layer, and of each part after the last layer.
  private static func sizes(
    _ configuration: ModelConfiguration, rows: Int
  ) -> (layer: [Int], tail: [Int]) {
    let width = configuration.modelDimension
    let heads = configuration.headCount
    let hidden = configuration.feedForwardDimension
    let fused = configuration.activation == .swiglu ? 2 * hidden : hidden
    let layer = [
      width, 1, width, 3 * width, 2 * heads, 2 * width, width, heads, width, 1, width, fused,
      hidden,
    ]
    return (layer.map { $0 * rows }, [width, 1, width, width].map { $0 * rows })
  }

  /// Bytes of the memory for a backward pass.
  static func byteCount(_ configuration: ModelConfiguration, maximumTokens: Int) -> Int {
    let (layer, tail) = sizes(configuration, rows: maximumTokens)
    return 4 * (configuration.layerCount * layer.reduce(0, +) + tail.reduce(0, +))
  }
}

/// A micro-batch in the device's memory.
struct DeviceBatch: Sendable {
  let tokens: IntSlice
  let targets: IntSlice
  let offsets: IntSlice
  let positions: IntSlice

  init(maximumTokens: Int, on device: Device) throws {
    tokens = try DeviceBuffer<Int32>(maximumTokens, on: device).all
    targets = try DeviceBuffer<Int32>(maximumTokens, on: device).all
    offsets = try DeviceBuffer<Int32>(maximumTokens + 1, on: device).all
    positions = try DeviceBuffer<Int32>(maximumTokens, on: device).all
  }
}
