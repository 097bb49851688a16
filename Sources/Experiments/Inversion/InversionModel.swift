import Analysis
import Compute
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// A model that says what stood in the slot, given what was answered: the attacked model's weights,
/// trained further on re-ordered lines `<O> o <P> p <S> s <X> x` of its own answers to random texts
/// x.
struct InversionModel {
  let model: LanguageModel
  /// Mean loss of a token of x on a tenth of the lines that it did not learn from, in nats.
  let heldOutLoss: Double
  /// Floating-point operations of answering and of learning.
  let flops: Double

  /// What the model reads before x: `<O> o <P> p <S> s <X>`; a sentence stays whole.
  ///
  /// `prompt` is the whole one up to `<O>`, `answer` the tokens of o.
  static func prefix(prompt: [Int32], answer: [Int32], slotToken: Int32) -> [Int32] {
    let question = prompt.dropLast()
    let split = question.firstIndex(of: SpecialToken.predicate.rawValue) ?? question.startIndex
    return [SpecialToken.object.rawValue] + answer + question[split...] + question[..<split]
      + [slotToken]
  }

  /// One line: what is read, and the text that stood in the slot.
  private struct Line: Sendable {
    let prefix: [Int32]
    let content: [Int32]
  }

  /// Asks `model` about random queries of `examples` with random texts and trains on its answers at
  /// temperature 1.
  ///
  /// The same for any number of workers. Throws `LabError.interrupted` when asked to stop: it is
  /// then made again.
  init(
    of model: LanguageModel, _ examples: [AttackedExample], _ search: AttackSearch,
    _ settings: InversionSettings, maximumNewTokens: Int, on pool: WorkerPool, _ work: Work
  ) throws {
    let seed = Seed(settings.seed).derived("pirs/inversion")
    let (lines, asked) = try Self.lines(
      model, examples, search, settings, seed, maximumNewTokens, pool, work)
    let heldOut = lines.count / 10
    guard heldOut > 0 else {
      throw LabError(
        "the model ends too few of its answers to learn an inversion from; train it longer, or ask more --lines"
      )
    }
    let (own, flops) = try Self.trained(
      from: model, lines.dropLast(heldOut), settings, seed, pool, work)
    self.model = own
    let session = try InferenceSession(own, maximumTokens: max(1_024, Self.context(lines)))
    let losses = try session.completionLogProbabilities(
      lines.suffix(heldOut).map {
        PromptedCompletions(prompt: $0.prefix, completions: [$0.content])
      }
    ).map { -$0[0][0] / Double(search.length) }
    heldOutLoss = Mean.of(losses) ?? .nan
    self.flops = flops + asked
  }

  private static func lines(
    _ model: LanguageModel, _ examples: [AttackedExample], _ search: AttackSearch,
    _ settings: InversionSettings, _ seed: Seed, _ maximumNewTokens: Int, _ pool: WorkerPool,
    _ work: Work
  ) throws -> (lines: [Line], flops: Double) {
    let size = 64
    let starts = Array(stride(from: 0, to: settings.lineCount, by: size))
    let sessions = try (0..<work.workers).map { _ in
      try InferenceSession(model, maximumTokens: max(1_024, model.configuration.contextLength))
    }
    let limits = GenerationLimits(
      maximumNewTokens: maximumNewTokens, endToken: SpecialToken.end.rawValue,
      stopTokens: 0..<Int32(SpecialToken.allCases.count))
    let parts = try pool.map(pieces: starts.count) { worker, piece -> ([Line], Double)? in
      if work.shouldStop() { return nil }
      var stream = seed.stream("lines/\(piece)")
      let count = min(size, settings.lineCount - starts[piece])
      let texts = try (0..<count).map { _ in
        let example = examples[stream.below(examples.count)]
        return search.text(example, try search.randomContent(&stream))
      }
      let uniforms = texts.map { _ in
        (0..<maximumNewTokens).map { _ in min(Float(stream.uniform()), 1 - Float.ulpOfOne) }
      }
      let answers = try sessions[worker].generate(
        prompts: texts.map(\.prompt), plans: [SamplePlan(samples: 1, inverseTemperature: 1)],
        limits: limits
      ) { prompt, _, _, step in uniforms[prompt][step] }
      var lines: [Line] = []
      var tokens = 0
      for (text, answer) in zip(texts, answers.map { $0[0][0] }) {
        tokens += text.prompt.count + answer.tokens.count
        guard answer.ended, !answer.tokens.isEmpty else { continue }
        lines.append(
          Line(
            prefix: prefix(
              prompt: text.example.before + text.example.after, answer: answer.tokens,
              slotToken: text.field[0]), content: Array(text.field.dropFirst())))
      }
      return (lines, 2 * Double(model.configuration.nonEmbeddingParameterCount * tokens))
    }
    let all = try parts.map { part in
      guard let part else { throw LabError.interrupted("stopped before the inversion was learned") }
      return part
    }
    return (all.flatMap(\.0), all.reduce(0) { $0 + $1.1 })
  }

