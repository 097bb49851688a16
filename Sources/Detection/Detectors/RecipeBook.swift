package import Corpus
package import KnowledgeGraph
package import LanguageModel

/// The language models at hand while detectors are made, and the text that they read.
package struct ModelShelf: Sendable {
  /// The model whose answers are judged.
  package let judged: any AskedModel
  /// Others by the hash of their weights.
  package let others: [String: LanguageModel]
  package let graph: KnowledgeGraph
  package let text: TripleText
  /// The slot that lines of the judged model's training have; nil for none.
  package let slot: Slot?

  package init(
    judged: any AskedModel, others: [String: LanguageModel] = [:], graph: KnowledgeGraph,
    text: TripleText, slot: Slot? = nil
  ) {
    self.judged = judged
    self.others = others
    self.graph = graph
    self.text = text
    self.slot = slot
  }
}

/// The detectors that options ask for, of one set of examples.
struct RecipeBook {
  let set: ExampleSet
  let options: DetectionOptions
  let models: ModelShelf

  var configuration: ModelConfiguration { models.judged.configuration }
  var isSentence: Bool { self.set.task == .sentence }
  /// Whether answers can be compared with further completions.
  var hasEvidence: Bool { isSentence && options.evidence > 0 }

  /// A detector of each head on each layer and place of choice.
  func atEachPlace<Head>(
    _ heads: [Head], _ recipe: (Head, LayerChoice, AnswerPlace) throws -> any DetectorRecipe
  ) rethrows -> [any DetectorRecipe] {
    try options.layers.flatMap { layer in
      try (isSentence ? options.places : [.last]).flatMap { place in
        try heads.map { try recipe($0, layer, place) }
      }
    }
  }

  /// Every detector there is, a line each; within a kind this is the order of tables.
  private static let makers: [@Sendable (RecipeBook) throws -> [any DetectorRecipe]] = [
    HeadDetector.recipes,
    KernelDetector.recipes,
    BayesianDetector.recipes,
    SAPLMADetector.recipes,
    SemanticEntropyProbe.recipes,
    AttentionHeadProbe.recipes,
    LookbackDetector.recipes,
    FullDetector.recipes,
    ExampleScore.sentences,
    ExampleScore.tokens,
    ExampleScore.mutualInformation,
    MahalanobisDetector.recipes,
    RAUQDetector.recipes,
    ExampleScore.comparisons,
    EigenScoreDetector.recipes,
    CrossModelScore.recipes,
    ExampleScore.baselines,
  ]

  /// In the order of their kinds: trained ones, then scores, then baselines, which are always
  /// there.
  ///
  /// Throws `LabError` for a layer that the model does not have, or weights that were not given.
  func recipes() throws -> [any DetectorRecipe] {
    let all = try Self.makers.flatMap { try $0(self) }
    return DetectorKind.allCases.flatMap { kind in
      all.filter { $0.kind == kind && (kind == .baseline || options.kinds.contains(kind)) }
    }
  }
}
