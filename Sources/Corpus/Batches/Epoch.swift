package import LabCore

/// One pass over the corpus: the order of its triples and where batches are cut.
///
/// Batches have nearly equal numbers of inputs: batch k of n ends with the sequence that reaches (k + 1) / n
/// of the epoch's. Token batches are made when asked for.
package struct Epoch: Sendable {
  package let number: Int
  let corpus: TrainingCorpus
  /// Numbers of the triples in the order in which they are presented.
  let order: [Int32]
  /// Inputs before each presented triple in the epoch's line of text, and all of them; one more than `order`.
  let inputStarts: [Int]
  /// Sequences before each batch, and all of them; one more than there are batches.
  private let bounds: [Int]

  init(_ number: Int, of schedule: BatchSchedule) {
    self.number = number
    let corpus = schedule.corpus
    self.corpus = corpus
    var order = Array(Int32(0)..<Int32(corpus.triples.count))
    var stream = schedule.seed.stream("corpus/epoch/\(number)")
    stream.shuffle(&order)
    self.order = order
    let hidden = corpus.configuration.packing == .isolated ? 1 : 0
    var inputStarts = [0]
    inputStarts.reserveCapacity(order.count + 1)
    var total = 0
    for triple in order {
      total += corpus.starts[Int(triple) + 1] - corpus.starts[Int(triple)] - hidden
      inputStarts.append(total)
    }
    self.inputStarts = inputStarts
    let steps = schedule.stepsPerEpoch
    let inputs = corpus.inputTokensPerEpoch
    switch corpus.configuration.packing {
    case .isolated:
      bounds = Self.bounds(of: steps, inputs: inputs, sequences: order.count) { inputStarts[$0] }
    case .window:
      let length = corpus.configuration.windowLength
      bounds = Self.bounds(of: steps, inputs: inputs, sequences: corpus.sequenceCount) {
        min($0 * length, inputs)
      }
    }
  }

  /// The first sequence at or after each `steps`-th part of the inputs.
  private static func bounds(
    of steps: Int, inputs: Int, sequences: Int, start: (Int) -> Int
  ) -> [Int] {
    var bounds = [0]
    var next = 0
    for step in 1...steps {
      let goal = inputs * step / steps
      while next < sequences, start(next) < goal { next += 1 }
      bounds.append(next)
    }
    return bounds
  }

  package var batchCount: Int { bounds.count - 1 }

  /// Batch `step` of the epoch, counted from 0, as inputs and targets.
  package func batch(_ step: Int) -> TokenBatch {
    switch corpus.configuration.packing {
    case .isolated: isolatedBatch(bounds[step]..<bounds[step + 1])
    case .window: windowBatch(bounds[step]..<bounds[step + 1])
    }
  }

  /// Numbers of the triples that batch `step` trains on, in order.
  ///
  /// In window packing the first and last may be in the neighbouring batches too, with their other tokens.
  package func triples(inBatch step: Int) -> [Int] {
    let places =
      corpus.configuration.packing == .isolated
      ? bounds[step]..<bounds[step + 1] : places(inWindows: bounds[step]..<bounds[step + 1])
    return order[places].map { Int($0) }
  }

  /// The batches that train on a triple: one, or in window packing as many as its tokens are in.
  ///
  /// Time linear in the number of triples; the triple must be a number of the corpus.
  package func steps(ofTriple index: Int) -> Range<Int> {
    guard let place = order.firstIndex(of: Int32(index)) else {
      preconditionFailure("triple \(index) is not in the corpus")
    }
    switch corpus.configuration.packing {
    case .isolated:
      let step = step(ofSequence: place)
      return step..<(step + 1)
    case .window:
      // Its first target is its second token, since <S> belongs to the end of the triple before.
      let length = corpus.configuration.windowLength
      let first = inputStarts[place] / length
      let last = max(inputStarts[place], inputStarts[place + 1] - 2) / length
      return step(ofSequence: first)..<(step(ofSequence: last) + 1)
    }
  }

  private func step(ofSequence sequence: Int) -> Int {
    var low = 0
    var high = batchCount
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle + 1] <= sequence { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func isolatedBatch(_ sequences: Range<Int>) -> TokenBatch {
    var batch = BatchBuilder(
      inputs: inputStarts[sequences.upperBound] - inputStarts[sequences.lowerBound],
      sequences: sequences.count)
    for triple in order[sequences] {
      let start = corpus.starts[Int(triple)]
      let end = corpus.starts[Int(triple) + 1]
      batch.tokens += corpus.tokens[start..<(end - 1)]
      if corpus.configuration.loss == .object {
        let object = start + Int(corpus.objectPlaces[Int(triple)])
        batch.targets += repeatElement(-1, count: object - start)
        batch.targets += corpus.tokens[(object + 1)..<end]
      } else {
        batch.targets += corpus.tokens[(start + 1)..<end]
      }
      batch.endSequence()
    }
    return batch.finished
  }
}
