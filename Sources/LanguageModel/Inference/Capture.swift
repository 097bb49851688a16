import Compute
package import Foundation
package import LabCore

/// A place in the model whose values detectors read.
package enum CaptureStream: Hashable, Sendable {
  /// The residual stream: 0 is the embedding, l what leaves layer l of 1...L, not normed.
  case residual(Int)
  /// The final norm's output, which the read-out sees.
  case finalNorm
  /// The outputs of the attention heads of layer l of 1...L side by side, before they are mixed.
  case headOutput(Int)
  /// Where each head of each layer looks: `AttentionShare` values a head, shape (L, NH, shares).
  case attention

  /// "layer-3", "final", "heads-3", "attention": also the name of a file.
  package var name: String {
    switch self {
    case .residual(let layer): "layer-\(layer)"
    case .finalNorm: "final"
    case .headOutput(let layer): "heads-\(layer)"
    case .attention: "attention"
    }
  }

  /// The stream called `name`; nil for any other text.
  package init?(name: String) {
    switch name {
    case "final": self = .finalNorm
    case "attention": self = .attention
    default:
      let parts = name.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 2, let layer = Int(parts[1]), layer >= 0 else { return nil }
      if parts[0] == "layer" {
        self = .residual(layer)
      } else if parts[0] == "heads", layer > 0 {
        self = .headOutput(layer)
      } else {
        return nil
      }
    }
  }

  /// Values of one token in a model of this shape.
  package func width(_ configuration: ModelConfiguration) -> Int {
    switch self {
    case .residual, .finalNorm, .headOutput: configuration.modelDimension
    case .attention:
      configuration.layerCount * configuration.headCount * AttentionShare.allCases.count
    }
  }

  /// Whether a model of this shape has the stream.
  package func exists(in configuration: ModelConfiguration) -> Bool {
    switch self {
    case .residual(let layer): (0...configuration.layerCount).contains(layer)
    case .headOutput(let layer): (1...configuration.layerCount).contains(layer)
    case .finalNorm, .attention: true
    }
  }
}

extension CaptureStream: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let stream = CaptureStream(name: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no stream \(name)")
    }
    self = stream
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// What a token is in a triple's text, as attention shares count it.
package enum TextRegion: UInt8, CaseIterable, Sendable {
  case special
  case subject
  case predicate
  case object
}

/// What is kept of one head's attention at one token.
package enum AttentionShare: Int, CaseIterable, Sendable {
  /// Weight on tokens of each region, in the order of `TextRegion`.
  case special, subject, predicate, object
  /// Weight on the token before.
  case previous
  /// Mean weight on a prompt token over that plus the mean on an object token read so far; 1 before
  /// the object.
  case lookback
}

/// What a capture keeps of the rows asked for, R of them.
package struct Capture: Sendable {
  /// The values of each stream, shape (R, width), as single precision with the least significant
  /// byte first.
  package var streams: [CaptureStream: Data] = [:]
  /// Log-probability in nats of each row's target; 0 where it is negative.
  package var logProbabilities: [Float] = []
  /// Entropy in nats of the next-token distribution at each row.
  package var entropies: [Float] = []
  /// Largest probability of that distribution.
  package var maximumProbabilities: [Float] = []
  /// Largest minus second largest probability.
  package var margins: [Float] = []
  /// Log of the sum over v of sqrt(p_v / V), with p at temperature 2; 0 for the uniform
  /// distribution.
  package var affinities: [Float] = []
  /// KL(uniform, p) in nats: minus the mean log-probability, minus log V.
  package var selfCertainties: [Float] = []

  package init() {}
}

extension InferenceSession {
  /// One forward pass of a batch, of which the given rows are kept, in their order.
  ///
  /// `regions` says what each token of the batch is, for attention. The batch must fit into
  /// `maximumTokens`; `rows` are indices of its tokens. Throws `LabError` when memory is short.
  package func capture(
    _ tokens: TokenBatch, rows kept: [Int], regions: [TextRegion], streams: Set<CaptureStream>
  ) throws -> Capture {
    var capture = Capture()
    guard !kept.isEmpty else { return capture }
    let width = model.configuration.modelDimension
    let count = tokens.tokens.count
    let indices = try DeviceBuffer<Int32>(kept.count, on: model.device).all
    indices.copyIn(kept.map(Int32.init))
    let room = try DeviceBuffer<Float>(kept.count * width, on: model.device).all
    func gathered(_ values: FloatSlice) -> Data {
      stream.gatherRows(room, input: values, rows: indices, count: kept.count, width: width)
      return room.copyOutBytes()
    }
    let map = streams.contains(.attention) ? AttentionMap(tokens, kept, regions) : nil
    let shareCount = map == nil ? 0 : CaptureStream.attention.width(model.configuration)
    var shares = [Float](repeating: 0, count: kept.count * shareCount)
    run(tokens) { index, layer in
      // Layers share their memory: the one before has left its heads' outputs, and its stream is
      // this one's input.
      if index > 0, streams.contains(.headOutput(index)) {
        capture.streams[.headOutput(index)] = gathered(layer.attention)
      }
      if streams.contains(.residual(index)) {
        capture.streams[.residual(index)] = gathered(layer.input)
      }
      map?.add(
        layer.queryKey.prefix(2 * count * width).copyOut(), layer: index,
        shape: self.model.configuration, to: &shares)
    }
    let last = model.configuration.layerCount
    if streams.contains(.headOutput(last)) {
      capture.streams[.headOutput(last)] = gathered(activations.layers[last - 1].attention)
    }
    if streams.contains(.residual(last)) {
      capture.streams[.residual(last)] = gathered(activations.output)
    }
    if map != nil {
      let slice = try DeviceBuffer<Float>(shares.count, on: model.device).all
      slice.copyIn(shares)
      capture.streams[.attention] = slice.copyOutBytes()
    }
    let normed = gathered(activations.outputNormed)
    if streams.contains(.finalNorm) { capture.streams[.finalNorm] = normed }
    try summarize(
      room, targets: kept.map { tokens.targets[$0] }, rows: kept.count, into: &capture)
    return capture
  }

