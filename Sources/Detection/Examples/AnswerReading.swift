/// How sure the model was while it wrote one answer, at n + 1 places for n tokens.
///
/// Place 0 is `<O>`, which predicts the first token; place i is the i-th token, read; place n predicts what
/// ends the answer.
package struct AnswerReading: Sendable {
  /// Log-probability in nats of the n tokens and then of the end token.
  package let logProbabilities: [Float]
  /// Entropy in nats of the next-token distribution at each place.
  package let entropies: [Float]
  /// Largest probability of the next-token distribution at each place.
  package let maximumProbabilities: [Float]
  /// Largest minus second largest probability at each place.
  package let margins: [Float]
  /// Log of the sum over v of sqrt(p_v / V) at temperature 2, at each place.
  package let affinities: [Float]
  /// KL(uniform, p) in nats at each place.
  package let selfCertainties: [Float]

  package init(
    logProbabilities: [Float], entropies: [Float], maximumProbabilities: [Float],
    margins: [Float] = [], affinities: [Float] = [], selfCertainties: [Float] = []
  ) {
    self.logProbabilities = logProbabilities
    self.entropies = entropies
    self.maximumProbabilities = maximumProbabilities
    self.margins = margins
    self.affinities = affinities
    self.selfCertainties = selfCertainties
  }

  /// The reading of an answer among those whose features were captured.
  package init(_ features: AnswerFeatures, answer: Int) {
    let first = features.texts.firstRow(answer)
    let rows = first..<(first + features.texts.tokenCount(answer) + 1)
    let columns = features.columns
    self.init(
      logProbabilities: Array(columns.logProbabilities[rows]),
      entropies: Array(columns.entropies[rows]),
      maximumProbabilities: Array(columns.maximumProbabilities[rows]),
      margins: Array(columns.margins[rows]), affinities: Array(columns.affinities[rows]),
      selfCertainties: Array(columns.selfCertainties[rows]))
  }

  package var tokenCount: Int { entropies.count - 1 }
}
