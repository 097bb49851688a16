/// What the model wrote after a prompt.
package struct Completion: Hashable, Sendable {
  /// Tokens before the stop token.
  package var tokens: [Int32] = []
  /// Sum of the log-probabilities at temperature 1, in nats, of all tokens drawn, the stop token
  /// included.
  package var logProbability: Double = 0
  /// Whether the end token came; false when another stop token or the limit ended the text.
  package var ended = false

  package init() {}
}

/// How to draw some completions of a prompt.
package struct SamplePlan: Hashable, Sendable {
  /// Completions for each prompt.
  package var samples: Int
  /// 1 / temperature; infinity for greedy decoding.
  package var inverseTemperature: Float
  /// Which tokens may be drawn; greedy decoding ignores it.
  package var truncation: Truncation

  package init(samples: Int, inverseTemperature: Float, truncation: Truncation = Truncation()) {
    self.samples = samples
    self.inverseTemperature = inverseTemperature
    self.truncation = truncation
  }

  /// Whether the distribution is cut before drawing.
  var isTruncated: Bool { inverseTemperature.isFinite && !truncation.isNone }
}

/// Where completions end.
package struct GenerationLimits: Hashable, Sendable {
  package var maximumNewTokens: Int
  package var endToken: Int32
  /// Tokens that stop a completion without ending it well.
  package var stopTokens: Range<Int32>

  package init(maximumNewTokens: Int, endToken: Int32, stopTokens: Range<Int32>) {
    self.maximumNewTokens = maximumNewTokens
    self.endToken = endToken
    self.stopTokens = stopTokens
  }
}
