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

  /// `keepsLayers`: each layer has its own memory, as the backward pass needs; otherwise all share
  /// one.
  init(
    _ configuration: ModelConfiguration, maximumTokens: Int, keepsLayers: Bool, on device: Device
  ) throws {
    self.maximumTokens = maximumTokens
    let width = configuration.modelDimension
    let heads = configuration.headCount
    let kept = keepsLayers ? configuration.layerCount : 1
    let block = try DeviceBuffer<Float>(
      maximumTokens * Self.columnCount(configuration, layers: kept), on: device)
    var offset = 0
    func take(_ columns: Int) -> FloatSlice {
      defer { offset += maximumTokens * columns }
      return block.slice(offset, maximumTokens * columns)
    }
    let own = (0..<kept).map { _ in
      LayerActivations(
        input: take(width), inputRstd: take(1), inputNormed: take(width), qkv: take(3 * width),
        queryKeyRstd: take(2 * heads), queryKey: take(2 * width), attention: take(width),
        logSumExp: take(heads), middle: take(width), middleRstd: take(1),
        middleNormed: take(width), feedForwardInput: take(configuration.fusedDimension),
        feedForwardHidden: take(configuration.feedForwardDimension))
    }
    layers = (0..<configuration.layerCount).map { own[min($0, kept - 1)] }
    output = take(width)
    outputRstd = take(1)
    outputNormed = take(width)
    delta = take(width)
  }

  /// Values for one token.
  private static func columnCount(_ configuration: ModelConfiguration, layers: Int) -> Int {
    let width = configuration.modelDimension
    let layer =
      10 * width + 2 + 3 * configuration.headCount + configuration.fusedDimension
      + configuration.feedForwardDimension
    return layers * layer + 3 * width + 1
  }

  /// Bytes of the memory for a backward pass.
  static func byteCount(_ configuration: ModelConfiguration, maximumTokens: Int) -> Int {
    4 * maximumTokens * columnCount(configuration, layers: configuration.layerCount)
  }
}

extension ModelConfiguration {
  /// Columns of what enters the feed-forward block's non-linearity: gate and up, or one of them.
  var fusedDimension: Int {
    activation == .swiglu ? 2 * feedForwardDimension : feedForwardDimension
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
