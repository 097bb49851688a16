/// What an attack is made on: a prompt with a place for a field, and an answer.
package struct AttackedExample: Hashable, Sendable {
  /// Index in the queries of the graph.
  package let query: Int
  package let subject: Int32
  package let predicate: Int32
  /// The prompt up to where the field goes, and from there on.
  package let before: [Int32]
  package let after: [Int32]
  /// The answer with its end token: for a language model the wrong one that it is driven towards,
  /// for a detector the one that it judges.
  package let answer: [Int32]
  /// Whether the answer is a hallucination.
  package let isHallucination: Bool

  package init(
    query: Int, subject: Int32, predicate: Int32, before: [Int32], after: [Int32],
    answer: [Int32], isHallucination: Bool = true
  ) {
    self.query = query
    self.subject = subject
    self.predicate = predicate
    self.before = before
    self.after = after
    self.answer = answer
    self.isHallucination = isHallucination
  }
}

/// An example as a victim reads it.
package struct AttackedText: Hashable, Sendable {
  package let example: AttackedExample
  /// `<X>` and what stands behind it; empty for the prompt without a field.
  package let field: [Int32]

  package init(_ example: AttackedExample, field: [Int32]) {
    self.example = example
    self.field = field
  }

  /// The prompt.
  package var prompt: [Int32] { example.before + field + example.after }

  /// The prompt and the answer.
  package var line: [Int32] { prompt + example.answer }
}

/// What a victim makes of a text.
package struct AttackOutcome: Hashable, Sendable {
  /// Its greedy answer, or the probability of a hallucination, for people.
  package let answer: String
  package let isWrong: Bool
  /// Whether the answer is the example's wrong one.
  package let isTarget: Bool

  package init(answer: String, isWrong: Bool, isTarget: Bool) {
    self.answer = answer
    self.isWrong = isWrong
    self.isTarget = isTarget
  }
}

/// A model that is attacked, with memory for one worker.
package protocol AttackVictim {
  /// N: parameters outside the embedding.
  var parameterCount: Int { get }
  /// Tokens at the end of a line that it does not read: the last one predicts nothing.
  var unreadCount: Int { get }
  /// What it answers to each text.
  func outcomes(of texts: [AttackedText]) throws -> [AttackOutcome]
  /// For each text what an attack lowers, in nats: -log of the probability that it is wrong as the
  /// example has it.
  func losses(of texts: [AttackedText]) throws -> [Double]
  /// For each text the gradient of its loss with respect to the one-hot rows of the field after
  /// `<X>`, shape (k, V).
  func gradients(of texts: [AttackedText]) throws -> [[Float]]
}

extension AttackVictim {
  /// T: tokens that a text takes it.
  package func inputCount(of text: AttackedText) -> Int { text.line.count - unreadCount }
}
