import KnowledgeGraph
package import LabCore

/// Every epoch of a training cut into the same number of batches.
///
/// An epoch presents every statement exactly as often as its exposures say, in an order that is a
/// pure function of seed and epoch.
package struct BatchSchedule: Sendable {
  package let corpus: TrainingCorpus
  package let tokensPerBatch: Int
  package let seed: Seed
  /// Batches of one epoch: inputs of the epoch, the smallest where they differ, over
  /// `tokensPerBatch`, rounded up.
  package let stepsPerEpoch: Int

  init(corpus: TrainingCorpus, tokensPerBatch: Int, seed: Seed) {
    self.corpus = corpus
    self.tokensPerBatch = tokensPerBatch
    self.seed = seed
    let inputs = corpus.inputTokensOfEpochs.lowerBound
    stepsPerEpoch = corpus.sequenceCount == 1 ? 1 : (inputs + tokensPerBatch - 1) / tokensPerBatch
  }

  /// The epoch with this number, counted from 0.
  package func epoch(_ number: Int) -> Epoch { Epoch(number, of: self) }

  /// Times that a triple has been trained on in the first `steps` batches, counted over all epochs.
  ///
  /// In window packing a presentation counts from the batch in which its end token is predicted.
  package func exposures(ofTriple index: Int, after steps: Int) -> Int {
    let (whole, rest) = steps.quotientAndRemainder(dividingBy: stepsPerEpoch)
    let count = whole * Int(corpus.statements[index].exposures)
    guard rest > 0 else { return count }
    return count + epoch(whole).steps(ofTriple: index).count { $0.upperBound <= rest }
  }

  /// When each of some triples is presented in the first `steps` batches, in order.
  ///
  /// Time linear in the presentations of the epochs that these steps are in.
  package func presentations(ofTriples indices: [Int], upTo steps: Int) -> [[Presentation]] {
    var found = [[Presentation]](repeating: [], count: indices.count)
    for number in 0..<((steps + stepsPerEpoch - 1) / stepsPerEpoch) {
      let epoch = epoch(number)
      for (place, ranges) in epoch.steps(ofTriples: indices).enumerated() {
        for range in ranges {
          let step = number * stepsPerEpoch + range.upperBound
          guard step <= steps else { continue }
          found[place].append(
            Presentation(
              epoch: number + 1, step: step,
              firstStep: number * stepsPerEpoch + range.lowerBound + 1))
        }
      }
    }
    return found
  }
}

/// One presentation of a triple in training.
package struct Presentation: Codable, Hashable, Sendable {
  /// Counted from 1.
  package let epoch: Int
  /// The step, counted from 1 over all epochs, that trains on the end of the triple's text.
  package let step: Int
  /// The step that trains on its beginning: another one only where a window's end cuts the text.
  package let firstStep: Int
}
