import LabCore

/// What a process does of a study at a time: the tasks of one model that need equally many other
/// models first.
package struct TaskGroup: Sendable {
  /// How many models have to be worked on one after the other before this: 0 where no other model
  /// is needed.
  package let stage: Int
  /// Id of the graph that is made, or of the training that is done or measured.
  package let owner: String
  /// In the order of the plan; at least one.
  package let tasks: [StudyTask]
}

/// How a plan is taken apart, to be done by several processes.
extension StudyPlan {
  /// A hash of the ids of all tasks, in their order.
  package var id: String {
    // Which is what the report's id is made of.
    tasks(.report).first?.id.split(separator: "-").last.map(String.init) ?? ""
  }

  /// Ids of the trainings; the model of index N, from 1, is the Nth.
  package var models: [String] { tasks(.train).map(\.id) }

  /// Tasks as they are done together: by stage, then by graphs and models in the order of the plan;
  /// the report is in none.
  package func groups(of chosen: [StudyTask]) -> [TaskGroup] {
    let stages = stages
    let parts = Dictionary(grouping: chosen.filter { $0.kind != .report }) {
      Part(stage: stages[$0.id] ?? 0, owner: $0.runID ?? $0.id)
    }
    return parts.map { part, tasks in
      TaskGroup(
        stage: part.stage, owner: part.owner, tasks: tasks.sorted { $0.number < $1.number })
    }.sorted { ($0.stage, $0.tasks[0].number) < ($1.stage, $1.tasks[0].number) }
  }

  private struct Part: Hashable {
    var stage: Int
    var owner: String
  }

  /// By the ids of tasks: the most changes from one model to another on any way to it through what
  /// it needs and follows.
  private var stages: [String: Int] {
    let byID = Dictionary(uniqueKeysWithValues: tasks.map { ($0.id, $0) })
    var known: [String: Int] = [:]
    func stage(_ task: StudyTask) -> Int {
      if let stage = known[task.id] { return stage }
      let before = (task.needs + task.follows).compactMap { byID[$0] }.filter {
        $0.kind != .generate
      }
      let value = before.map { stage($0) + ($0.runID == task.runID ? 0 : 1) }.max() ?? 0
      known[task.id] = value
      return value
    }
    for task in tasks where task.kind != .report { _ = stage(task) }
    return known
  }

  /// The tasks of these numbers, in the order of the plan.
  ///
  /// Throws `LabError` for a number that the plan does not have, and for the report's.
  package func tasks(numbered numbers: some Sequence<Int>) throws -> [StudyTask] {
    try Set(numbers).sorted().map { number in
      guard tasks.indices.contains(number - 1) else {
        throw LabError(
          "the study has no task \(number): its tasks are 1 to \(tasks.count), as 'kglab study plan' shows",
          .usage)
      }
      let task = tasks[number - 1]
      guard task.kind != .report else {
        throw LabError(
          "task \(number) is the report, which reads all others; make it with 'kglab study run STUDY --merge'",
          .usage)
      }
      return task
    }
  }

  /// All tasks of the models of these indices, from 1, in the order of the plan.
  ///
  /// Throws `LabError` for an index that the plan does not have.
  package func tasks(ofModels indices: some Sequence<Int>) throws -> [StudyTask] {
    let models = models
    let ids = try Set(indices).sorted().map { index in
      guard models.indices.contains(index - 1) else {
        throw LabError(
          "the study has no model \(index): its models are 1 to \(models.count), in the order of 'kglab study plan'",
          .usage)
      }
      return models[index - 1]
    }
    return tasks.filter { $0.runID.map(ids.contains) ?? false }
  }
}
