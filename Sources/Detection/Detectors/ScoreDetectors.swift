import Evaluation

/// A number of the model's next-token distributions: kind `score`, and `baseline` for a token's position.
package struct DistributionScore: DetectorRecipe {
  private enum Score: Sendable {
    case sentence(SentenceScore)
    case token(TokenScore)
  }

  private let score: Score
  private let suffix: String

  /// A score of the sentence task.
  package init(_ score: SentenceScore) {
    self.score = .sentence(score)
    suffix = ""
  }

  /// A score of the token task.
  package init(_ score: TokenScore, of set: ExampleSet) {
    self.score = .token(score)
    suffix = set.suffix
  }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard !book.isSentence else { return SentenceScore.allCases.map { DistributionScore($0) } }
    return TokenScore.allCases.filter { score in
      switch book.set.position {
      case .each: true
      case .before: score.isKnownBefore
      case .number: score != .position
      }
    }.map { DistributionScore($0, of: book.set) }
  }

  package var kind: DetectorKind {
    if case .token(let score) = score { return score.kind }
    return .score
  }

  package var name: String {
    switch score {
    case .sentence(let score): score.rawValue
    case .token(let score): score.rawValue + suffix
    }
  }

  package var family: String {
    switch score {
    case .sentence(.sequenceLogProbability), .token(.logProbability): "log-probability"
    case .token(.entropy): "entropy"
    case .token(.position): "prior"
    case .sentence(let score): score.rawValue
    case .token(let score): score.rawValue
    }
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    material.scores { row in
      switch score {
      case .sentence(let score):
        return score.value(material.answer(row).answer, material.reading(row))
      case .token(let score):
        // The distribution that a token was drawn from is at the place before it; before the answer, at `<O>`.
        let place = material.set.examples[row].place ?? 0
        return score.value(material.reading(row), token: max(0, place - 1))
      }
    }
  }
}

/// A comparison of an answer with further completions of its query: kind `score`.
package struct ConsistencyDetector: DetectorRecipe {
  private let score: ConsistencyScore

  package var kind: DetectorKind { .score }
  package var name: String { score.rawValue }
  package var family: String { score == .semanticEntropy ? "entropy" : name }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.hasEvidence ? ConsistencyScore.allCases.map { ConsistencyDetector(score: $0) } : []
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try material.scores { row in
      guard let evidence = material.evidence(row) else { throw DetectionError.noEvidence }
      return score.value(material.answer(row).answer, evidence)
    }
  }
}

/// Pointwise mutual information: -(log p(o | s, p) - log p(o | p)), the second from counts of trained triples.
package struct MutualInformationDetector: DetectorRecipe {
  package var kind: DetectorKind { .score }
  package var name: String { "pmi" }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.isSentence ? [MutualInformationDetector()] : []
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    material.scores { row in
      let judged = material.answer(row)
      return -judged.answer.logProbability
        - material.baselines.value(of: .objectPrior, for: judged)
    }
  }
}

/// A number that needs no model: kind `baseline`.
package struct BaselineDetector: DetectorRecipe {
  private let baseline: SentenceBaseline

  package var kind: DetectorKind { .baseline }
  package var name: String { baseline.rawValue }
  package var family: String { baseline == .objectPrior ? "prior" : name }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.isSentence ? SentenceBaseline.allCases.map { BaselineDetector(baseline: $0) } : []
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    material.scores { material.baselines.value(of: baseline, for: material.answer($0)) }
  }
}
