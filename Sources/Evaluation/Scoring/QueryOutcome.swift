package import KnowledgeGraph

/// Probability that the model gives each kind of answer to one query, without sampling noise.
package struct ExactOutcome: Codable, Hashable, Sendable {
  package let temperature: Double
  /// Probability of the answers that are trained on, each in its canonical spelling with the end
  /// token.
  package let correct: Double
  /// The same for answers that are true and held out.
  package let correctHeldOut: Double

  /// 1 minus the probability of all answers; rounding below 0 is cut off.
  package var hallucination: Double { max(0, 1 - correct - correctHeldOut) }
}

/// One completion the model wrote, judged by the graph.
package struct SampledAnswer: Hashable, Sendable {
  /// 0 is greedy.
  package let temperature: Double
  /// From 0, below the number of samples at this temperature.
  package let sample: Int
  /// Tokens before the end token, or before whatever ended the text.
  package let tokens: [Int32]
  /// Whether the end token came.
  package let ended: Bool
  /// The name the tokens spell; for tokens that spell none, their pieces as a person would read
  /// them.
  package let text: String
  /// The entity meant: an answer of the query where the text names one, else the first of that name
  /// and of the right type, else the first of that name; nil for invented and malformed answers.
  package let object: Int32?
  /// Whether the tokens are the spelling the tokenizer itself gives the text; the exact rate counts
  /// no other.
  package let isCanonical: Bool
  /// In nats at temperature 1, whatever the temperature of the draw.
  package let logProbability: Double
  package let verdict: Verdict

  package init(
    temperature: Double, sample: Int, tokens: [Int32], ended: Bool, text: String, object: Int32?,
    isCanonical: Bool, logProbability: Double, verdict: Verdict
  ) {
    self.temperature = temperature
    self.sample = sample
    self.tokens = tokens
    self.ended = ended
    self.text = text
    self.object = object
    self.isCanonical = isCanonical
    self.logProbability = logProbability
    self.verdict = verdict
  }
}

/// What the completions of one query at one temperature come to.
package struct SampledOutcome: Hashable, Sendable {
  package let temperature: Double
  /// In the order of `Verdict.allCases`.
  package let verdictCounts: [Int]
  /// Different texts among the completions.
  package let distinctCount: Int
  /// Answers of the query, visible or held out, that were generated at least once.
  package let generatedAnswerCount: Int
  /// The same for visible answers.
  package let generatedVisibleCount: Int
  /// Right answers in another spelling than the canonical one, which the exact rate does not count.
  package let otherSpellingCount: Int

  package var sampleCount: Int { verdictCounts.reduce(0, +) }

  /// How many of the samples have this verdict.
  package func count(_ verdict: Verdict) -> Int {
    Verdict.allCases.firstIndex(of: verdict).map { verdictCounts[$0] } ?? 0
  }

  /// Completions that are hallucinations.
  package var hallucinationCount: Int {
    zip(Verdict.allCases, verdictCounts).reduce(0) { $0 + ($1.0.isHallucination ? $1.1 : 0) }
  }
}

/// Everything measured on one query.
package struct QueryOutcome: Hashable, Sendable {
  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  /// In the order of the exact temperatures.
  package let exact: [ExactOutcome]
  /// In the order of the sample temperatures, then of the samples.
  package let answers: [SampledAnswer]
  /// In the order of the sample temperatures.
  package let sampled: [SampledOutcome]
  /// True answers among candidates; empty where none were asked for.
  package let ranked: [RankedAnswer]
}
