/// How a triple is put into words: the values of `--phrasing`.
package enum Phrasing: String, Codable, CaseIterable, Sendable {
  /// `<S> subject <P> predicate <O> object <E>`.
  case triple
  /// `<S> a sentence of the predicate's templates <O> object <E>`.
  case template
}

/// How all triples of a corpus are put into words, and in which of these a model is asked.
package struct Wording: Hashable, Sendable {
  package var phrasing: Phrasing
  /// Templates that one fact is shown in; 1 for triples.
  package var paraphrases: Int
  /// Decides which templates those are; counts for templates only.
  package var seed: UInt64
  /// Whether questions are put in a template that the fact was never shown in.
  package var asksUnseen = false

  package init(phrasing: Phrasing = .triple, paraphrases: Int = 1, seed: UInt64 = 0) {
    self.phrasing = phrasing
    self.paraphrases = paraphrases
    self.seed = phrasing == .triple ? 0 : seed
  }

  /// The training text of arXiv 2408.07852.
  package static let triple = Wording()

  /// The same with questions in the given phrasing.
  package func asked(in choice: AskedPhrasing) -> Wording {
    var wording = self
    wording.asksUnseen = choice == .unseen
    return wording
  }
}

/// Which phrasing of a fact a trained model is asked in: the values of `evaluate --phrasing`.
package enum AskedPhrasing: String, Codable, CaseIterable, Sendable {
  /// The first that the fact was shown in.
  case seen
  /// One that the fact was never shown in; other facts may have been.
  case unseen
}
