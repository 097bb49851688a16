import Compute
import Corpus
import LabCore
import LanguageModel
import Training

/// What people call the models of a study: what differs between them, in a few words.
struct ModelWords {
  private let models: [TrainingRequest]
  /// Settings in which the models differ, beside those that have a place of their own, with the value that more
  /// than half of the models have.
  private let differing: [(words: Setting, usual: String?)]

  private typealias Setting = @Sendable (TrainingRequest) -> String

  init(_ models: [TrainingRequest]) {
    self.models = models
    differing = Self.settings.compactMap { setting in
      let values = models.map(setting)
      guard Set(values).count > 1 else { return nil }
      let usual = values.first { value in 2 * values.count { $0 == value } > values.count }
      return (setting, usual)
    }
  }

  /// "no qk-norm, bf16": what is not as with most models, or "baseline" where all is.
  ///
  /// Nil where the models differ in nothing but size, horizon, fraction, learning rate and seed.
  func variant(_ request: TrainingRequest) -> String? {
    guard !differing.isEmpty else { return nil }
    let words = differing.map { ($0.words(request), $0.usual) }.filter { $0 != $1 }.map(\.0)
    return words.isEmpty ? "baseline" : words.joined(separator: ", ")
  }

  /// One name for each model, with a number where words are not enough.
  var names: [String] {
    let hasSeeds = Set(models.map(\.seed)).count > 1
    let hasFractions = Set(models.map(\.fraction)).count > 1
    let hasRates = Set(models.map(\.learningRate)).count > 1
    var counts: [String: Int] = [:]
    return models.map { request in
      var name = "\(request.size), \(request.horizon.words)"
      if hasFractions { name += ", fraction \(request.fraction)" }
      if hasRates {
        name += ", " + (request.learningRate.map { "learning rate \($0)" } ?? "usual learning rate")
      }
      if let variant = variant(request) { name += ", \(variant)" }
      if hasSeeds { name += ", seed \(request.seed)" }
      counts[name, default: 0] += 1
      let count = counts[name] ?? 1
      return count == 1 ? name : "\(name) (\(count))"
    }
  }

  /// Each setting of a request in words.
  private static let settings: [Setting] = [
    { $0.precision.rawValue },
    { $0.queryKeyNorm ? "qk-norm" : "no qk-norm" },
    { $0.zLoss.map { $0 > 0 ? "z-loss \($0)" : "no z-loss" } ?? "no z-loss" },
    warmUp, weightDecay,
    { $0.optimizer.rawValue },
    { $0.schedule.rawValue },
    { $0.decayShare.map { "decay over \(percent($0))" } ?? "usual decay" },
    { $0.finalLearningRateShare.map { "down to \(percent($0))" } ?? "usual final rate" },
    parameterization,
    { $0.baseWidth.map { "base width \($0)" } ?? "usual base width" },
    { $0.clipNorm.map { $0 > 0 ? "clipped at \($0)" : "not clipped" } ?? "usual clipping" },
    { $0.tokensPerStep.map { "\($0) tokens a step" } ?? "usual batch" },
    { $0.lanes.map { "\($0) lanes" } ?? "usual lanes" },
    { $0.activation.rawValue },
    { $0.tiedEmbeddings ? "tied embeddings" : "untied embeddings" },
    { "\($0.packing.rawValue) packing" },
    { "loss on \($0.loss.rawValue)" },
    { $0.phrasing == .triple ? "triples" : "sentences" },
    { $0.paraphrases == 1 ? "1 paraphrase" : "\($0.paraphrases) paraphrases" },
  ]

  @Sendable private static func warmUp(_ request: TrainingRequest) -> String {
    if let steps = request.warmUpSteps { return "warm-up of \(steps) steps" }
    return request.warmUpShare.map { "warm-up \(percent($0))" } ?? "usual warm-up"
  }

  @Sendable private static func weightDecay(_ request: TrainingRequest) -> String {
    let decay =
      request.weightDecay ?? TrainingConfiguration.defaultWeightDecay(request.weightDecayMode)
    let mode = request.weightDecayMode == .independent ? "independent weight decay" : "weight decay"
    return "\(mode) \(decay)"
  }

  @Sendable private static func parameterization(_ request: TrainingRequest) -> String {
    let name = request.parameterization.rawValue
    let isAligned = request.alignment == .full || request.parameterization == .plain
    return isAligned ? name : "\(name) without alignment"
  }

  private static func percent(_ share: Double) -> String {
    let value = share * 100
    return value == value.rounded() ? "\(Int(value)) %" : "\(value) %"
  }
}
