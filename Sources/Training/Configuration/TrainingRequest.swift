package import Compute
package import Corpus
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// What a user asks for; `resolve` turns it into a full configuration for one graph.
package struct TrainingRequest: Codable, Hashable, Sendable {
  /// A name on the size dial.
  package var size: String
  package var epochs: Int
  package var seed: UInt64 = 0
  package var fraction: Double = 1
  package var tokenizer: TokenizerKind = .word
  /// Vocabulary of the `bpe` tokenizer, special tokens included.
  package var bpeVocabularySize: Int = 1024
  package var packing: Packing = .isolated
  package var loss: LossScope = .all
  package var activation: Activation = .swiglu
  package var tiedEmbeddings = false
  package var queryKeyNorm = true
  /// Peak learning rate; nil takes `LearningRateRule`.
  package var learningRate: Double?
  package var tokensPerStep: Int?
  package var lanes: Int?
  package var precision: Precision = .fp32
  package var weightDecay: Double?
  package var clipNorm: Double?
  package var zLoss: Double?
  package var warmUpShare: Double?

  package init(size: String, epochs: Int) {
    self.size = size
    self.epochs = epochs
  }
}

/// A request made concrete for one graph.
package struct ResolvedTraining: Sendable {
  package let tokenizer: any Tokenizer
  package let corpus: TrainingCorpus
  package let schedule: BatchSchedule
  package let record: RunRecord
}

extension TrainingRequest {
  /// The full configuration, parameter counts and FLOPs of this request on a graph.
  ///
  /// Throws an error that names the option when a value is impossible or a name cannot be spelled.
  package func resolve(graph: KnowledgeGraph, graphPath: String) throws -> ResolvedTraining {
    let size = try ModelSize(named: size)
    let tokenizer = try tokenizer.tokenizer(
      for: graph, vocabularySize: bpeVocabularySize)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    let longest = text.longestPossibleSequence
    let contextLength = (longest + 4 + 7) / 8 * 8
    var corpusConfiguration = CorpusConfiguration()
    corpusConfiguration.fraction = fraction
    corpusConfiguration.packing = packing
    corpusConfiguration.loss = loss
    corpusConfiguration.windowLength = max(128, contextLength)
    let corpus = try TrainingCorpus(graph: graph, text: text, configuration: corpusConfiguration)
    let model = size.configuration(
      vocabularySize: tokenizer.vocabularySize,
      contextLength: packing == .window ? corpusConfiguration.windowLength : contextLength,
      activation: activation, tiedEmbeddings: tiedEmbeddings, queryKeyNorm: queryKeyNorm)
    try model.validate()
    let training = trainingConfiguration(modelDimension: model.modelDimension)
    try training.validate()
    let schedule = try corpus.schedule(
      tokensPerBatch: training.tokensPerStep, seed: Seed(seed).derived("data"))
    let configuration = RunConfiguration(
      graphHash: graph.contentHash, corpus: corpusConfiguration, tokenizer: self.tokenizer,
      model: model, training: training, seed: seed)
    return ResolvedTraining(
      tokenizer: tokenizer, corpus: corpus, schedule: schedule,
      record: record(configuration, corpus, schedule, graphPath: graphPath))
  }

  private func trainingConfiguration(modelDimension: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration(
      epochs: epochs,
      learningRate: learningRate ?? LearningRateRule.peak(modelDimension: modelDimension))
    if let tokensPerStep { training.tokensPerStep = tokensPerStep }
    if let lanes { training.lanes = lanes }
    training.precision = precision
    if let weightDecay { training.weightDecay = weightDecay }
    if let clipNorm { training.clipNorm = clipNorm }
    if let zLoss { training.zLoss = zLoss }
    if let warmUpShare { training.warmUpShare = warmUpShare }
    return training
  }

  private func record(
    _ configuration: RunConfiguration, _ corpus: TrainingCorpus, _ schedule: BatchSchedule,
    graphPath: String
  ) -> RunRecord {
    let model = configuration.model
    let tokens = corpus.inputTokensPerEpoch
    // Each input attends to itself and what comes before it in its sequence: half a sequence on average.
    let attended = Double(tokens) / Double(max(corpus.sequenceCount, 1)) / 2 + 0.5
    let flops = model.trainingFLOPsPerToken(meanAttendedLength: attended)
    return RunRecord(
      status: .training, configuration: configuration, graphPath: graphPath, sizeName: size,
      parameterCount: model.parameterCount,
      nonEmbeddingParameterCount: model.nonEmbeddingParameterCount,
      trainedTripleCount: corpus.triples.count, tokensPerEpoch: tokens,
      stepCount: schedule.stepsPerEpoch * configuration.training.epochs,
      trainingFLOPs: flops * Double(tokens * configuration.training.epochs),
      tokensPerParameter: Double(corpus.uniqueTokens) / Double(model.nonEmbeddingParameterCount))
  }
}
