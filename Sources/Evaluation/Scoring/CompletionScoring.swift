import LabCore
package import LanguageModel

/// A prompt and the tokens that may follow it.
package struct PromptedCompletion: Hashable, Sendable {
  package let prompt: [Int32]
  /// Tokens after the prompt, the end token included where the probability of ending there counts.
  package let completion: [Int32]

  package init(prompt: [Int32], completion: [Int32]) {
    self.prompt = prompt
    self.completion = completion
  }

  /// Tokens that go through the model: the last one predicts nothing.
  var inputCount: Int { prompt.count + completion.count - 1 }

  func append(to batch: inout TokenBatch) {
    batch.append(
      tokens: prompt + completion.dropLast(),
      targets: [Int32](repeating: -1, count: prompt.count - 1) + completion)
  }
}

extension InferenceSession {
  /// Log-probability in nats of each whole completion under softmax(logits / T), for each 1 / T.
  ///
  /// Sums over tokens are taken in double precision. Result: for each item one value for each inverse
  /// temperature. Prompts and completions must not be empty. Throws `LabError` for an item longer than
  /// the model's context or the session, and for a model whose weights are not numbers.
  package func completionLogProbabilities(
    _ items: [PromptedCompletion], inverseTemperatures: [Float]
  ) throws -> [[Double]] {
    var results: [[Double]] = []
    results.reserveCapacity(items.count)
    var first = 0
    while first < items.count {
      var batch = TokenBatch()
      var last = first
      while last < items.count, batch.tokens.count + items[last].inputCount <= maximumTokens {
        try checkLength(items[last])
        items[last].append(to: &batch)
        last += 1
      }
      guard last > first else {
        throw LabError(
          "a text of \(items[first].inputCount) tokens does not fit into a batch of "
            + "\(maximumTokens)", .usage)
      }
      let values = try logProbabilities(batch, inverseTemperatures: inverseTemperatures)
      for sequence in 0..<batch.sequenceCount {
        let rows = Int(batch.offsets[sequence])..<Int(batch.offsets[sequence + 1])
        let sums = values.map { row in row[rows].reduce(0.0) { $0 + Double($1) } }
        guard sums.allSatisfy({ !$0.isNaN }) else {
          throw LabError(
            "the model's probabilities are not numbers: its weights hold NaN or infinity; train it "
              + "again with a lower learning rate")
        }
        results.append(sums)
      }
      first = last
    }
    return results
  }

  private func checkLength(_ item: PromptedCompletion) throws {
    guard item.inputCount <= model.configuration.contextLength else {
      throw LabError(
        "a prompt with its answer has \(item.inputCount) tokens, more than the model's context of "
          + "\(model.configuration.contextLength); was the model trained on another graph?")
    }
  }
}
