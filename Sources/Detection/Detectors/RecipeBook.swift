package import LanguageModel

/// The detectors that options ask for, of one set of examples.
package struct RecipeBook {
  private let options: DetectionOptions
  private let configuration: ModelConfiguration

  /// For a model of this shape.
  package init(_ options: DetectionOptions, _ configuration: ModelConfiguration) {
    self.options = options
    self.configuration = configuration
  }

  /// Trained ones in the order of their kinds, then scores, then baselines, which are always there.
  ///
  /// `full` are the language models that judge. Throws `LabError` for a layer that the model does not have.
  package func recipes(
    for set: ExampleSet, full: [FullDetector] = []
  ) throws -> [any DetectorRecipe] {
    let isSentence = set.task == .sentence
    var recipes: [any DetectorRecipe] = []
    for kind in DetectorKind.allCases where kind == .baseline || options.kinds.contains(kind) {
      switch kind {
      case .head: recipes += try heads(set)
      case .saplma: recipes.append(SAPLMADetector(of: set, configuration))
      case .entropyProbe:
        guard isSentence, options.evidence > 0 else { continue }
        for place in [AnswerPlace.before, .last] {
          recipes.append(SemanticEntropyProbe(place: place, configuration))
        }
      case .attentionProbe: recipes.append(AttentionHeadProbe(of: set, configuration))
      case .lookback:
        // Nothing is generated yet before the answer, so its ratio says nothing.
        for input in LookbackDetector.Input.allCases
        where set.position != .before || input == .shares {
          recipes.append(LookbackDetector(input, of: set, configuration))
        }
      case .full:
        // A text model judges what it has read, so there is nothing for it before the answer but the question.
        recipes += full as [any DetectorRecipe]
      case .score: recipes += scores(set)
      case .baseline: recipes += baselines(set)
      }
    }
    return recipes
  }

  private func heads(_ set: ExampleSet) throws -> [any DetectorRecipe] {
    let places = set.task == .sentence ? options.places : [.last]
    return try options.layers.flatMap { layer in
      try places.flatMap { place in
        try options.heads.map {
          try HeadDetector($0, layer: layer, place: place, of: set, configuration)
        }
      }
    }
  }

  private func scores(_ set: ExampleSet) -> [any DetectorRecipe] {
    guard set.task == .sentence else {
      return TokenScore.allCases.filter {
        $0.kind == .score && (set.position != .before || $0.isKnownBefore)
      }.map { DistributionScore($0, of: set) }
    }
    var recipes: [any DetectorRecipe] = SentenceScore.allCases.map { DistributionScore($0) }
    recipes += [
      MutualInformationDetector(), MahalanobisDetector(isRelative: false),
      MahalanobisDetector(isRelative: true),
    ]
    recipes += RAUQDetector.Confidence.allCases.map { RAUQDetector($0) }
    guard options.evidence > 0 else { return recipes }
    recipes += ConsistencyScore.allCases.map { ConsistencyDetector($0) }
    recipes.append(EigenScoreDetector())
    return recipes
  }

  private func baselines(_ set: ExampleSet) -> [any DetectorRecipe] {
    guard set.task == .token else { return SentenceBaseline.allCases.map { BaselineDetector($0) } }
    guard set.position == .each else { return [] }
    return [DistributionScore(.position, of: set)]
  }
}
