import LabCore

/// Collects the tokens and targets of a batch in arrays of the right size.
struct BatchBuilder {
  var tokens: [Int32] = []
  var targets: [Int32] = []
  private var offsets: [Int32] = [0]
  private var positions: [Int32] = []

  init(inputs: Int, sequences: Int) {
    tokens.reserveCapacity(inputs)
    targets.reserveCapacity(inputs)
    positions.reserveCapacity(inputs)
    offsets.reserveCapacity(sequences + 1)
  }

  /// Ends a sequence at the last token.
  mutating func endSequence() { endSequence(at: tokens.count) }

  /// Ends a sequence before the token with this index in the batch.
  mutating func endSequence(at end: Int) {
    positions += Int32(0)..<Int32(end - positions.count)
    offsets.append(Int32(end))
  }

  var finished: TokenBatch {
    TokenBatch(tokens: tokens, targets: targets, offsets: offsets, positions: positions)
  }
}
