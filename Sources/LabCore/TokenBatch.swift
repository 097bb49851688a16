/// Tokens that go through a model together: sequences back to back, attention inside each.
///
/// In isolated packing a sequence is one triple without its last token, which predicts nothing.
package struct TokenBatch: Equatable, Sendable {
  /// Inputs, T of them.
  package var tokens: [Int32]
  /// The next token at each input, or -1 where no loss is taken; T of them.
  package var targets: [Int32]
  /// Where each sequence begins, and T at the end; S + 1 of them.
  package var offsets: [Int32]
  /// Place of each token in its sequence, from 0; T of them.
  package var positions: [Int32]

  package init(
    tokens: [Int32] = [], targets: [Int32] = [], offsets: [Int32] = [0], positions: [Int32] = []
  ) {
    self.tokens = tokens
    self.targets = targets
    self.offsets = offsets
    self.positions = positions
  }

  /// Sequences of random tokens, each with the next as its target.
  package static func random(
    sequences: Int, length: Int, vocabularySize: Int, from stream: inout RandomStream
  ) -> TokenBatch {
    var batch = TokenBatch()
    for _ in 0..<sequences {
      let tokens = (0...length).map { _ in Int32(stream.below(vocabularySize)) }
      batch.append(tokens: tokens.dropLast(), targets: tokens.dropFirst())
    }
    return batch
  }

  package var sequenceCount: Int { offsets.count - 1 }

  /// Number of targets that take part in the loss.
  package var lossCount: Int { targets.count { $0 >= 0 } }

  /// Adds one sequence; `targets` has as many values as `tokens`.
  package mutating func append(
    tokens new: some Collection<Int32>, targets next: some Collection<Int32>
  ) {
    tokens.append(contentsOf: new)
    targets.append(contentsOf: next)
    positions.append(contentsOf: (0..<Int32(new.count)))
    offsets.append(Int32(tokens.count))
  }

  /// Cuts the batch into `count` parts of whole sequences with nearly equal numbers of tokens.
  ///
  /// A pure function of the offsets: the same parts for any number of workers. Parts may be empty.
  package func lanes(_ count: Int) -> [Range<Int>] {
    var bounds = [0]
    for lane in 1..<max(count, 1) {
      let goal = Int32(tokens.count * lane / count)
      var next = bounds[lane - 1]
      while next < sequenceCount, offsets[next] < goal { next += 1 }
      bounds.append(next)
    }
    bounds.append(sequenceCount)
    return (0..<max(count, 1)).map { bounds[$0]..<bounds[$0 + 1] }
  }
}
