package import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// What a user asks for; `resolve` turns it into a full configuration for one graph.
package struct TrainingRequest: Hashable, Sendable {
  /// A name on the size dial.
  package var size: String
  package var seed: UInt64 = 0
  package var fraction: Double = 1
  package var tokenizer: TokenizerKind = .word
  /// Vocabulary of the `bpe` tokenizer, special tokens included.
  package var bpeVocabularySize: Int = 1024
  package var packing: Packing = .isolated
  package var loss: LossScope = .all
  /// Whether triples are said as they are or in sentences.
  package var phrasing: Phrasing = .triple
  /// Templates that each fact is shown in; more than 1 for sentences only.
  package var paraphrases: Int = 1
  /// Share of the training lines with a slot; 0 for none.
  package var slotShare: Double = 0
  /// Tokens of a slot, and where it is; they count where there is one.
  package var slotLength: Int = 10
  package var slotPosition: SlotPlacement = .suffix
  /// Share of the lines of an epoch that teach the rules of traps.
  package var ruleShare = 0.0
  package var activation: Activation = .swiglu
  package var tiedEmbeddings = false
  package var queryKeyNorm = true
  /// Peak learning rate; nil takes that of the rule.
  package var learningRate: Double?
  package var learningRateRule = LearningRateRule.shapeAndSteps
  /// Nil takes the mode's default.
  package var weightDecay: Double?
  /// The training, but for its learning rate and weight decay, which are decided by `resolve`.
  package var training: TrainingConfiguration
  /// The folder of a run whose weights, architecture, tokenizer and wording training starts from;
  /// nil for fresh weights.
  package var start: URL?
  /// The triples to train on; nil for all that the graph teaches.
  package var chosen: ChosenTriples?
  /// Answers to train on, in place of the graph's text; in a plan they are not there yet, but
  /// `text` says which.
  package var answers: AnswerLines?
  package var text: AnswerText?

  package init(size: String, epochs: Int) { self.init(size: size, horizon: .epochs(epochs)) }

  /// A request of a size for some epochs, steps, tokens or operations.
  package init(size: String, horizon: Horizon) {
    self.size = size
    training = TrainingConfiguration(horizon: horizon, learningRate: 0)
  }

  /// A request for just this training, of no particular size.
  init(_ training: TrainingConfiguration) {
    size = ""
    self.training = training
    learningRate = training.learningRate
    weightDecay = training.weightDecay
  }

  /// What is asked for where nothing is said.
  package static let usual = TrainingRequest(size: "3k", epochs: 1)
}

/// A request made concrete for one graph.
package struct ResolvedTraining: Sendable {
  package let tokenizer: any Tokenizer
  package let corpus: TrainingCorpus
  package let schedule: BatchSchedule
  package let record: RunRecord
  /// The run that training starts from; nil for fresh weights.
  package let parent: RunFolder?
  package let chosen: ChosenTriples?
  package let answers: AnswerLines?
}

extension TrainingRequest {
  /// The full configuration, parameter counts and FLOPs of this request on a graph.
  ///
  /// Throws an error that names the option when a value is impossible or a name cannot be spelled.
  ///
  /// `start` is the tokenizer and record of a run to start from that is yet to be trained.
  package func resolve(
    graph: KnowledgeGraph, graphPath: String, start planned: (any Tokenizer, RunRecord)? = nil
  ) throws -> ResolvedTraining {
    let folder = try start.map { try RunFolder.open($0) }
    let parent: (tokenizer: any Tokenizer, record: RunRecord)? =
      folder.map { ($0.tokenizer, $0.record) } ?? planned
    if training.keepsZeros, parent == nil {
      throw LabError(
        "keep_zeros leaves the zeros of a run started from at 0, and training starts from fresh weights; "
          + "name a run to start from, or leave it out", .usage)
    }
    let wording =
      parent?.record.configuration.corpus.wording
      ?? Wording(phrasing: phrasing, paraphrases: paraphrases, seed: seed)
    for option in TrainingOption.all where option.name.hasPrefix("slot_") { try option.check(self) }
    let slot =
      parent == nil
      ? slotShare > 0
        ? Slot(share: slotShare, length: slotLength, placement: slotPosition) : nil
      : parent?.record.configuration.corpus.slot
    let tokenizer =
      try parent?.tokenizer ?? tokenizer(for: graph, wording: wording, hasSlot: slot != nil)
    let text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    guard ruleShare == 0 || wording.phrasing == .triple else { throw CorpusError.rulesInSentences }
    let longest =
      (ruleShare > 0
        ? RuleLines.contextLength(longest: text.longestPossibleSequence, tokenizer: tokenizer)
        : text.longestPossibleSequence) + (slot?.fieldLength ?? 0)
    let contextLength = (longest + 4 + 7) / 8 * 8
    var corpusConfiguration = CorpusConfiguration(
      fraction: fraction, packing: packing, loss: loss, windowLength: max(128, contextLength),
      wording: wording)
    corpusConfiguration.slot = slot
    corpusConfiguration.ruleShare = ruleShare
    if let chosen { corpusConfiguration.source = .chosen(hash: chosen.hash) }
    if let own = answers?.text ?? self.text { corpusConfiguration.source = .answers(own) }
    try answers?.check(tokenizer, graph)
    let corpus = try TrainingCorpus(
      graph: graph, text: text, configuration: corpusConfiguration, chosen: chosen?.triples,
      lines: answers?.lines)
    let model =
      try parent?.record.configuration.model
      ?? ModelSize(named: size).configuration(
        vocabularySize: tokenizer.vocabularySize,
        contextLength: packing == .window ? corpusConfiguration.windowLength : contextLength,
        activation: activation, tiedEmbeddings: tiedEmbeddings, queryKeyNorm: queryKeyNorm)
    try model.validate()
    guard corpus.longestSequence <= model.contextLength else {
      throw LabError(
        "training shows the model \(corpus.longestSequence) tokens at once, more than the context of "
          + "\(model.contextLength) of the run it starts from; take a graph with shorter names, or --packing isolated"
      )
    }
    if learningRate == nil, training.optimizer.family != .adam {
      throw LabError(
        "optimizer \(training.optimizer.rawValue) has no default learning rate, as the lab's rule is Adam's; "
          + "give learning_rate, such as \(training.optimizer == .sgd ? "0.3" : "0.03")", .usage)
    }
    try resolvedTraining(nil).validate(model)
    let schedule = try corpus.schedule(
      tokensPerBatch: training.tokensPerStep, seed: Seed(seed).derived("data"))
    let length = try length(model, corpus, schedule)
    let training = resolvedTraining(
      learningRateRule.peak(
        of: training, for: model, steps: length.steps, isContinued: parent != nil))
    let configuration = RunConfiguration(
      graphHash: graph.contentHash, corpus: corpusConfiguration, tokenizer: tokenizer.kind,
      model: model, training: training, seed: seed, start: parent?.record.weightsHash)
    return ResolvedTraining(
      tokenizer: tokenizer, corpus: corpus, schedule: schedule,
      record: try record(
        configuration, corpus, schedule, length, sizeName: parent?.record.sizeName ?? size,
        graphPath: graphPath
      ).hashed(tokenizer), parent: folder, chosen: chosen, answers: answers)
  }

