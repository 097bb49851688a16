package import Compute
package import LabCore
package import LanguageModel

/// The parts a step is cut into: each lane's gradient is computed by one worker and summed in lane order.
///
/// Lanes and their micro-batches depend on the batch alone, so that any number of workers gives the same bits.
package struct Lanes {
  package let gradients: [Gradients]
  private let model: LanguageModel
  private let passes: [TrainingPass]
  private let microBatchTokens: Int

  /// Allocates `count` gradients and one pass for each worker.
  package init(_ model: LanguageModel, count: Int, longestSequence: Int, workers: Int) throws {
    self.model = model
    gradients = try (0..<count).map { _ in try Gradients(model.layout, on: model.device) }
    microBatchTokens = max(
      TrainingPass.preferredMicroBatchTokens(model.configuration), longestSequence)
    let tokens = microBatchTokens
    passes = try (0..<workers).map { _ in
      try TrainingPass(model, maximumTokens: tokens)
    }
  }

  /// One stream for each worker, for work outside the passes.
  package var streams: [KernelStream] { passes.map(\.stream) }

  /// Computes every lane's gradient of the mean loss; returns the summed loss in nats.
  package func run(_ batch: TokenBatch, zLoss: Double, on pool: WorkerPool) -> Double {
    let parts = batch.lanes(gradients.count)
    let scale = Float(1 / Double(max(batch.lossCount, 1)))
    model.pack(on: pool, streams: streams)
    let losses = pool.map(pieces: parts.count) { worker, lane in
      passes[worker].stream.zero(gradients[lane].values)
      var sum = 0.0
      for microBatch in batch.microBatches(parts[lane], maximumTokens: microBatchTokens) {
        sum += passes[worker].run(
          microBatch, into: gradients[lane], scale: scale, zLoss: Float(zLoss))
      }
      return sum
    }
    return losses.reduce(0, +)
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
