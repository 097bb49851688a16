package import Compute
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// What a detector judges.
package enum DetectorTask: String, Codable, CaseIterable, Sendable {
  /// The answer as a whole, after the model has written all of it.
  case sentence
  /// Each token of the answer, once the model has read it; or the answer to come, before its first
  /// token.
  case token
}

/// How a detector comes by its scores.
package enum DetectorKind: String, Codable, CaseIterable, Sendable {
  /// A new read-out trained on the frozen model's states.
  case head
  /// SAPLMA (arXiv 2304.13734): an MLP of 256, 128 and 64 units on a middle layer.
  case saplma
  /// A linear probe for high semantic entropy (arXiv 2406.15927); it learns from no verdict.
  case entropyProbe = "entropy-probe"
  /// Logistic probes on single attention heads, the best of them together (arXiv 2306.03341).
  case attentionProbe = "attention-probe"
  /// Logistic regression on where the attention heads look (arXiv 2407.07071).
  case lookback
  /// A read-out of infinite width, by its kernel.
  case kernel
  /// Many read-outs: draws of a posterior, or one for each of several seeds.
  case bayes
  /// A language model fine-tuned end to end to judge.
  case full
  /// A number of the model itself; nothing is trained on verdicts.
  case score
  /// A number that needs no model: what any detector has to beat.
  case baseline

  /// All but `kernel` and `bayes`, which are asked for by name, and `full`, which costs as much as
  /// training a language model.
  package static let quick = allCases.filter { ![.kernel, .bayes, .full].contains($0) }

  /// What is trained of such a detector; nil where nothing is fitted to examples.
  package var model: (any TrainedModel.Type)? {
    switch self {
    case .head, .saplma, .entropyProbe, .attentionProbe, .lookback: FeatureReadOut.self
    case .kernel: KernelReadOut.self
    case .bayes: BayesianReadOut.self
    case .full: FullNetwork.self
    case .score, .baseline: nil
    }
  }

  /// Whether its parameters are fitted to examples.
  package var isTrained: Bool { model != nil }
}

