package import Compute
package import LabCore
package import LanguageModel

/// The objective of language models: the mean loss of the next token, with memory for each worker.
///
/// Lanes and their micro-batches depend on the batch alone.
package struct NextTokenLoss {
  private let passes: [TrainingPass]
  private let microBatchTokens: Int
  private let zLoss: Float

  /// Allocates one pass for each worker; throws `LabError` when memory is short.
  package init(
    _ model: LanguageModel, zLoss: Double, longestSequence: Int, workers: Int
  ) throws {
    let tokens = max(
      TrainingPass.preferredMicroBatchTokens(model.configuration), longestSequence)
    passes = try (0..<workers).map { _ in try TrainingPass(model, maximumTokens: tokens) }
    microBatchTokens = tokens
    self.zLoss = Float(zLoss)
  }

  /// The kernels of each worker.
  package var streams: [KernelStream] { passes.map(\.stream) }

  /// Computes a step's gradient on a batch; returns the summed loss in nats and the gradient's
  /// norm.
  package func gradient(
    of batch: TokenBatch, in step: TrainingStep
  ) -> (loss: Double, norm: Double) {
    let ranges = batch.lanes(step.laneCount)
    let scale = Float(1 / Double(max(batch.lossCount, 1)))
    let (losses, norm) = step.gradient { worker, lane, gradients in
      batch.microBatches(ranges[lane], maximumTokens: microBatchTokens).reduce(0.0) {
        $0 + passes[worker].run($1, into: gradients, scale: scale, zLoss: zLoss)
      }
    }
    return (losses.reduce(0, +), norm)
  }

  /// Runs the first micro-batch of a batch under the model's present parameters and those of
  /// `start`, if any; throws `LabError` when memory is short.
  func probe(_ batch: TokenBatch, since start: LanguageModel?) throws -> ModelProbe? {
    let first = batch.microBatches(0..<batch.sequenceCount, maximumTokens: microBatchTokens).first
    return try first.map { try passes[0].probe($0, since: start) }
  }
}

extension TokenBatch {
  /// The sequences of a range in batches of at most `maximumTokens`; none is split.
  func microBatches(_ range: Range<Int>, maximumTokens: Int) -> [TokenBatch] {
    var batches: [TokenBatch] = []
    var first = range.lowerBound
    while first < range.upperBound {
      var last = first + 1
      while last < range.upperBound, offsets[last + 1] - offsets[first] <= Int32(maximumTokens) {
        last += 1
      }
      batches.append(sequences(first..<last))
      first = last
    }
    return batches
  }

  /// A batch of some of the sequences.
  private func sequences(_ range: Range<Int>) -> TokenBatch {
    let start = Int(offsets[range.lowerBound])
    let rows = start..<Int(offsets[range.upperBound])
    return TokenBatch(
      tokens: Array(tokens[rows]), targets: Array(targets[rows]),
      offsets: offsets[range.lowerBound...range.upperBound].map { $0 - Int32(start) },
      positions: Array(positions[rows]))
  }
}
