/// Which tokens of an answer are hallucinated: our definition, see docs/detection.md.
package enum TokenLabels {
  /// For each token, whether the answer up to and including it begins no true answer.
  ///
  /// `answers` are the canonical tokens of the query's answers in the whole graph, without end
  /// token. Once a token is hallucinated, so are all after it. An answer that is no hallucination
  /// has no hallucinated token, however it is spelled.
  package static func labels(
    of tokens: [Int32], isHallucination: Bool, answers: [[Int32]]
  ) -> [Bool] {
    guard isHallucination else { return tokens.map { _ in false } }
    var begun = answers
    return tokens.enumerated().map { place, token in
      begun.removeAll { place >= $0.count || $0[place] != token }
      return begun.isEmpty
    }
  }
}
