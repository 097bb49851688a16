import Detection
import Evaluation
import KnowledgeGraph
import LabCore
import Training

extension DetectionPlan {
  /// Reads `detection` of a study over the defaults; it must select one of the models.
  init(_ node: SchemaNode, models: [TrainingRequest]) throws {
    try node.allow(["epochs", "sizes", "tasks", "heads", "samples", "queries", "seed", "resamples"])
    if let value = node.optional("epochs") { epochs = try value.integers(in: 1...1_000_000) }
    if let value = node.optional("sizes") { sizes = try value.items().map(ModelGrid.size) }
    if let value = node.optional("tasks") {
      let chosen = try value.items().map { try $0.choice(DetectorTask.self) }
      options.tasks = DetectorTask.allCases.filter(chosen.contains)
    }
    if let value = node.optional("heads") {
      options.heads = try value.items().map { item in
        do {
          return try HeadArchitecture(named: try item.text())
        } catch {
          throw item.failure("is no head: \(error)")
        }
      }
    }
    if let value = node.optional("samples") {
      options.samples = try value.integer(in: 1...DetectionOptions.maximumSamples)
    }
    if let value = node.optional("queries") {
      let chosen = try value.items().map { try $0.choice(Visibility.self) }
      options.visibilities = Visibility.allCases.filter(chosen.contains)
    }
    if let value = node.optional("seed") {
      options.seed = UInt64(try value.integer(in: 0...Int.max))
    }
    if let value = node.optional("resamples") {
      options.resampleCount = try value.integer(in: 0...1_000_000)
    }
    do {
      try options.validate()
    } catch {
      throw node.failure("is impossible: \(error)")
    }
    let selected = self
    guard models.contains(where: { selected.applies(to: $0) }) else {
      throw node.failure("selects none of the models; see its epochs and sizes")
    }
  }
}
