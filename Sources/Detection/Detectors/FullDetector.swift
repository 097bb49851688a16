import Compute
package import Corpus
import Evaluation
package import Foundation
import KnowledgeGraph
import LabCore
package import LanguageModel
import Training

/// A language model fine-tuned end to end to judge (s, p, o): kind `full`.
///
/// It reads the text and never the judged model's states, so it may be of any size. Its size as a
/// detector is its number of parameters outside the embedding.
package struct FullDetector: DetectorRecipe {
  package let choice: FullDetectorChoice
  private let options: FullTrainingOptions
  private let configuration: ModelConfiguration
  /// The weights to begin with; nil for fresh ones.
  private let pretrained: LanguageModel?
  private let text: TripleText
  /// The slot of a share of the texts that it learns from; nil for none.
  private let slot: Slot?

  package var kind: DetectorKind { .full }
  package var name: String { choice.name }
  package var takesAllWorkers: Bool { true }

  package var shape: DetectorShape {
    DetectorShape(
      parameters: configuration.nonEmbeddingParameterCount, isPretrained: pretrained != nil)
  }

  static func recipes(_ book: RecipeBook) throws -> [any DetectorRecipe] {
    // It judges what it has read, so that before the answer there is nothing for it but the
    // question.
    guard book.set.position == .each else { return [] }
    return try book.options.full.map {
      try FullDetector($0, book.models, options: book.options.fullTraining)
    }
  }

  /// Prepares a choice with a context that holds the judged model's longest answer with its end
  /// token.
  ///
  /// Throws `LabError` for an unknown size, or weights that are not on the shelf.
  package init(
    _ choice: FullDetectorChoice, _ models: ModelShelf, options: FullTrainingOptions
  ) throws {
    self.choice = choice
    self.options = options
    text = models.text
    slot = models.slot
    let contextLength = models.judged.configuration.contextLength + 1
    switch choice {
    case .scratch(let size):
      pretrained = nil
      configuration = try ModelSize(named: size).configuration(
        vocabularySize: text.tokenizer.vocabularySize, contextLength: contextLength)
      return
    case .own:
      guard let own = models.judged as? LanguageModel else {
        throw LabError(
          "a full detector that begins as the judged model needs its weights, and that of an outside model are not "
            + "kglab's; choose full detectors from scratch", .usage)
      }
      pretrained = own
    case .pretrained(_, let hash): pretrained = models.others[hash]
    }
    guard var configuration = pretrained?.configuration else {
      throw LabError("the weights of \(choice.name) were not given", .failure)
    }
    // Positions are rotations, so that the weights do not depend on the context.
    configuration.contextLength = max(configuration.contextLength, contextLength)
    self.configuration = configuration
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
    let usual = LearningRateRule.peak(modelDimension: width)
    let trainer = FullTrainer(
      options: options,
      learningRate: pretrained == nil
        ? options.scratchRateShare * usual
        : options.pretrainedRate ?? options.pretrainedRateShare * usual,
      seed: material.seed, name: "\(material.set.task.rawValue)/\(name)",
      workers: material.work.workers)
    let validationLabels = validation.map { material.learnedLabels[$0] }
    let texts = try train.map { try text(of: $0, material) }
    let result = try trainer.train(
      FullNetwork(
        model: model,
        readOut: Array(repeating: 0, count: width + (options.readsLogProbability ? 2 : 1))),
      texts: { epoch in
        FullNetwork.slotted(
          texts, slot, token: text.tokenizer.slotToken,
          stream: seed.stream("slot/\(material.set.task.rawValue)/\(name)/\(epoch)"))
      }, labels: labels,
      validation: (try validation.map { try text(of: $0, material) }, validationLabels),
      shouldStop: material.work.shouldStop)
    let network = FullNetwork(
      model: try result.network.model.inPrecision(.fp32), readOut: result.network.readOut)
    let passes = try (0..<material.work.workers).map { _ in try TrainingPass(network.model) }
    let pool = try WorkerPool(workerCount: material.work.workers)
    func scores(_ rows: [Int]) throws -> [Double] {
      try network.logits(
        rows.map { try text(of: $0, material) }, passes: passes, pool: pool,
        shouldStop: material.work.shouldStop
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
      training: report, model: network)
  }

  private func text(of row: Int, _ material: DetectorMaterial) throws -> FullNetwork.Text {
    let example = material.set.examples[row]
    let answer = material.features.texts.text(example.answer)
    return try FullNetwork.text(
      prompt: text.prompt(subject: answer.subject, predicate: answer.predicate),
      answer: answer.tokens, place: example.place, contextLength: configuration.contextLength)
  }
}

extension FullNetwork {
  /// Texts of which a share has a field of random tokens before the answer; all as they are without
  /// a slot.
  static func slotted(
    _ texts: [Text], _ slot: Slot?, token: Int32?, stream: RandomStream
  ) -> [Text] {
    guard let slot, let token else { return texts }
    let filled = slot.fill(texts.map(\.tokens), token: token, stream: stream)
    return zip(texts, filled).map { old, tokens in
      let added = tokens.count - old.tokens.count
      return Text(
        tokens: tokens,
        rows: old.rows.map { JudgedRow(row: $0.row + added, start: $0.start + added) })
    }
  }
}

extension FullNetwork: TrainedModel {
  package var streams: Set<CaptureStream> { [] }
  package var place: AnswerPlace { .end }

  package func refusal(for configuration: ModelConfiguration, name: String) -> String? {
    let own = model.configuration
    guard own.vocabularySize == configuration.vocabularySize else {
      return
        "\(name) knows \(own.vocabularySize) tokens, and this model \(configuration.vocabularySize); "
        + Self.advice
    }
    guard own.contextLength < configuration.contextLength else { return nil }
    return
      "\(name) reads texts of up to \(own.contextLength) tokens, and this model's may "
      + "have \(configuration.contextLength); \(Self.advice)"
  }

  package func scores(
    _ places: [TextPlace], of features: AnswerFeatures, text: TripleText, workers: Int
  ) throws -> [Double] {
    try probabilities(
      places.map { judged in
        let answer = features.texts.text(judged.answer)
        return (
          prompt: text.prompt(subject: answer.subject, predicate: answer.predicate),
          tokens: answer.tokens, place: judged.token
        )
      }, workers: workers)
  }

  // MARK: Files

  package func save(to folder: URL, _ record: inout DetectorRecord) throws {
    record.model = model.configuration
    if readsLogProbability { record.logProbability = true }
    record.files?[ModelFiles.weights] = try ModelFiles.save(model, to: folder).hex
    try record.write(DetectorFiles.readOut, Self.readOutEntries(record), readOut, to: folder)
  }

  package static func load(_ record: DetectorRecord, from folder: URL) throws -> FullNetwork {
    try record.verify(ModelFiles.weights, in: folder)
    return FullNetwork(
      model: try ModelFiles.load(record.model, from: folder, on: .cpu),
      readOut: try record.read(DetectorFiles.readOut, readOutEntries(record), in: folder))
  }

  private static func readOutEntries(_ record: DetectorRecord) -> [Safetensors.Entry] {
    let read = Safetensors.Entry(name: "readout.log_probability", shape: [1])
    return [Safetensors.Entry(name: "readout.weight", shape: [1, record.model.modelDimension])]
      + (record.logProbability == true ? [read] : [])
      + [Safetensors.Entry(name: "readout.bias", shape: [1])]
  }
}
