import Compute

extension KernelCase {
  /// Ops on logits; their number of rows is that of a chunk of the read-out.
  static func losses(_ rows: Int) -> [KernelCase] {
    let rows = min(rows, max(16, (1 << 18) / vocabulary))
    let count = rows * vocabulary
    let shape = "\(rows)x\(vocabulary)"
    return [
      KernelCase("cross_entropy", shape, moved: 2 * count + 2 * rows, elements: count) { bench in
        let (logits, losses) = (try bench.floats(count), try bench.floats(rows))
        let targets = try bench.integers(rows, below: vocabulary)
        return {
          bench.stream.crossEntropy(
            losses: losses, logits: logits, targets: targets, scale: 1 / Float(rows), zLoss: 0,
            rows: rows, vocabulary: vocabulary)
        }
      },
      KernelCase("log_probability", shape, moved: count + 2 * rows, elements: count) { bench in
        let (logits, out) = (try bench.floats(count), try bench.floats(rows))
        let targets = try bench.integers(rows, below: vocabulary)
        return {
          bench.stream.logProbability(
            out, logits: logits, targets: targets, inverseTemperature: 1, rows: rows,
            vocabulary: vocabulary)
        }
      },
      KernelCase("softmax_summary", shape, moved: count + 2 * rows, elements: count) { bench in
        let logits = try bench.floats(count)
        let (entropy, maximum) = (try bench.floats(rows), try bench.floats(rows))
        return {
          bench.stream.softmaxSummary(
            entropy: entropy, maximumProbability: maximum, logits: logits, rows: rows,
            vocabulary: vocabulary)
        }
      },
    ]
      + [("greedy", Float.infinity), ("drawn", 1)].map { kind, inverse in
        KernelCase("sample", "\(shape) \(kind)", moved: count + 3 * rows, elements: count) {
          bench in
          let (logits, scores) = (try bench.floats(count), try bench.floats(rows))
          let uniforms = try bench.floats(rows)
          uniforms.copyIn((0..<rows).map { (Float($0) + 0.5) / Float(rows) })
          let tokens = try bench.integers(rows, below: vocabulary)
          return {
            bench.stream.sample(
              tokens: tokens, logProbability: scores, logits: logits, uniforms: uniforms,
              inverseTemperature: inverse, rows: rows, vocabulary: vocabulary)
          }
        }
      }
  }

  /// Ops on blocks of parameters, in the optimiser's pieces.
  static var updates: [KernelCase] {
    let count = 1 << 15
    let shape = "\(count)"
    return [
      KernelCase("zero", shape, moved: count, elements: count) { bench in
        let values = try bench.floats(count)
        return { bench.stream.zero(values) }
      },
      KernelCase("sum_lanes", "4x\(count)", moved: 5 * count, elements: count) { bench in
        let out = try bench.floats(count)
        let lanes = try (0..<4).map { _ in try bench.floats(count) }
        return { bench.stream.sumLanes(out, lanes: lanes) }
      },
      KernelCase("sum_of_squares", shape, moved: count, elements: count) { bench in
        let values = try bench.floats(count)
        return { _ = bench.stream.sumOfSquares(values) }
      },
      adam("adamw", .adamW(epsilon: 1e-8), count),
      adam("adam_atan2", .atan2(scale: 1.27, ratio: 1), count),
    ]
  }

  private static func adam(_ name: String, _ rule: AdamScalars.Rule, _ count: Int) -> KernelCase {
    KernelCase(name, "\(count)", moved: 7 * count, elements: count) { bench in
      let (parameters, gradient) = (try bench.floats(count), try bench.floats(count))
      let first = try DeviceBuffer<Float>(count, on: bench.stream.device).all
      let second = try DeviceBuffer<Float>(count, on: bench.stream.device).all
      let scalars = AdamScalars(
        rule, learningRate: 1e-4, beta1: 0.9, beta2: 0.95, weightDecay: 0.1, correction1: 0.1,
        correction2: 0.05, gradientScale: 1)
      return {
        bench.stream.adam(
          parameters: parameters, first: first, second: second, gradient: gradient,
          scalars: scalars)
      }
    }
  }
}
