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
}

extension InferenceSession {
  /// Log-probability in nats of each whole completion under softmax(logits / T), for each 1 / T.
  ///
  /// Neighbours with the same prompt share its computation. Result: for each item one value for each inverse
  /// temperature. Prompts and completions must not be empty. Throws `LabError` for an item longer than
  /// the model's context or the session, and for a model whose weights are not numbers.
  package func completionLogProbabilities(
    _ items: [PromptedCompletion], inverseTemperatures: [Float],
    truncation: Truncation = Truncation()
  ) throws -> [[Double]] {
    var groups: [PromptedCompletions] = []
    var first = 0
    while first < items.count {
      let last = items[first...].firstIndex { $0.prompt != items[first].prompt } ?? items.count
      let group = PromptedCompletions(
        prompt: items[first].prompt, completions: items[first..<last].map(\.completion))
      try checkLength(group)
      groups.append(group)
      first = last
    }
    let scores = try completionLogProbabilities(
      groups,
      options: ScoringOptions(inverseTemperatures: inverseTemperatures, truncation: truncation)
    ).flatMap(\.self)
    guard scores.allSatisfy({ $0.allSatisfy { !$0.isNaN } }) else {
      throw LabError(
        "the model's probabilities are not numbers: its weights hold NaN or infinity; train it "
          + "again with a lower learning rate")
    }
    return scores
  }

  private func checkLength(_ item: PromptedCompletions) throws {
    let count = item.longestInputCount
    guard count <= model.configuration.contextLength else {
      throw LabError(
        "a prompt with its answer has \(count) tokens, more than the model's context of "
          + "\(model.configuration.contextLength); was the model trained on another graph?")
    }
    guard count <= maximumTokens else {
      throw LabError(
        "a text of \(count) tokens does not fit into a batch of \(maximumTokens)", .usage)
    }
  }
}