/// Which detectors are trained and measured, and on what; everything here may change the numbers.
package struct DetectionOptions: Codable, Hashable, Sendable {
  package var tasks = DetectorTask.allCases
  /// Baselines are measured whatever is chosen.
  package var kinds = DetectorKind.quick
  /// Read-outs of the kind `head`.
  package var heads = HeadArchitecture.ladder
  /// Read-outs of the kind `kernel`.
  package var kernels: [KernelHead] {
    get { chosenKernels ?? [] }
    set { chosenKernels = newValue.isEmpty ? nil : newValue }
  }
  /// Nil, and no key, for none.
  private var chosenKernels: [KernelHead]?
  /// Read-outs of the kind `bayes`.
  package var bayesian: [BayesianHead] {
    get { chosenBayesian ?? [] }
    set { chosenBayesian = newValue.isEmpty ? nil : newValue }
  }
  /// Nil, and no key, for none.
  private var chosenBayesian: [BayesianHead]?
  /// Layers that heads read, one head for each.
  package var layers: [LayerChoice] = [.final]
  /// Places of the answer that heads of the sentence task read, one head for each.
  package var places: [AnswerPlace] = [.last]
  /// Which tokens the token task judges.
  package var positions: [TokenPosition] = [.each]
  /// Language models of the kind `full`.
  package var full: [FullDetectorChoice] = []
  package var fullTraining = FullTrainingOptions()
  /// Other runs' models that are asked how likely they find the answers: a score for each.
  package var judges: [JudgeChoice] {
    get { chosenJudges ?? [] }
    set { chosenJudges = newValue.isEmpty ? nil : newValue }
  }
  /// Nil, and no key, for none.
  private var chosenJudges: [JudgeChoice]?
  /// Completions drawn of each query at temperature 1 that are judged.
  package var samples = 2
  /// More completions of each query, which consistency scores compare with the answer; 0 for none.
  package var evidence = 8
  /// Whose queries are asked; by default those the model was trained on, as in arXiv 2408.07852.
  package var visibilities: [Visibility] = [.fvs, .pvs]
  /// Decides the completions, the split, the training of detectors and the resamples.
  package var seed: UInt64 = 0
  /// Resamples of the subjects behind an interval; 0 for values without one.
  package var resampleCount = 1_000
  /// Trains on labels in random order: what is found then is chance.
  package var shufflesLabels = false
  /// Of products while MLPs and language models learn to judge; nil, and no key, for single
  /// precision.
  ///
  /// Features and scores are always in single precision.
  package var precision: Precision?

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case tasks, kinds, heads, layers, places, positions, full, samples, evidence, visibilities,
      seed, precision, fullTraining, resampleCount
    case chosenKernels = "kernels"
    case chosenBayesian = "bayes"
    case chosenJudges = "judges"
    case shufflesLabels = "shuffled_labels"
  }

  /// Largest number of completions of one query.
  package static let maximumSamples = 1_024

  /// Refuses options that cannot be measured; throws `LabError` naming the option.
  package func validate() throws {
    func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
      guard condition else { throw LabError(text(), .usage) }
    }
    try require(
      !tasks.isEmpty, "no detection task is given; choose sentence, token or both")
    try require(
      !visibilities.isEmpty, "no visibility is given; choose among fvs, pvs and ivs")
    try require(
      (1...Self.maximumSamples).contains(samples),
      "samples is \(samples); it must be between 1 and \(Self.maximumSamples)")
    try require(
      (0...(Self.maximumSamples - samples)).contains(evidence),
      "evidence is \(evidence); with \(samples) samples it must be between 0 and "
        + "\(Self.maximumSamples - samples)")
    try require(
      evidence != 1, "evidence is 1; consistency needs at least 2 completions, or 0 for none")
    try require(
      (0...1_000_000).contains(resampleCount),
      "resample_count is \(resampleCount); it must be between 0 and 1000000")
    let lists = [
      heads.map(\.name), layers.map(\.name), places.map(\.rawValue), positions.map(\.name),
      full.map(\.name), judges.map(\.name), kernels.map(\.name),
      bayesian.map(\.name),
    ]
    for names in lists {
      if let name = names.first(where: { name in names.count { $0 == name } > 1 }) {
        throw LabError("\(name) is given twice; give each once", .usage)
      }
    }
    try require(
      !readsLayers || tasks == [.token] || !places.isEmpty, "no place is given for heads")
    try require(!readsLayers || !layers.isEmpty, "no layer is given for heads")
    try require(
      !tasks.contains(.token) || !positions.isEmpty, "no position is given for the token task")
    try require(
      !kinds.contains(.full) || !full.isEmpty,
      "no language model is given for the kind full; give a size, or a run with --from")
    try require(
      !kinds.contains(.kernel) || !kernels.isEmpty,
      "no infinitely wide head is given for the kind kernel; name some, such as \(KernelHead.limit.name)"
    )
    try require(
      !kinds.contains(.bayes) || !bayesian.isEmpty,
      "no Bayesian head is given for the kind bayes; name some, such as bayes-64")
    try require(
      judges.isEmpty || kinds.contains(.score),
      "a judge is a score, which the kinds leave out; add score to --kind, or leave out --judge")
    try require(
      kinds.filter(\.isTrained) != [.entropyProbe] || tasks.contains(.sentence) && evidence > 0,
      "entropy-probe alone would train nothing: it belongs to the sentence task, and learns from further "
        + "completions, so choose that task and evidence of at least 2")
    try fullTraining.validate()
  }

  /// Whether there are heads on layers of choice.
  private var readsLayers: Bool {
    kinds.contains { [.head, .kernel, .bayes].contains($0) }
  }

  /// Refuses layers that a model of this shape does not have; throws `LabError` naming the layer.
  package func checkLayers(of configuration: ModelConfiguration) throws {
    guard readsLayers else { return }
    for layer in layers { _ = try layer.streams(configuration) }
  }

  /// The same choice with lists in their fixed order and without repeats, so that equal choices are
  /// equal.
  package var normalized: DetectionOptions {
    var options = self
    options.tasks = DetectorTask.allCases.filter { tasks.contains($0) }
    options.visibilities = (Visibility.allCases + [.unknown]).filter { visibilities.contains($0) }
    options.kinds = DetectorKind.allCases.filter { kinds.contains($0) }
    if !kinds.contains(.head) { options.heads = [] }
    if !kinds.contains(.kernel) { options.kernels = [] }
    if !kinds.contains(.bayes) { options.bayesian = [] }
    if !readsLayers {
      options.layers = [.final]
      options.places = [.last]
    }
    if !kinds.contains(.full) {
      options.full = []
      options.fullTraining = .ofStateAlone
    }
    if !kinds.contains(.score) { options.judges = [] }
    if !tasks.contains(.token) { options.positions = [.each] }
    let learnsBySteps = kinds.contains { [.head, .saplma, .bayes, .full].contains($0) }
    if precision == .fp32 || !learnsBySteps { options.precision = nil }
    return options
  }
}
