package import KnowledgeGraph
package import LabCore
package import LanguageModel

/// What a detector is, known before it is made.
package struct DetectorShape: Hashable, Sendable {
  /// "final", "3", "all"; nil where no layer is read.
  package var layer: String?
  /// "last", "before", ...; nil where no place of the answer is chosen.
  package var place: String?
  /// Widths of a head's hidden layers, none for a linear one; nil for what is no head.
  package var hiddenSizes: [Int]?
  /// Trained numbers, for `full` those outside the embedding.
  package var parameters = 0
  /// Whether it begins with weights that were trained for something else; nil for what has no
  /// choice.
  package var isPretrained: Bool?
}

/// One detector as it can be made for one set of examples: the protocol of every kind, listed in
/// `RecipeBook`.
///
/// A recipe learns from the training part, chooses on the validation part, and says what it scores
/// both of the others with. It never sees a label of the test part.
package protocol DetectorRecipe: Sendable {
  var kind: DetectorKind { get }
  /// Unique among the detectors of a set of examples.
  var name: String { get }
  /// What detectors share that are one idea in several sizes, places or tasks.
  var family: String { get }
  var shape: DetectorShape { get }
  /// What must have been captured.
  var streams: Set<CaptureStream> { get }
  /// Whether it is made alone and with all workers: it runs a language model itself.
  var takesAllWorkers: Bool { get }
  /// Makes the detector.
  ///
  /// Throws `DetectionError` where the examples do not allow it, `LabError` when memory is short.
  func make(_ material: DetectorMaterial) throws -> FittedDetector
}

extension DetectorRecipe {
  package var family: String { kind.isTrained ? kind.rawValue : name }
  package var shape: DetectorShape { DetectorShape() }
  package var streams: Set<CaptureStream> { [] }
  package var takesAllWorkers: Bool { false }
}

/// What a recipe made.
package struct FittedDetector: Sendable {
  /// Scores of the validation part, in its order.
  package var validation: [Double]
  /// Scores of the test part, in its order.
  package var test: [Double]
  /// Whether scores are probabilities of hallucination.
  package var isProbability = false
  /// Trained numbers; nil where the shape says it.
  package var parameters: Int?
  package var training: HeadTrainingReport?
  /// What can be saved and used on other answers; nil for what is not trained.
  package var model: (any TrainedModel)?
}

/// The examples of one set with all that detectors may know of them.
package struct DetectorMaterial: Sendable {
  package let set: ExampleSet
  package let answers: DrawnAnswers
  package let features: AnswerFeatures
  package let graph: KnowledgeGraph
  package let baselines: TripleBaselines
  /// Indices of the examples of each part.
  package let indices: [SplitPart: [Int]]
  package let training: HeadTrainingOptions
  package let seed: Seed
  /// The labels that detectors learn from; in random order for a null test.
  package let learnedLabels: [Bool]
  /// The workers, for detectors that take all of them, and whether a long training is to end;
  /// nobody is told how far it is.
  package let work: Work

  private let evidencePlaces: [Int: Int]

  package init(
    set: ExampleSet, answers: DrawnAnswers, features: AnswerFeatures, graph: KnowledgeGraph,
    baselines: TripleBaselines, indices: [SplitPart: [Int]],
    training: HeadTrainingOptions = HeadTrainingOptions(), seed: Seed, shufflesLabels: Bool = false,
    work: Work = Work()
  ) {
    self.set = set
    self.answers = answers
    self.features = features
    self.graph = graph
    self.baselines = baselines
    self.indices = indices
    self.training = training
    self.seed = seed
    self.work = work
    evidencePlaces = Dictionary(
      uniqueKeysWithValues: answers.evidence.enumerated().map { ($0.element.query, $0.offset) })
    var labels = set.examples.map(\.isHallucination)
    if shufflesLabels {
      for part in [SplitPart.train, .validation] {
        let rows = indices[part] ?? []
        var own = rows.map { labels[$0] }
        var stream = seed.stream("detection/shuffled/\(set.task.rawValue)\(set.suffix)/\(part)")
        stream.shuffle(&own)
        for (row, label) in zip(rows, own) { labels[row] = label }
      }
    }
    learnedLabels = labels
  }

  /// Indices of the examples of one part.
  package func rows(_ part: SplitPart) -> [Int] { indices[part] ?? [] }

  /// The answer that an example is of.
  package func answer(_ row: Int) -> JudgedAnswer { answers.judged[set.examples[row].answer] }

  /// How sure the model was while it wrote the answer of an example.
  package func reading(_ row: Int) -> FeatureColumns {
    features.reading(set.examples[row].answer)
  }

  /// What else was drawn of an example's query; nil where there is none.
  package func evidence(_ row: Int) -> QueryEvidence? {
    evidencePlaces[set.examples[row].query].map { answers.evidence[$0] }
  }

  /// The rows of features at which examples are read: at their token, or at a place of the answer.
  package func featureRows(_ examples: [Int], at place: AnswerPlace) -> [Range<Int>] {
    examples.map { features.texts.rows(set.examples[$0].textPlace, at: place) }
  }

  /// Scores of the validation and the test part, example by example.
  package func scores(_ value: (Int) throws -> Double) rethrows -> FittedDetector {
    FittedDetector(
      validation: try rows(.validation).map(value), test: try rows(.test).map(value))
  }
}
