import Evaluation

/// A number of each example that needs no other: kinds `score` and `baseline`.
struct ExampleScore: DetectorRecipe {
  let kind: DetectorKind
  let name: String
  var family: String
  private let value: @Sendable (DetectorMaterial, Int) throws -> Double

  /// `family` is the name where none is given.
  private init(
    _ kind: DetectorKind, _ name: String, family: String? = nil,
    value: @escaping @Sendable (DetectorMaterial, Int) throws -> Double
  ) {
    self.kind = kind
    self.name = name
    self.family = family ?? name
    self.value = value
  }

  func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try material.scores { try value(material, $0) }
  }

  // MARK: Of the model's next-token distributions

  static func sentences(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard book.isSentence else { return [] }
    return SentenceScore.allCases.map { score in
      let family = score == .sequenceLogProbability ? "log-probability" : score.rawValue
      return ExampleScore(.score, score.rawValue, family: family) { material, row in
        score.value(material.answer(row).answer, material.reading(row))
      }
    }
  }

  /// With a token's position, which is a baseline.
  static func tokens(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard !book.isSentence else { return [] }
    let families: [TokenScore: String] = [
      .logProbability: "log-probability", .entropy: "entropy", .position: "prior",
    ]
    return TokenScore.allCases.filter { score in
      switch book.set.position {
      case .each: true
      case .before: score.isKnownBefore
      case .number: score != .position
      }
    }.map { score in
      ExampleScore(
        score.kind, score.rawValue + book.set.suffix, family: families[score] ?? score.rawValue
      ) { material, row in
        // The distribution that a token was drawn from is at the place before it; before the
        // answer, at `<O>`.
        let place = material.set.examples[row].place ?? 0
        return score.value(material.reading(row), token: max(0, place - 1))
      }
    }
  }

  // MARK: Of further completions

  static func comparisons(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard book.hasEvidence else { return [] }
    return ConsistencyScore.allCases.map { score in
      let family = score == .semanticEntropy ? "entropy" : score.rawValue
      return ExampleScore(.score, score.rawValue, family: family) { material, row in
        guard let evidence = material.evidence(row) else { throw DetectionError.noEvidence }
        return score.value(material.answer(row).answer, evidence)
      }
    }
  }

  // MARK: Of counts of trained triples

  /// Pointwise mutual information: -(log p(o | s, p) - log p(o | p)), the second from counts.
  static func mutualInformation(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard book.isSentence else { return [] }
    return [
      ExampleScore(.score, "pmi") { material, row in
        let judged = material.answer(row)
        return -judged.answer.logProbability
          - material.baselines.value(of: .objectPrior, for: judged)
      }
    ]
  }

  static func baselines(_ book: RecipeBook) -> [any DetectorRecipe] {
    guard book.isSentence else { return [] }
    return SentenceBaseline.allCases.map { baseline in
      let family = baseline == .objectPrior ? "prior" : baseline.rawValue
      return ExampleScore(.baseline, baseline.rawValue, family: family) { material, row in
        material.baselines.value(of: baseline, for: material.answer(row))
      }
    }
  }
}
