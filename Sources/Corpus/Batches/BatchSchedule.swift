package import LabCore

/// Every epoch of a training cut into the same number of batches.
///
/// An epoch presents every triple exactly once, in an order that is a pure function of seed and epoch.
package struct BatchSchedule: Sendable {
  package let corpus: TrainingCorpus
  package let tokensPerBatch: Int
  package let seed: Seed
  /// Batches of one epoch: inputs of the epoch over `tokensPerBatch`, rounded up.
  package let stepsPerEpoch: Int

  init(corpus: TrainingCorpus, tokensPerBatch: Int, seed: Seed) {
    self.corpus = corpus
    self.tokensPerBatch = tokensPerBatch
    self.seed = seed
    let inputs = corpus.inputTokensPerEpoch
    stepsPerEpoch = corpus.sequenceCount == 1 ? 1 : (inputs + tokensPerBatch - 1) / tokensPerBatch
  }

  /// Inputs that no batch of any epoch exceeds; less than `tokensPerBatch` + the longest sequence.
  package var largestBatch: Int {
    let inputs = corpus.inputTokensPerEpoch
    return min(inputs, (inputs + stepsPerEpoch - 1) / stepsPerEpoch + corpus.longestSequence - 1)
  }

  /// The epoch with this number, counted from 0.
  package func epoch(_ number: Int) -> Epoch { Epoch(number, of: self) }

  /// Times that a triple has been trained on in the first `steps` batches, counted over all epochs.
  ///
  /// In window packing a triple counts from the batch in which its end token is predicted.
  package func exposures(ofTriple index: Int, after steps: Int) -> Int {
    let (whole, rest) = steps.quotientAndRemainder(dividingBy: stepsPerEpoch)
    guard rest > 0 else { return whole }
    return whole + (epoch(whole).steps(ofTriple: index).upperBound <= rest ? 1 : 0)
  }
}
