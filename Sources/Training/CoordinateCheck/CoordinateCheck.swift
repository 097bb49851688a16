import Compute
package import LabCore
import LanguageModel

/// Trains models of several widths for a few steps and measures how large their activations become.
///
/// In a parameterisation that scales right, the coordinates of every activation, and how much
/// training changes them, have a size that doesn't depend on the width (Yang 2022, arXiv
/// 2203.03466, appendix D.1). All widths see the same batch at each step; numbers are means over
/// seeds.
package struct CoordinateCheck: Sendable {
  /// What to train.
  package struct Options: Sendable {
    package var widths = [32, 64, 128, 256, 512]
    package var layerCount = 2
    /// The same at every width, so that wider models have more heads.
    package var headDimension = 16
    package var steps = 5
    package var seeds = 3
    /// Largest exponent of the width that counts as flat.
    package var tolerance = 0.2
    /// Whether the read-out begins at 0 instead of the parameterisation's own initial values; nil
    /// where the steps that it and what lies below it take don't depend on those values.
    ///
    /// Random initial logits, and what they pass on to the blocks below, fade with the width at
    /// another rate than what is learned; starting from 0 leaves the learned part alone, as the
    /// authors of muP advise. But a step of Adafactor is a share of the weights it moves, and one
    /// of SGD is as large as the gradient that the read-out passes on, which from 0 is n^-1: what
    /// it is at the start in muP and mean-field, and n^-1/2 too small in standard and NTK.
    package var startsReadOutAtZero: Bool?
    /// The peak at every width; nil takes the rule of `kglab train`.
    package var learningRate: Double?
    /// How to train; its horizon, learning rate and schedule are not used.
    package var training = TrainingConfiguration(horizon: .steps(1), learningRate: 0.01)

    package init() { training.weightDecay = 0 }

    fileprivate var readOutIsZero: Bool {
      if let startsReadOutAtZero { return startsReadOutAtZero }
      switch training.optimizer.family {
      case .adam: return true
      case .adafactor: return false
      case .sgd:
        return training.parameterization == .mup || training.parameterization == .meanField
      }
    }
  }

  private let options: Options
  private let batch: TokenBatch
  private let vocabularySize: Int

  /// A check on one batch, repeated at each step.
  ///
  /// Throws `LabError` naming the option that is impossible.
  package init(_ options: Options, batch: TokenBatch, vocabularySize: Int) throws {
    self.options = options
    self.batch = batch
    self.vocabularySize = vocabularySize
    try validate()
  }

  /// Random sequences of random tokens; a pure function of the numbers.
  package static func randomBatch(
    sequences: Int, length: Int, vocabularySize: Int
  ) -> TokenBatch {
    var stream = Seed(0).stream("coordinate-check")
    return .random(
      sequences: sequences, length: length, vocabularySize: vocabularySize, from: &stream)
  }

  private func validate() throws {
    let widths = options.widths
    guard widths.count >= 3, Set(widths).count == widths.count, widths == widths.sorted() else {
      throw LabError("widths must be at least three different ones, smallest first", .usage)
    }
    for width in widths where width % options.headDimension != 0 || width > 8192 {
      throw LabError(
        "width \(width) is no multiple of the head size \(options.headDimension) up to 8192", .usage
      )
    }
    guard options.steps >= 1, options.steps <= 1000, options.seeds >= 1, options.seeds <= 100 else {
      throw LabError("steps must be 1 to 1000 and seeds 1 to 100", .usage)
    }
    guard options.learningRate != nil || options.training.optimizer.family == .adam else {
      throw LabError(
        "optimizer \(options.training.optimizer.rawValue) has no default learning rate; give --learning-rate, such "
          + "as 0.1", .usage)
    }
    for width in widths { try training(width).validate() }
  }

  private func training(_ width: Int) -> TrainingConfiguration {
    var training = options.training
    // The norm of the gradient follows the width, and what is clipped to one norm then no longer
    // does what the rates assume.
    if training.optimizer == .sgd { training.clipNorm = 0 }
    training.learningRate =
      options.learningRate
      ?? LearningRateRule.shapeAndSteps.peak(
        of: training, for: configuration(width: width, vocabularySize: 1, contextLength: 1))
    return training
  }

  private func configuration(
    width: Int, vocabularySize: Int, contextLength: Int
  ) -> ModelConfiguration {
    ModelConfiguration(
      layerCount: options.layerCount, modelDimension: width,
      headCount: width / options.headDimension,
      feedForwardDimension: ((8 * width + 2) / 3 + 7) / 8 * 8, vocabularySize: vocabularySize,
      contextLength: contextLength)
  }

  /// Trains every width with every seed.
  ///
  /// `onProgress` gets the share done. Throws `LabError.interrupted` when asked to stop.
  package func run(
    workers: Int = 1, onProgress: (Double) -> Void = { _ in }
  ) throws -> CoordinateReport {
    var names: [String] = []
    var measured: [[Sizes]] = []
    let total = Double(options.widths.count * options.seeds)
    for width in options.widths {
      var sum: [Sizes] = []
      for seed in 0..<options.seeds {
        if Interruption.isRequested { throw LabError.interrupted("stopped the check") }
        let (parts, sizes) = try train(width, Seed(UInt64(seed)), workers: workers)
        names = parts
        sum = sum.isEmpty ? sizes : zip(sum, sizes).map { $0 + $1 }
        onProgress(Double(measured.count * options.seeds + seed + 1) / total)
      }
      measured.append(sum.map { $0 / Double(options.seeds) })
    }
    let parts = names.enumerated().map { index, name in
      CoordinatePart(
        part: name, widths: options.widths, initial: measured.map { $0[index].initial },
        final: measured.map { $0[index].final }, change: measured.map { $0[index].change })
    }
    return CoordinateReport(
      widths: options.widths, learningRates: options.widths.map { training($0).learningRate },
      steps: options.steps, seeds: options.seeds, tolerance: options.tolerance, parts: parts,
      isFlat: parts.allSatisfy { $0.isFlat(within: options.tolerance) })
  }

  // MARK: One model

  /// Mean absolute coordinates of one part.
  private struct Sizes {
    var initial: Double
    var final: Double
    var change: Double

    static func + (a: Sizes, b: Sizes) -> Sizes {
      Sizes(initial: a.initial + b.initial, final: a.final + b.final, change: a.change + b.change)
    }

    static func / (a: Sizes, count: Double) -> Sizes {
      Sizes(initial: a.initial / count, final: a.final / count, change: a.change / count)
    }
  }

  private func train(
    _ width: Int, _ seed: Seed, workers: Int
  ) throws -> (parts: [String], sizes: [Sizes]) {
    let training = training(width)
    let longest = zip(batch.offsets.dropFirst(), batch.offsets).map { Int($0 - $1) }.max() ?? 1
    let configuration = configuration(
      width: width, vocabularySize: vocabularySize, contextLength: longest)
    let model = try LanguageModel(
      configuration, seed: seed, scaling: training.scaling(width: width),
      precision: training.precision, on: .cpu)
    if options.readOutIsZero {
      for tensor in model.layout.tensors where tensor.role == .readOut {
        model.parameters.slice(tensor.offset, tensor.count)
          .copyIn([Float](repeating: 0, count: tensor.count))
      }
    }
    let objective = try NextTokenLoss(
      model, zLoss: training.zLoss, longestSequence: longest, workers: workers)
    let step = try TrainingStep(
      model, training, on: WorkerPool(workerCount: workers), streams: objective.streams)
    let probe = try TrainingPass(model, maximumTokens: batch.tokens.count)
    let before = try probe.activations(of: batch)
    for number in 0..<options.steps {
      let norm = objective.gradient(of: batch, in: step).norm
      step.update(norm: norm, learningRate: training.learningRate, number: number)
    }
    let after = try probe.activations(of: batch)
    let sizes = zip(before, after).map { before, after in
      Sizes(
        initial: Self.meanMagnitude(before.values), final: Self.meanMagnitude(after.values),
        change: Self.meanMagnitude(zip(after.values, before.values).map { $0 - $1 }))
    }
    return (before.map(\.part), sizes)
  }

  private static func meanMagnitude(_ values: [Float]) -> Double {
    values.reduce(0) { $0 + Double(abs($1)) } / Double(max(values.count, 1))
  }
}
