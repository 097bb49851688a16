package import KnowledgeGraph
import LabCore

/// An answer the model may give, with its exact probability.
package struct LikelyAnswer: Codable, Hashable, Sendable {
  package let text: String
  package let probability: Double
  package let verdict: Verdict
  /// Whether this is the spelling the tokenizer itself gives the text; other spellings stand apart.
  package let isCanonical: Bool
}

/// An answer the graph knows, with the probability of the model giving it.
package struct TrueAnswer: Codable, Hashable, Sendable {
  package let text: String
  /// Of its canonical spelling with the end token.
  package let probability: Double
  /// Whether the triple is trained on; for a name that several answers share, whether any is.
  package let isVisible: Bool
  /// Name of the entity type of the subject it belongs to, which tells subjects of one name apart.
  package let subjectType: String
}

/// What a model answers to one question beside what is true.
package struct Inquiry: Codable, Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let temperature: Double
  /// What training saw of the question, one for each subject of this name that has it; empty where
  /// the graph has no answer at all.
  package let visibilities: [Visibility]
  /// Likeliest first.
  package let answers: [LikelyAnswer]
  /// Whether these are certain to be the likeliest; false where the search gave up.
  package let isCertain: Bool
  /// Likeliest first.
  package let truth: [TrueAnswer]
  /// 1 - the probability of all true answers; nil where the graph has none.
  package let hallucinationProbability: Double?
}
