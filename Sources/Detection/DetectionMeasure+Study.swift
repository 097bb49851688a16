package import Evaluation
package import KnowledgeGraph
import LabCore
import LanguageModel

extension DetectionMeasure {
  package static let settingNames = ModelSelection.settingNames + DetectionOptions.names

  /// Reads `detection` of a study over the defaults.
  package init(study node: SchemaNode) throws {
    self.init()
    let selection = try ModelSelection(study: node)
    (epochs, sizes) = (selection.epochs, selection.sizes)
    try options.read(node)
    guard let judges = node.optional("judges"), judges.isAll else { return }
    isJudgedByAll = true
    guard options.kinds.contains(.score) else {
      throw judges.failure("are a score, which kinds leaves out; add score to kinds")
    }
  }
}

extension SchemaNode {
  /// Whether it is the word `all` in place of a list.
  fileprivate var isAll: Bool { (try? text()) == "all" }
}

extension DetectionOptions: StudySettings {
  package static let all: [StudySetting<DetectionOptions>] = [
    .chosen("tasks", \.tasks), .chosen("kinds", \.kinds),
    .named("heads", \.heads, "head") { try HeadArchitecture(named: $0) },
    .named("kernels", \.kernels, "infinitely wide head") { try KernelHead(named: $0) },
    .named("bayes", \.bayesian, "Bayesian head") { try BayesianHead(named: $0) },
    .named("layers", \.layers, "layer") { try LayerChoice(named: $0) },
    StudySetting("places", \.places) { try $0.distinct { try $0.choice(AnswerPlace.self) } },
    .named("positions", \.positions, "position") { try TokenPosition(named: $0) },
    .named("full", \.full, "size", fullDetector),
    StudySetting("full_epochs", \.fullTraining.epochs, in: 1...10_000),
    StudySetting("full_rate", \.fullTraining.pretrainedRate) {
      try $0.number("between 1e-09 and 1") { FullTrainingOptions.rateRange.contains($0) }
    },
    StudySetting(late: "full_state_alone"),
    StudySetting("balanced", \.fullTraining.balancesClasses) { try $0.boolean() },
    StudySetting(late: "judges"),
    StudySetting("evidence", \.evidence, in: 0...maximumSamples),
    StudySetting("samples", \.samples, in: 1...maximumSamples), .chosen("queries", \.visibilities),
    .seed(\.seed), .resamples(\.resampleCount),
    StudySetting("precision", \.precision) { try $0.precision() },
  ]

  /// Kinds that a list of their own asks for, and what those that are asked for have by default.
  package mutating func finish(_ node: SchemaNode) throws {
    let lists: [(String, DetectorKind)] = [
      ("kernels", .kernel), ("bayes", .bayes), ("full", .full),
    ]
    for (name, kind) in lists where node.optional(name) != nil && !kinds.contains(kind) {
      kinds.append(kind)
    }
    if kinds.contains(.kernel), kernels.isEmpty { kernels = [.limit] }
    if kinds.contains(.bayes), bayesian.isEmpty { bayesian = [.usual] }
    if try !kinds.contains(.full) || node.optional("full_state_alone")?.boolean() == true {
      let rate = node.optional("full_rate") == nil ? nil : fullTraining.pretrainedRate
      fullTraining.readStateAlone()
      fullTraining.pretrainedRate = rate
    }
    if let value = node.optional("judges"), !value.isAll {
      // Which weights these have is known once they are trained.
      try StudySetting<DetectionOptions>.named("judges", \.judges, "size") {
        JudgeChoice(name: try ModelSize(named: $0).name, weightsHash: "")
      }.read(node, into: &self)
    }
    do {
      try validate()
    } catch {
      throw node.failure("is impossible: \(error)")
    }
  }

  /// "10k" has fresh weights, "10k-pretrained" those of the study's model of that size, "own" the
  /// judged model's.
  @Sendable private static func fullDetector(_ name: String) throws -> FullDetectorChoice {
    let suffix = "-pretrained"
    if name == "own" { return .own }
    guard name.hasSuffix(suffix) else { return .scratch(size: try ModelSize(named: name).name) }
    // Which weights these are is known once they are trained.
    return .pretrained(
      name: try ModelSize(named: String(name.dropLast(suffix.count))).name, weightsHash: "")
  }
}
