import Evaluation
import Foundation
import LabCore

/// What is missing of a study, as jobs for others to run: texts that call `kglab study run` for its
/// parts.
package struct StudyExport {
  /// The program, the study, its folder and the working folder, as jobs find them: whole paths.
  package struct Places: Sendable {
    package var program: String
    package var study: String
    package var out: String
    package var working: String

    package init(program: String, study: String, out: String, working: String) {
      self.program = program
      self.study = study
      self.out = out
      self.working = working
    }
  }

  let plan: StudyPlan
  /// In the order of the plan; the report is among them.
  let missing: [StudyTask]
  let places: Places
  /// Threads of one task.
  let threads: Int
  /// The longest time in minutes that a job asks for.
  let mostMinutes: Int

  /// The export of what `runner` has not done yet; `threads` of a task are as in a run of the whole
  /// study unless given.
  package init(
    _ runner: StudyRunner, places: Places, threads: Int? = nil, mostMinutes: Int? = nil
  ) {
    plan = runner.plan
    missing = runner.missing(StudyRunOptions())
    self.places = places
    self.threads = threads ?? runner.taskThreads
    self.mostMinutes = mostMinutes ?? JobRoom.times[JobRoom.times.count - 1]
  }

  /// How many tasks are to be done, the report aside.
  package var count: Int { missing.count { $0.kind != .report } }

  func room(of tasks: [StudyTask]) -> JobRoom {
    JobRoom(tasks, threads: threads, mostMinutes: mostMinutes)
  }

  /// The command of a part of the study, for a shell.
  var command: String {
    [
      places.program, "study", "run", places.study, "--out", places.out, "--plan", plan.id,
    ].map(Readable.shellWord).joined(separator: " ")
  }

  /// What every export says of its estimates.
  static let margin =
    "Time is 3 times the plan's estimate and 5 minutes more, memory 1.2 times, both rounded up to a step."
}

/// What a job asks for, in steps, so that jobs of like needs are one array.
struct JobRoom: Hashable, Comparable {
  /// In MiB.
  var memory: Int
  var minutes: Int

  /// Minutes of the steps.
  static let times = [15, 60, 240, 720, 1440, 4320]

  /// Room for tasks that are done one after the other, with the margins that `StudyExport.margin`
  /// states.
  init(_ tasks: [StudyTask], threads: Int, mostMinutes: Int) {
    let seconds = tasks.reduce(0) { $0 + $1.cost.seconds } / Double(threads)
    let needed = 3 * seconds / 60 + 5
    let step = Self.times.first { Double($0) >= needed } ?? Self.times[Self.times.count - 1]
    minutes = min(step, mostMinutes)
    let mebi = 1.2 * (tasks.map(\.cost.memoryMiB).max() ?? 0)
    memory = 1024
    while Double(memory) < mebi { memory *= 2 }
  }

  static func < (a: JobRoom, b: JobRoom) -> Bool {
    (a.memory, a.minutes) < (b.memory, b.minutes)
  }
}

extension StudyExport {
  /// A task that is missing, as the exported table has it.
  package struct Row: Encodable, Sendable {
    /// For --task-index.
    var index: Int
    /// For --model-index; nil for a graph.
    var model: Int?
    var stage: Int
    var id: String
    var kind: String
    /// Indices of missing tasks that come first.
    var needs: [Int]
    /// As the plan estimates them, on `threads`.
    var seconds: Double
    var mib: Double
    var threads: Int
  }

  /// The tasks that are missing, the report aside.
  package var rows: [Row] {
    let numbers = Dictionary(uniqueKeysWithValues: missing.map { ($0.id, $0.number) })
    let stages = Dictionary(
      uniqueKeysWithValues: plan.groups(of: missing).flatMap { group in
        group.tasks.map { ($0.id, group.stage) }
      })
    let models = modelIndices
    return missing.filter { $0.kind != .report }.map { task in
      Row(
        index: task.number, model: task.runID.flatMap { models[$0] }, stage: stages[task.id] ?? 0,
        id: task.id, kind: task.kind.rawValue,
        needs: Set(task.needs + task.follows).compactMap { numbers[$0] }.sorted(),
        seconds: (task.cost.seconds / Double(threads)).rounded(.up),
        mib: task.cost.memoryMiB.rounded(.up), threads: threads)
    }
  }

  /// By the ids of trainings, what --model-index calls them.
  var modelIndices: [String: Int] {
    Dictionary(uniqueKeysWithValues: plan.models.enumerated().map { ($1, $0 + 1) })
  }

  /// A line of names, then one line a task, with tabs between: for `parallel`, scripts and other
  /// batch systems.
  package var table: String {
    let names = ["index", "model", "stage", "id", "kind", "needs", "seconds", "mib", "threads"]
    let lines = rows.map { row in
      [
        "\(row.index)", row.model.map(String.init) ?? "", "\(row.stage)", row.id, row.kind,
        row.needs.map(String.init).joined(separator: ","), Readable.number(row.seconds),
        Readable.number(row.mib), "\(row.threads)",
      ]
    }
    return ([names] + lines).map { $0.joined(separator: "\t") + "\n" }.joined()
  }
}
