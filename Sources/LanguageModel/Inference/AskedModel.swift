package import Compute
package import LabCore

/// A language model that measures ask: one of kglab, or one of elsewhere that another process
/// computes.
///
/// Prompts and completions are tokens of the run's tokenizer, whoever computes.
package protocol AskedModel: Sendable {
  /// Its shape: the layers and widths of what is captured, the vocabulary, the longest text.
  var configuration: ModelConfiguration { get }
  /// N: parameters outside the embedding.
  var nonEmbeddingParameterCount: Int { get }
  /// The same weights with products in `precision`; throws `LabError` where that is not to be had.
  func asked(in precision: Precision) throws -> any AskedModel
  /// What one worker asks with, in batches of up to `maximumTokens` tokens; throws `LabError` when
  /// memory is short.
  func session(maximumTokens: Int) throws -> any AskedSession
  /// The same weights with room for texts of `length` tokens, where positions have no end.
  func withContext(_ length: Int) throws -> any AskedModel
}

/// What measures ask of a model, without gradients: `InferenceSession` says what each function
/// gives.
package protocol AskedSession: AnyObject {
  var configuration: ModelConfiguration { get }
  var maximumTokens: Int { get }
  func completionLogProbabilities(
    _ items: [PromptedCompletions], options: ScoringOptions
  ) throws -> [[[Double]]]
  func generate(
    prompts: [[Int32]], plans: [SamplePlan], limits: GenerationLimits,
    uniform: (_ prompt: Int, _ plan: Int, _ sample: Int, _ step: Int) -> Float
  ) throws -> [[[Completion]]]
  func capture(
    _ tokens: TokenBatch, rows kept: [Int], regions: [TextRegion], streams: Set<CaptureStream>
  ) throws -> Capture
  func nextLogProbabilities(of texts: [[Int32]]) throws -> [[Float]]
}

extension AskedSession {
  /// Log-probabilities at temperature 1 of whole distributions.
  package func completionLogProbabilities(
    _ items: [PromptedCompletions]
  ) throws -> [[[Double]]] {
    try completionLogProbabilities(items, options: ScoringOptions())
  }
}

extension InferenceSession: AskedSession {
  package var configuration: ModelConfiguration { model.configuration }
}

extension LanguageModel: AskedModel {
  package var nonEmbeddingParameterCount: Int { configuration.nonEmbeddingParameterCount }

  package func asked(in precision: Precision) throws -> any AskedModel {
    try inPrecision(precision)
  }

  package func session(maximumTokens: Int) throws -> any AskedSession {
    try InferenceSession(self, maximumTokens: maximumTokens)
  }

  package func withContext(_ length: Int) throws -> any AskedModel {
    var configuration = configuration
    guard length > configuration.contextLength else { return self }
    configuration.contextLength = length
    return try LanguageModel(
      configuration, values: parameters.copyOut(), precision: precision, on: device)
  }
}