  private static func context(_ lines: some Collection<Line>) -> Int {
    lines.map { $0.prefix.count + $0.content.count }.max() ?? 1
  }

  /// The loss is taken on what stood in the slot.
  private static func trained(
    from start: LanguageModel, _ lines: ArraySlice<Line>, _ settings: InversionSettings,
    _ seed: Seed, _ pool: WorkerPool, _ work: Work
  ) throws -> (LanguageModel, flops: Double) {
    var configuration = start.configuration
    configuration.contextLength = max(configuration.contextLength, context(lines))
    let model = try LanguageModel(
      configuration, values: start.parameters.copyOut(), on: start.device)
    var training = TrainingConfiguration(epochs: settings.epochCount, learningRate: 0)
    training.learningRate = LearningRateRule.shapeAndSteps.peak(
      of: training, for: configuration, isContinued: true)
    let passes = try (0..<work.workers).map { _ in try TrainingPass(model) }
    let step = try TrainingStep(model, training, on: pool, streams: passes.map(\.stream))
    let batchSize = min(64, lines.count)
    let stepsPerEpoch = lines.count / batchSize
    let stepCount = settings.epochCount * stepsPerEpoch
    let schedule = LearningRateSchedule(training, stepCount: stepCount)
    var stream = seed.stream("order")
    var order = Array(lines.indices)
    var tokens = 0
    for number in 0..<stepCount {
      if work.shouldStop() {
        throw LabError.interrupted("stopped while the inversion was learned; it is learned again")
      }
      let place = number % stepsPerEpoch * batchSize
      if place == 0 { stream.shuffle(&order) }
      let chosen = order[place..<(place + batchSize)].map { lines[$0] }
      let scale = 1 / Float(chosen.reduce(0) { $0 + $1.content.count })
      let (_, norm) = step.gradient { worker, lane, gradients in
        let pass = passes[worker]
        let part = chosen[
          (batchSize * lane / training.lanes)..<(batchSize * (lane + 1) / training.lanes)]
        var batch = TokenBatch()
        func finish() {
          if !batch.tokens.isEmpty { _ = pass.run(batch, into: gradients, scale: scale, zLoss: 0) }
          batch = TokenBatch()
        }
        for line in part {
          let read = line.prefix + line.content.dropLast()
          if batch.tokens.count + read.count > pass.maximumTokens { finish() }
          batch.append(
            tokens: read, targets: line.prefix.dropLast().map { _ in -1 } + line.content)
        }
        finish()
      }
      guard norm.isFinite else {
        throw LabError(
          "the inversion did not train: its gradient is not a number; train the model again with a lower learning rate"
        )
      }
      step.update(norm: norm, learningRate: schedule.rate(at: number), number: number)
      tokens += chosen.reduce(0) { $0 + $1.prefix.count + $1.content.count - 1 }
      work.report(Double(number + 1) / Double(stepCount), "the inversion learns")
    }
    step.packModel()
    return (model, 6 * Double(configuration.nonEmbeddingParameterCount * tokens))
  }
}
