package import KnowledgeGraph
import LabCore

/// A true answer with what training had of it.
package struct ExplainedTruth: Codable, Hashable, Sendable {
  package let text: String
  package let probability: Double
  package let isTrained: Bool
  /// Presentations in one epoch, 0 where it is held out.
  package let exposures: Int
  /// Presentations in the whole training.
  package let presentations: Double
  /// Information content under the generator; nil for imported graphs.
  package let bits: Double?
  /// How it follows from other triples; nil where it stands for itself.
  package let derivation: Derivation?
  /// Whether it follows from triples that are trained on.
  package let isInferable: Bool
}

/// A subject of which training says what the model says of another.
package struct Lender: Codable, Hashable, Sendable {
  package let subject: String
  /// Edits between the two subjects' names.
  package let distance: Int
  package let exposures: Int
  /// What is wrong with the statement; nil where it is true.
  package let noise: Noise?
}

/// A fact of the training text that pulls a question towards an answer.
package struct FactPull: Codable, Hashable, Sendable {
  package let subject: String
  package let object: String
  /// Of the gradients of log P(answer | question) and log P(object | the fact's own question): what
  /// a small step of training on the fact does to the answer's probability, 1 the most, below 0
  /// where it lowers it.
  package let cosine: Double
  package let exposures: Int
}

/// A wrong answer and whose fact it is.
package struct BorrowedAnswer: Codable, Hashable, Sendable {
  package let answer: String
  package let probability: Double
  package let verdict: Verdict
  /// Statements of the training text with this predicate and object.
  package let lenderCount: Int
  /// Those whose subject's name is nearest to the one asked about; distance 0 is a false statement
  /// about it.
  package let lenders: [Lender]
  /// Facts of other subjects with this predicate, of largest cosine first, among `searchedCount`.
  package let pulls: [FactPull]
  package let searchedCount: Int
}

/// What a detector said of an answer to the question, as it is stored.
package struct StoredDetectorScore: Codable, Hashable, Sendable {
  package let detector: String
  /// "sentence", "token", or "stored answer" for answers of an evaluation.
  package let task: String
  package let answer: String
  /// Completions that got this score's mean.
  package let answerCount: Int
  package let meanScore: Double
  package let isHallucination: Bool
}

/// Everything that is known of why a model answers a question as it does.
package struct Explanation: Codable, Hashable, Sendable {
  package let inquiry: Inquiry
  package let truth: [ExplainedTruth]
  package let borrowed: [BorrowedAnswer]
  /// The token that the lens follows: the first of the likeliest true answer; nil without one.
  package let lensToken: String?
  package let lens: [LensLayer]
  /// Empty where no detector has scored an answer to this question.
  package let detectorScores: [StoredDetectorScore]
}