  /// What can be known of the next-token distributions of normed states (rows, C).
  private func summarize(
    _ states: FloatSlice, targets: [Int32], rows: Int, into capture: inout Capture
  ) throws {
    let vocabulary = model.configuration.vocabularySize
    let columns = try (0..<5).map { _ in try DeviceBuffer<Float>(rows, on: model.device).all }
    let wanted = try DeviceBuffer<Int32>(rows, on: model.device).all
    wanted.copyIn(targets)
    let first = try DeviceBuffer<Int32>(rows, on: model.device).all
    forEachLogitChunk(of: states, rows: rows) { start, count in
      func probability(_ column: Int, _ targets: IntSlice, _ inverse: Float) {
        stream.logProbability(
          columns[column].slice(start, count), logits: logits,
          targets: targets.slice(start, count), inverseTemperature: inverse, rows: count,
          vocabulary: vocabulary)
      }
      probability(0, wanted, 1)
      stream.softmaxSummary(
        entropy: columns[1].slice(start, count),
        maximumProbability: columns[2].slice(start, count), logits: logits, rows: count,
        vocabulary: vocabulary)
      // log softmax of token 0 at inverse temperatures 1/2 and 1/4; its logit cancels in the
      // affinity.
      probability(3, first, 0.5)
      probability(4, first, 0.25)
      let values = logits.prefix(count * vocabulary).copyOut()
      let largest = columns[2].slice(start, count).copyOut()
      for row in 0..<count {
        let summary = LogitSummary(
          values[(row * vocabulary)..<((row + 1) * vocabulary)], maximumProbability: largest[row])
        capture.margins.append(summary.margin)
        capture.selfCertainties.append(summary.selfCertainty)
      }
    }
    let size = log(Float(vocabulary))
    capture.logProbabilities = columns[0].copyOut()
    capture.entropies = columns[1].copyOut()
    capture.maximumProbabilities = columns[2].copyOut()
    capture.affinities = zip(columns[3].copyOut(), columns[4].copyOut()).map {
      min(0, 0.5 * $0 - $1 - 0.5 * size)
    }
  }
}

/// What is read off one row of logits on the host.
private struct LogitSummary {
  let margin: Float
  let selfCertainty: Float

  init(_ values: ArraySlice<Float>, maximumProbability: Float) {
    var largest = -Float.infinity
    var second = -Float.infinity
    var sum = 0.0
    for value in values {
      sum += Double(value)
      if value > largest {
        second = largest
        largest = value
      } else if value > second {
        second = value
      }
    }
    let top = Double(maximumProbability)
    let normalizer = Double(largest) - log(top)
    margin = Float(top - exp(Double(second) - normalizer))
    let size = Double(values.count)
    selfCertainty = Float(normalizer - sum / size - log(size))
  }
}

/// Attention weights of chosen rows, from the queries and keys of a layer.
private struct AttentionMap {
  private let rows: [Row]
  private let regions: [TextRegion]

  private struct Row {
    let index: Int
    let start: Int
  }

  init(_ tokens: TokenBatch, _ kept: [Int], _ regions: [TextRegion]) {
    precondition(regions.count == tokens.tokens.count, "a region for each token")
    var starts = [Int](repeating: 0, count: tokens.tokens.count)
    for (start, end) in zip(tokens.offsets, tokens.offsets.dropFirst()) {
      for index in start..<end { starts[Int(index)] = Int(start) }
    }
    rows = kept.map { Row(index: $0, start: starts[$0]) }
    self.regions = regions
  }

  /// Adds one layer's shares; `values` are queries and keys, shape (T, 2 C).
  func add(
    _ values: [Float], layer: Int, shape: ModelConfiguration, to shares: inout [Float]
  ) {
    let (width, size) = (shape.modelDimension, shape.headDimension)
    let shareCount = AttentionShare.allCases.count
    let scale = 1 / Float(size).squareRoot()
    var weights: [Float] = []
    for (place, row) in rows.enumerated() {
      for head in 0..<shape.headCount {
        weights.removeAll(keepingCapacity: true)
        let query = row.index * 2 * width + head * size
        var largest = -Float.infinity
        for token in row.start...row.index {
          let key = token * 2 * width + width + head * size
          var score: Float = 0
          for index in 0..<size { score += values[query + index] * values[key + index] }
          weights.append(score * scale)
          largest = max(largest, score * scale)
        }
        var sum: Float = 0
        for index in weights.indices {
          weights[index] = exp(weights[index] - largest)
          sum += weights[index]
        }
        let base =
          (place * shape.layerCount * shape.headCount + layer * shape.headCount + head) * shareCount
        var objectCount: Float = 0
        for (index, weight) in weights.enumerated() {
          let region = regions[row.start + index]
          if region == .object { objectCount += 1 }
          shares[base + Int(region.rawValue)] += weight / sum
        }
        if weights.count > 1 {
          shares[base + AttentionShare.previous.rawValue] = weights[weights.count - 2] / sum
        }
        let object = shares[base + AttentionShare.object.rawValue]
        let context = (1 - object) / (Float(weights.count) - objectCount)
        let generated = objectCount > 0 ? object / objectCount : 0
        shares[base + AttentionShare.lookback.rawValue] =
          objectCount > 0 ? context / max(context + generated, .leastNormalMagnitude) : 1
      }
    }
  }
}
