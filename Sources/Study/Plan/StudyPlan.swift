package import Evaluation
package import Training

/// A kind of work in a study: of the pipeline itself, or the name of a measure.
package struct TaskKind: RawRepresentable, Codable, Hashable, Sendable {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package static let generate = TaskKind(rawValue: "generate")
  package static let train = TaskKind(rawValue: "train")
  package static let report = TaskKind(rawValue: "report")

  /// The kind of a measure's tasks.
  package static func measure(_ type: any Measure.Type) -> TaskKind {
    TaskKind(rawValue: type.name)
  }
}

/// One numbered task of a plan.
package struct StudyTask: Codable, Hashable, Sendable {
  /// From 1, in the order of the plan.
  package var number: Int
  /// A readable part and a hash of the configuration and of the inputs' ids: changes when and only
  /// when the result may change.
  package var id: String
  package var kind: TaskKind
  /// A few words for people: "train 100k, 20 epochs".
  package var name: String
  /// Ids of tasks that must be done first.
  package var needs: [String]
  /// Ids of tasks that must have ended first, however they ended.
  package var follows: [String]
  /// The file that holds the result, relative to the study's folder.
  package var output: String
  package var cost: TaskCost
  /// Id of the training that is measured, and of a training itself.
  package var runID: String?
  /// The run as it will be, before training; for a training only.
  package var run: RunRecord?
  /// Ids of the trainings whose models the task reads: that a training starts from, or that are
  /// measured beside its own; nil where there are none.
  package var sources: [String]?
  /// In what settings, size, horizon, fraction, learning rate and seed aside, a training differs
  /// from others of the study: "no qk-norm"; nil where it differs in none.
  package var variant: String?

  enum CodingKeys: String, CodingKey {
    case number, id, kind, name, needs, follows, output, cost, run, sources, variant
    case runID = "run_id"
  }
}

/// A study expanded to tasks: the contents of plan.json.
package struct StudyPlan: Codable, Hashable, Sendable {
  /// Version of the study folder's format.
  package var formatVersion = 1
  package var name: String
  package var question: String
  /// At least one.
  package var graphs: [GraphSummary]
  package var measures: MeasureSet
  package var tasks: [StudyTask]

  /// The graph that a model is trained on: what its training needs first.
  func graph(of task: StudyTask) -> GraphSummary {
    let run = task.runID.flatMap { id in tasks.first { $0.id == id } } ?? task
    return graphs.first { $0.id == run.id || $0.id == run.needs.first } ?? graphs[0]
  }

  /// The tasks of this kind.
  package func tasks(_ kind: TaskKind) -> [StudyTask] { tasks.filter { $0.kind == kind } }

  /// Sums over all tasks; memory is the largest of any one.
  package var total: TaskCost {
    tasks.reduce(into: TaskCost(flops: 0, seconds: 0, memoryMiB: 0, diskBytes: 0)) { sum, task in
      sum.flops += task.cost.flops
      sum.seconds += task.cost.seconds
      sum.memoryMiB = max(sum.memoryMiB, task.cost.memoryMiB)
      sum.diskBytes += task.cost.diskBytes
    }
  }
}

extension StudyPlan {
  private enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case name, question, graph, graphs, tasks
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    formatVersion = try container.decode(Int.self, forKey: .formatVersion)
    name = try container.decode(String.self, forKey: .name)
    question = try container.decode(String.self, forKey: .question)
    graphs =
      try container.decodeIfPresent([GraphSummary].self, forKey: .graphs)
      ?? [container.decode(GraphSummary.self, forKey: .graph)]
    tasks = try container.decode([StudyTask].self, forKey: .tasks)
    measures = try MeasureSet(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(formatVersion, forKey: .formatVersion)
    try container.encode(name, forKey: .name)
    try container.encode(question, forKey: .question)
    if graphs.count == 1 {
      try container.encode(graphs[0], forKey: .graph)
    } else {
      try container.encode(graphs, forKey: .graphs)
    }
    try container.encode(tasks, forKey: .tasks)
    try measures.encode(to: encoder)
  }
}