  /// As above, by the rule of learning rates by which a run was begun, where it is otherwise what
  /// is asked for.
  package func resolve(
    graph: KnowledgeGraph, graphPath: String, begun: RunConfiguration?
  ) throws -> ResolvedTraining {
    let resolved = try resolve(graph: graph, graphPath: graphPath)
    guard learningRate == nil, let begun, begun != resolved.record.configuration else {
      return resolved
    }
    for rule in LearningRateRule.allCases where rule != learningRateRule {
      var former = self
      former.learningRateRule = rule
      let other = try former.resolve(graph: graph, graphPath: graphPath)
      if other.record.configuration == begun { return other }
    }
    return resolved
  }

  private func tokenizer(
    for graph: KnowledgeGraph, wording: Wording, hasSlot: Bool
  ) throws -> any Tokenizer {
    let base = try tokenizer.tokenizer(
      for: graph, vocabularySize: bpeVocabularySize, wording: wording, rules: ruleShare > 0)
    return hasSlot ? SlottedTokenizer(base) : base
  }

  /// The training with its numbers; at 0.01, to be checked alone, where neither the request nor the
  /// rule has a rate yet.
  func resolvedTraining(_ usualRate: Double?) -> TrainingConfiguration {
    var training = training
    training.learningRate = learningRate ?? usualRate ?? 0.01
    training.weightDecay =
      weightDecay ?? TrainingConfiguration.defaultWeightDecay(training.weightDecayMode)
    return training
  }

  private func record(
    _ configuration: RunConfiguration, _ corpus: TrainingCorpus, _ schedule: BatchSchedule,
    _ length: (steps: Int, flopsPerToken: Double), sizeName: String, graphPath: String
  ) -> RunRecord {
    let model = configuration.model
    let tokens = corpus.inputTokensPerEpoch
    let epochs = Double(length.steps) / Double(schedule.stepsPerEpoch)
    return RunRecord(
      status: .training, configuration: configuration, graphPath: graphPath, sizeName: sizeName,
      parameterCount: model.parameterCount,
      nonEmbeddingParameterCount: model.nonEmbeddingParameterCount,
      trainedTripleCount: corpus.statements.count, tokensPerEpoch: tokens, stepCount: length.steps,
      stepsPerEpoch: schedule.stepsPerEpoch,
      presentationsPerEpoch: corpus.presentationCount == corpus.statements.count
        ? nil : corpus.presentationCount,
      trainingFLOPs: length.flopsPerToken * (Double(tokens) * epochs).rounded(),
      tokensPerParameter: Double(corpus.uniqueTokens) / Double(model.nonEmbeddingParameterCount))
  }

  /// The horizon in steps, and what a token costs; throws `LabError` where it is too long or
  /// shorter than the warm-up.
  private func length(
    _ model: ModelConfiguration, _ corpus: TrainingCorpus, _ schedule: BatchSchedule
  ) throws -> (steps: Int, flopsPerToken: Double) {
    let tokens = corpus.inputTokensPerEpoch
    // Each input attends to itself and what comes before it in its sequence: half a sequence on
    // average.
    let attended = Double(tokens) / Double(max(corpus.sequenceCount, 1)) / 2 + 0.5
    let flops = model.trainingFLOPsPerToken(meanAttendedLength: attended)
    let stepCount = training.horizon.stepCount(
      stepsPerEpoch: schedule.stepsPerEpoch, tokensPerEpoch: tokens, flopsPerToken: flops)
    guard let stepCount else {
      throw LabError(
        "\(training.horizon.words) are more than 1000000000 steps of \(training.tokensPerStep) "
          + "tokens on this graph; choose fewer, or more tokens a step", .usage)
    }
    if let warmUpSteps = training.warmUpSteps, warmUpSteps >= stepCount {
      throw LabError(
        "warm_up_steps is \(warmUpSteps), and the run has \(stepCount) steps; choose fewer, or train longer",
        .usage)
    }
    return (stepCount, flops)
  }
}
