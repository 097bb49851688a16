import Foundation
import LabCore

/// Where each task of a study stands: what `kglab study status` shows.
package struct StudyStatus: Codable, Sendable {
  /// One task and where it stands.
  package struct Task: Codable, Sendable {
    package var number: Int
    package var id: String
    package var kind: TaskKind
    package var name: String
    package var status: TaskStatus
    package var seconds: Double?
    package var summary: String?
    package var error: String?
  }

  package var study: String
  /// Whether a process is working on the study now.
  package var isRunning: Bool
  package var tasks: [Task]

  /// Reads the plan and the records of a study's folder, which may be in use.
  package init(folder: StudyFolder) throws {
    let plan = try folder.readPlan()
    let journal = folder.journal
    let isRunning = FolderLock.isHeld(folder.url)
    study = plan.name
    let tasks = plan.tasks.map { task in
      var entry = Task(
        number: task.number, id: task.id, kind: task.kind, name: task.name, status: .pending)
      guard let record = journal.record(of: task.id) else { return entry }
      entry.status = record.status
      entry.seconds = record.seconds
      entry.summary = record.summary
      entry.error = record.error
      // Its process ended without a word: neither the whole study's nor one for a part of it is
      // there.
      if record.status == .running, !isRunning, !folder.isClaimed(task) {
        entry.status = .interrupted
      }
      let output = folder.url.appendingPathComponent(task.output)
      if record.status.isFinal, !FileManager.default.fileExists(atPath: output.path) {
        entry.status = .pending
      }
      return entry
    }
    self.tasks = tasks
    self.isRunning = isRunning || tasks.contains { $0.status == .running }
  }

  /// How many tasks have this status.
  package func count(_ status: TaskStatus) -> Int { tasks.count { $0.status == status } }

  /// A table for a terminal, then one line of totals and the error texts.
  package func table() -> String {
    var table = TextTable(["#", "task", "status", "time", "result"], left: [1, 2, 4])
    for task in tasks {
      table.add([
        "\(task.number)", task.name, task.status.rawValue,
        task.seconds.map { Readable.duration($0) } ?? "", task.summary ?? "",
      ])
    }
    let totals = TaskStatus.allCases.filter { count($0) > 0 }
      .map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", ")
    let errors = tasks.compactMap { task in
      task.error.map { "\(task.name): \($0)\n" }
    }
    return table.text + "\n\(study): \(totals)" + (isRunning ? ", running now" : "") + "\n"
      + errors.joined()
  }
}
