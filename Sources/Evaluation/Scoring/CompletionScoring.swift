import LabCore
import LanguageModel

extension AskedSession {
  /// The log-probabilities of completions of prompts that may come from another graph or broken
  /// weights.
  ///
  /// As `completionLogProbabilities`; neighbours with one prompt, such as namesakes, are asked
  /// together. Throws `LabError` for a text longer than the model's context or the session, and for
  /// a model whose weights are not numbers.
  func checkedLogProbabilities(
    _ items: [PromptedCompletions], options: ScoringOptions = ScoringOptions()
  ) throws -> [[[Double]]] {
    for item in items { try checkLength(item) }
    let prompts = items.reduce(into: [PromptedCompletions]()) { prompts, item in
      guard let last = prompts.last, last.prompt == item.prompt else { return prompts.append(item) }
      prompts[prompts.count - 1] = PromptedCompletions(
        prompt: item.prompt, completions: last.completions + item.completions)
    }
    var scores = try completionLogProbabilities(prompts, options: options).flatMap(\.self)[...]
    guard scores.allSatisfy({ $0.allSatisfy { !$0.isNaN } }) else {
      throw LabError(
        "the model's probabilities are not numbers: its weights hold NaN or infinity; train it "
          + "again with a lower learning rate")
    }
    return items.map { item in
      defer { scores = scores.dropFirst(item.completions.count) }
      return Array(scores.prefix(item.completions.count))
    }
  }

  private func checkLength(_ item: PromptedCompletions) throws {
    let count = item.longestInputCount
    guard count <= configuration.contextLength else {
      throw LabError(
        "a prompt with its answer has \(count) tokens, more than the model's context of "
          + "\(configuration.contextLength); was the model trained on another graph?")
    }
    guard count <= maximumTokens else {
      throw LabError(
        "a text of \(count) tokens does not fit into a batch of \(maximumTokens)", .usage)
    }
  }
}
