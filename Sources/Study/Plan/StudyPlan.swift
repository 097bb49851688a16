package import Evaluation
package import Training

/// The kinds of work in a study, in the order of the pipeline.
package enum TaskKind: String, Codable, CaseIterable, Sendable {
  case generate, train, evaluate, detect, report
}

/// What a task is expected to take; stated by `CostModel`, corrected while the study runs.
package struct TaskCost: Codable, Hashable, Sendable {
  /// Floating-point operations.
  package var flops: Double
  /// Seconds of work of one thread.
  package var seconds: Double
  /// Memory in MiB while it runs.
  package var memoryMiB: Double
  /// Bytes it leaves on the disk.
  package var diskBytes: Double
  /// Bytes it needs there besides while it runs; nil for none.
  package var passingDiskBytes: Double?

  enum CodingKeys: String, CodingKey {
    case flops, seconds
    case memoryMiB = "memory_mib"
    case diskBytes = "disk_bytes"
    case passingDiskBytes = "passing_disk_bytes"
  }
}

/// One numbered task of a plan.
package struct StudyTask: Codable, Hashable, Sendable {
  /// From 1, in the order of the plan.
  package var number: Int
  /// A readable part and a hash of the configuration and of the inputs' ids: changes when and only when
  /// the result may change.
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
  /// Id of the training that an evaluation or detection belongs to, and of a training itself.
  package var runID: String?
  /// The run as it will be, before training; for a training only.
  package var run: RunRecord?
  /// Ids of the trainings whose models a detection's `full` detectors begin with; nil where there are none.
  package var sources: [String]?
  /// In what settings, size, horizon, fraction, learning rate and seed aside, a training differs from others of
  /// the study: "no qk-norm"; nil where it differs in none.
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
  package var graph: GraphSummary
  package var evaluation: EvaluationOptions
  package var detection: DetectionPlan?
  package var tasks: [StudyTask]

  enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case name, question, graph, evaluation, detection, tasks
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
