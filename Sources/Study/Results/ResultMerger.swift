import Evaluation
import Foundation
import GRDB
import LabCore
import Training

/// Collects what the runs of a study have on disk into study.sqlite; the same runs give the same
/// file.
struct ResultMerger {
  let plan: StudyPlan
  let folder: StudyFolder

  /// Writes the results of every training that ended, and a row for each task that failed or was
  /// skipped.
  func merge() throws {
    var diverged: Set<String> = []
    try StudyDatabase.make(folder.database) { database in
      let cut = plan.measures.measure(EvaluationMeasure.self)?.settings
      let metadata = [
        ("name", plan.name), ("question", plan.question), ("top_k", cut?.topK.map(String.init)),
        ("top_p", cut?.topP.map { "\($0)" }),
      ]
      for case (let key, let value?) in metadata {
        try database.execute(sql: "INSERT INTO metadata VALUES (?, ?)", arguments: [key, value])
      }
      for graph in plan.graphs { try graph.insert(database) }
      for task in plan.tasks(.train) {
        guard let record = try RunFolder.readRecord(folder.model(task.id)),
          record.status != .training
        else { continue }
        try RunRow(
          record, id: task.id, graph: plan.graph(of: task).id, name: Self.name(task),
          variant: task.variant ?? ""
        ).insert(database)
        try ProbeRows.insert(of: folder.model(task.id), as: task.id, into: database)
        if record.status != .complete { diverged.insert(task.id) }
        for measured in plan.tasks where measured.runID == task.id && measured.kind != .train {
          try copy(measured, to: database)
        }
      }
      for failure in failures(beside: diverged) { try failure.insert(database) }
    }
  }

  /// Copies what is stored of a measure's task.
  private func copy(_ task: StudyTask, to database: Database) throws {
    guard let measure = plan.measures.measure(task.kind),
      let subject = try folder.subject(
        of: task, in: plan, graph: { throw LabError("no graph is read here") }),
      let key = try measure.storedKey(of: subject),
      let source = try RunDatabase.read(in: subject.folder)
    else { return }
    for table in type(of: measure).tables {
      try table.copy(key, from: source, as: subject.folder.lastPathComponent, to: database)
    }
  }

  /// "100k, 20 epochs" of "train 100k, 20 epochs".
  private static func name(_ task: StudyTask) -> String {
    let verb = StudyPlanner.verb(task.run?.configuration)
    return task.name.hasPrefix(verb + " ") ? String(task.name.dropFirst(verb.count + 1)) : task.name
  }

  /// Tasks that failed or were skipped; what was skipped because its training diverged lacks
  /// nothing.
  private func failures(beside diverged: Set<String>) -> [FailureRow] {
    plan.tasks.compactMap { task in
      if let run = task.runID, diverged.contains(run) { return nil }
      guard let record = folder.journal.record(of: task.id),
        record.status == .failed || record.status == .skipped
      else { return nil }
      return FailureRow(
        taskID: task.id, kind: task.kind.rawValue, name: task.name,
        status: record.status.rawValue, error: record.error ?? "")
    }
  }
}

/// A task that has no result.
private struct FailureRow: Encodable, PersistableRecord {
  static let databaseTableName = "failure"

  var taskID: String
  var kind: String
  var name: String
  var status: String
  var error: String

  enum CodingKeys: String, SnakeCaseKey {
    case kind, name, status, error, taskID
  }
}
