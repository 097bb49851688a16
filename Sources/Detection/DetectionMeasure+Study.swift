import Evaluation
package import KnowledgeGraph
import LabCore
import LanguageModel

extension DetectionMeasure {
  package static let settingNames =
    ModelSelection.settingNames + [
      "tasks", "kinds", "heads", "kernels", "bayes", "layers", "places", "positions", "full",
      "full_epochs",
      "full_rate", "full_state_alone", "balanced", "judges", "samples", "evidence", "queries",
      "seed", "resamples", "precision",
    ]

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

extension DetectionOptions {
  /// Takes what the settings of a study say; throws an error that names the line.
  mutating func read(_ node: SchemaNode) throws {
    if let value = node.optional("tasks") {
      let chosen = try value.distinct { try $0.choice(DetectorTask.self) }
      tasks = DetectorTask.allCases.filter(chosen.contains)
    }
    if let value = node.optional("kinds") {
      let chosen = try value.distinct { try $0.choice(DetectorKind.self) }
      kinds = DetectorKind.allCases.filter(chosen.contains)
    }
    if let value = node.optional("heads") {
      heads = try Self.named(value, "head") { try HeadArchitecture(named: $0) }
    }
    if let value = node.optional("kernels") {
      kernels = try Self.named(value, "infinitely wide head") { try KernelHead(named: $0) }
      if !kinds.contains(.kernel) { kinds.append(.kernel) }
    } else if kinds.contains(.kernel) {
      kernels = [.limit]
    }
    if let value = node.optional("bayes") {
      bayesian = try Self.named(value, "Bayesian head") { try BayesianHead(named: $0) }
      if !kinds.contains(.bayes) { kinds.append(.bayes) }
    } else if kinds.contains(.bayes) {
      bayesian = [.usual]
    }
    if let value = node.optional("layers") {
      layers = try Self.named(value, "layer") { try LayerChoice(named: $0) }
    }
    if let value = node.optional("places") {
      places = try value.distinct { try $0.choice(AnswerPlace.self) }
    }
    if let value = node.optional("positions") {
      positions = try Self.named(value, "position") { try TokenPosition(named: $0) }
    }
    if let value = node.optional("full") {
      full = try Self.named(value, "size", Self.fullDetector)
      if !kinds.contains(.full) { kinds.append(.full) }
    }
    if let value = node.optional("full_epochs") {
      fullTraining.epochs = try value.integer(in: 1...10_000)
    }
    if try !kinds.contains(.full) || node.optional("full_state_alone")?.boolean() == true {
      fullTraining.readStateAlone()
    }
    if let value = node.optional("full_rate") {
      fullTraining.pretrainedRate = try value.number("between 1e-09 and 1") {
        FullTrainingOptions.rateRange.contains($0)
      }
    }
    if let value = node.optional("balanced") {
      fullTraining.balancesClasses = try value.boolean()
    }
    if let value = node.optional("judges"), !value.isAll {
      // Which weights these have is known once they are trained.
      judges = try Self.named(value, "size") {
        JudgeChoice(name: try ModelSize(named: $0).name, weightsHash: "")
      }
    }
    if let value = node.optional("evidence") {
      evidence = try value.integer(in: 0...DetectionOptions.maximumSamples)
    }
    if let value = node.optional("samples") {
      samples = try value.integer(in: 1...DetectionOptions.maximumSamples)
    }
    if let value = node.optional("queries") {
      let chosen = try value.distinct { try $0.choice(Visibility.self) }
      visibilities = Visibility.allCases.filter(chosen.contains)
    }
    if let value = node.optional("seed") {
      seed = UInt64(try value.integer(in: 0...Int.max))
    }
    if let value = node.optional("resamples") {
      resampleCount = try value.integer(in: 0...1_000_000)
    }
    if let value = node.optional("precision") {
      precision = try value.precision()
    }
    do {
      try validate()
    } catch {
      throw node.failure("is impossible: \(error)")
    }
  }

  /// "10k" has fresh weights, "10k-pretrained" those of the study's model of that size, "own" the judged model's.
  private static func fullDetector(_ name: String) throws -> FullDetectorChoice {
    let suffix = "-pretrained"
    if name == "own" { return .own }
    guard name.hasSuffix(suffix) else { return .scratch(size: try ModelSize(named: name).name) }
    // Which weights these are is known once they are trained.
    return .pretrained(
      name: try ModelSize(named: String(name.dropLast(suffix.count))).name, weightsHash: "")
  }

  /// The values of a list of names, none twice; a failure names its line.
  private static func named<Value: Hashable>(
    _ node: SchemaNode, _ what: String, _ value: (String) throws -> Value
  ) throws -> [Value] {
    try node.distinct { item in
      do {
        return try value(try item.text())
      } catch {
        throw item.failure("is no \(what): \(error)")
      }
    }
  }
}
