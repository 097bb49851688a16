import Compute
package import Corpus
import Evaluation
import KnowledgeGraph
import LabCore
package import LanguageModel
import Training

/// A language model fine-tuned end to end to judge (s, p, o): kind `full`.
///
/// It reads the text and never the judged model's states, so it may be of any size. Its size as a detector is its
/// number of parameters outside the embedding.
package struct FullDetector: DetectorRecipe {
  package let choice: FullDetectorChoice
  private let options: FullTrainingOptions
  private let configuration: ModelConfiguration
  /// The weights to begin with; nil for fresh ones.
  private let pretrained: LanguageModel?
  private let text: TripleText

  package var kind: DetectorKind { .full }
  package var name: String { choice.name }

  package var shape: DetectorShape {
    DetectorShape(parameters: configuration.nonEmbeddingParameterCount)
  }

  /// Prepares a choice for a vocabulary and a context, which holds the longest answer with its end token.
  ///
  /// `pretrained` is the model behind the choice, nil for fresh weights; its vocabulary must be the tokenizer's. Throws
  /// `LabError` for an unknown size.
  package init(
    _ choice: FullDetectorChoice, pretrained: LanguageModel?, contextLength: Int, text: TripleText,
    options: FullTrainingOptions
  ) throws {
    self.choice = choice
    self.options = options
    self.pretrained = pretrained
    self.text = text
    let vocabulary = text.tokenizer.vocabularySize
    switch choice {
    case .scratch(let size):
      configuration = try ModelSize(named: size).configuration(
        vocabularySize: vocabulary, contextLength: contextLength)
    case .own, .pretrained:
      guard let pretrained else {
        throw LabError("the weights of \(choice.name) were not given", .failure)
      }
      var configuration = pretrained.configuration
      // Positions are rotations, so that the weights do not depend on the context.
      configuration.contextLength = max(configuration.contextLength, contextLength)
      self.configuration = configuration
    }
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let train = material.rows(.train)
    let validation = material.rows(.validation)
    guard let first = train.first, !validation.isEmpty else { throw DetectionError.noExamples }
    let labels = train.map { material.learnedLabels[$0] }
    guard labels.contains(where: { $0 != labels[0] }) else {
      throw DetectionError.oneClassInTraining(
        hallucinated: material.learnedLabels[first], count: train.count)
    }
    let seed = material.seed.derived("detection/full")
    let precision = material.training.precision
    let model =
      try pretrained.map {
        try LanguageModel(
          configuration, values: $0.parameters.copyOut(), precision: precision, on: $0.device)
      } ?? LanguageModel(configuration, seed: seed, precision: precision, on: .cpu)
    let width = configuration.modelDimension
    let share = pretrained == nil ? options.scratchRateShare : options.pretrainedRateShare
    let trainer = FullTrainer(
      options: options,
      learningRate: share * LearningRateRule.peak(modelDimension: width),
      seed: material.seed, name: "\(material.set.task.rawValue)/\(name)",
      workers: material.workers)
    let validationLabels = validation.map { material.learnedLabels[$0] }
    let result = try trainer.train(
      FullNetwork(model: model, readOut: Array(repeating: 0, count: width + 1)),
      texts: try train.map { try text(of: $0, material) }, labels: labels,
      validation: (try validation.map { try text(of: $0, material) }, validationLabels),
      shouldStop: material.shouldStop)
    let network = FullNetwork(
      model: try result.network.model.inPrecision(.fp32), readOut: result.network.readOut)
    let passes = try (0..<material.workers).map { _ in
      try TrainingPass(
        network.model, maximumTokens: FullNetwork.microBatchTokens(configuration))
    }
    let pool = try WorkerPool(workerCount: material.workers)
    func scores(_ rows: [Int]) throws -> [Double] {
      try network.logits(
        rows.map { try text(of: $0, material) }, passes: passes, pool: pool,
        shouldStop: material.shouldStop
      ).map { LogLoss.probability(Double($0)) }
    }
    let own = try scores(validation)
    let scored = try ScoredExamples(
      scores: own, labels: validationLabels,
      subjects: validation.map { material.set.examples[$0].subject })
    let report = HeadTrainingReport(
      stepCount: result.stepCount, bestStep: result.bestStep, regularization: options.weightDecay,
      validationLoss: result.validationLoss, validationAUROC: try? scored.auroc())
    return FittedDetector(
      validation: own, test: try scores(material.rows(.test)), isProbability: true,
      training: report,
      trained: TrainedDetector(
        task: material.set.task, position: material.set.position, kind: kind, name: name,
        place: .end, payload: .full(network)))
  }

  private func text(of row: Int, _ material: DetectorMaterial) throws -> FullNetwork.Text {
    let example = material.set.examples[row]
    let query = material.graph.queries[example.query]
    return try FullNetwork.text(
      prompt: text.prompt(subject: query.subject, predicate: query.predicate),
      answer: material.answers.judged[example.answer].answer.tokens, place: example.place,
      contextLength: configuration.contextLength)
  }
}
