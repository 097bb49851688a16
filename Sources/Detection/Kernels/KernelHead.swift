import Foundation
import LabCore

/// How the few examples of a distilled head come about.
package enum DistilledExamples: String, Codable, CaseIterable, Sendable {
  /// Learned points and targets, kernel inducing points.
  case kip
  /// Training examples drawn alike of both classes, with the best targets for all.
  case solve
  /// The same with their own targets.
  case random
  /// Centres of clusters of each class.
  case kmeans
}

/// An infinitely wide head: its kernel, and whether it is taken whole or by some landmarks.
package struct KernelHead: Hashable, Sendable {
  package let kernel: NeuralKernel
  /// Training points whose kernels with all others stand for the whole one (Williams & Seeger
  /// 2000); nil for all.
  package let landmarks: Int?
  /// Values of the random features that stand for the kernel; nil for none.
  package let sketch: Int?
  /// The few examples that stand for all; nil for none.
  package let distilled: Distilled?

  /// Which examples stand for all, and how many.
  package struct Distilled: Hashable, Sendable {
    package let way: DistilledExamples
    package let count: Int
  }

  package static let distilledRange = 2...500
  /// Training examples that an exact head takes at most: 8 n^2 bytes and eight factors of n^3 / 3.
  package static let maximumExactCount = 12_000
  package static let landmarkRange = 10...8_192
  package static let sketches = (4...12).map { 1 << $0 }

  package init(
    _ kernel: NeuralKernel, landmarks: Int? = nil, sketch: Int? = nil, distilled: Distilled? = nil
  ) {
    self.kernel = kernel
    self.landmarks = landmarks
    self.sketch = sketch
    self.distilled = distilled
  }

  /// What the ladder of ReLU heads with one hidden layer goes to.
  package static let limit = KernelHead(NeuralKernel(.ntk, .relu, depth: 1))

  /// Those of `--ladder`.
  package static let ladder =
    (1...3).map { KernelHead(NeuralKernel(.ntk, .relu, depth: $0)) }
    + [KernelHead(NeuralKernel(.nngp, .relu, depth: 1))]

  /// The head called "ntk-relu-1", "nngp-gelu-2" or "ntk-relu-1-nystrom-1000".
  ///
  /// Throws `LabError` for any other name.
  package init(named name: String) throws {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard [3, 5].contains(parts.count), let kind = NeuralKernel.Kind(rawValue: parts[0]),
      let activation = KernelActivation(rawValue: parts[1]), let depth = Int(parts[2]),
      NeuralKernel.depths.contains(depth),
      parts.count == 3
        || Int(parts[4]).map({ size in
          switch parts[3] {
          case "nystrom": Self.landmarkRange.contains(size)
          case "sketch": Self.sketches.contains(size)
          default:
            DistilledExamples(rawValue: parts[3]) != nil && Self.distilledRange.contains(size)
              && (parts[3] != "kip" || activation == .relu)
          }
        }) == true
    else {
      throw LabError(
        "unknown infinitely wide head '\(name)'\(Suggestion.hint(for: name, in: Self.ladder.map(\.name))); "
          + "give KIND-ACTIVATION-DEPTH with ntk or nngp, one of "
          + "\(KernelActivation.allCases.map(\.rawValue).joined(separator: " ")), and 1 to 4 hidden layers, and "
          + "-nystrom-M behind it for M landmarks from \(Self.landmarkRange.lowerBound) to "
          + "\(Self.landmarkRange.upperBound), or -sketch-M for random features, M a power of two from "
          + "\(Self.sketches[0]) to \(Self.sketches[Self.sketches.count - 1]), or -kip-M (of relu), -solve-M, -random-M or "
          + "-kmeans-M for M examples in place of all, M from \(Self.distilledRange.lowerBound) to "
          + "\(Self.distilledRange.upperBound)", .usage)
    }
    kernel = NeuralKernel(kind, activation, depth: depth)
    landmarks = parts.count == 5 && parts[3] == "nystrom" ? Int(parts[4]) : nil
    sketch = parts.count == 5 && parts[3] == "sketch" ? Int(parts[4]) : nil
    distilled =
      parts.count == 5
      ? DistilledExamples(rawValue: parts[3]).flatMap { way in
        Int(parts[4]).map { Distilled(way: way, count: $0) }
      } : nil
  }

  package var name: String {
    kernel.name + (landmarks.map { "-nystrom-\($0)" } ?? "")
      + (sketch.map { "-sketch-\($0)" } ?? "")
      + (distilled.map { "-\($0.way.rawValue)-\($0.count)" } ?? "")
  }

  /// Whether all training points are kept.
  package var isExact: Bool { landmarks == nil && sketch == nil && distilled == nil }

  /// What it takes to learn from examples of some width and to score others.
  package func cost(train: Int, scored: Int, width: Int) -> KernelCost {
    if let distilled { return cost(of: distilled, train: train, scored: scored, width: width) }
    // Features of a tangent kernel are twice as many as the sketch has, and one.
    let kept = sketch.map { 2 * $0 + 1 } ?? min(landmarks ?? train, train)
    let (n, m, others, d) = (Double(train), Double(kept), Double(scored), Double(width))
    let ridges = Double(KernelRegression.ridges.count)
    let pairs = (isExact ? n / 2 : n) * m + others * m
    // Trees of 31 pairs of transforms a layer, plain loops.
    let transforms =
      sketch.map {
        (n + others) * Double(kernel.depth * 62 * $0) * log2(Double($0)) * 20
      } ?? 0
    let products = pairs * 2 * d + (isExact ? 0 : n * m * (m + 2 * m)) + transforms
    let factors = (ridges + (isExact ? 0 : 1)) * m * m * m / 3
    let chunk = isExact ? 0 : 3 * Double(KernelRegression.chunk) * m
    return KernelCost(
      bytes: Int(8 * (m * m + (n + others) * d + others * m + chunk)),
      operations: products + 2 * factors,
      pairs: sketch != nil
        ? 0 : pairs * Double(kernel.depth) * (kernel.activation.hasClosedForm ? 1 : 4))
  }

  /// A step of learned points multiplies each with all training examples, some eight times.
  private func cost(
    of distilled: Distilled, train: Int, scored: Int, width: Int
  ) -> KernelCost {
    let (n, m, d) = (Double(train), Double(min(distilled.count, train)), Double(width))
    let steps = distilled.way == .kip ? Double(KernelDistillation.stepCount) : 1
    let pairs = steps * n * m * (distilled.way == .kip ? 3 : 1) + Double(scored) * m
    return KernelCost(
      bytes: Int(8 * ((n + Double(scored)) * (d + m) + 4 * n * m)),
      operations: steps * 8 * n * m * d + pairs * 2 * d,
      pairs: pairs * Double(kernel.depth) * (kernel.activation.hasClosedForm ? 1 : 4))
  }

  /// Why it cannot learn from so many examples, with what would fit; nil where it can.
  package func refusal(train: Int, scored: Int, width: Int, memory: Int?) -> String? {
    let cost = cost(train: train, scored: scored, width: width)
    func fits(_ count: Int) -> KernelHead { KernelHead(kernel, landmarks: count) }
    let smaller = [2_000, 1_000, 500, 100].first { count in
      memory.map {
        fits(count).cost(train: train, scored: scored, width: width).bytes <= $0
      } ?? true
    }
    let advice =
      smaller.map { "give \(fits($0).name)" } ?? "give fewer samples, or a machine with more memory"
    if isExact, train > Self.maximumExactCount {
      return
        "\(name) would learn from \(train) examples, which takes \(Readable.bytes(cost.bytes)) and about "
        + "\(Readable.duration(cost.seconds)); an exact head takes at most \(Self.maximumExactCount), so \(advice)"
    }
    if let memory, cost.bytes > memory {
      return
        "\(name) on \(train) examples takes \(Readable.bytes(cost.bytes)), and \(Readable.bytes(memory)) are free, so "
        + advice
    }
    return nil
  }
}

extension KernelHead {
  /// The sketch drawn from a stream for inputs of some width; nil for a head without one.
  func sketch(width: Int, seed: Seed, name: String) -> KernelSketch? {
    sketch.map {
      KernelSketch(kernel, dimension: $0, width: width, seed: seed, name: name)
    }
  }
}

extension KernelHead: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// What an infinitely wide head takes, stated before it is made.
package struct KernelCost: Sendable {
  package let bytes: Int
  /// Of products and factors.
  package let operations: Double
  /// Pairs of points times hidden layers, those of a series counted four times.
  package let pairs: Double

  /// On one core: 2e10 operations and 2.5e7 pairs a second.
  package var seconds: Double { operations / 2e10 + pairs / 2.5e7 }
}
