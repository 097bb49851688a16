package import Foundation
import LabCore

/// Where a task of a study stands.
package enum TaskStatus: String, Codable, CaseIterable, Sendable {
  case pending, running, done, failed
  /// A training that ended in numbers that are not finite: a result, which another try would only
  /// repeat.
  case diverged
  /// Not tried, because a task it needs failed or diverged.
  case skipped
  /// Stopped after saving; the next run continues it.
  case interrupted

  /// Whether nothing more happens to the task in this run.
  package var isSettled: Bool {
    switch self {
    case .pending, .running: false
    case .done, .failed, .diverged, .skipped, .interrupted: true
    }
  }

  /// Whether the task isn't run again while its result is there.
  package var isFinal: Bool { self == .done || self == .diverged }
}

/// What is on disk about a task: `tasks/<id>.json` in the study's folder.
package struct TaskRecord: Codable, Hashable, Sendable {
  package var id: String
  package var name: String
  package var status: TaskStatus
  /// Why it failed, diverged or was skipped.
  package var error: String?
  /// Seconds of work of the session that ended it.
  package var seconds: Double?
  /// One line about the result.
  package var summary: String?
  /// SHA-256 of the file that the task made, where later tasks believe it: a graph's.
  ///
  /// Nil for others, and in records of the first release.
  package var outputHash: String?

  enum CodingKeys: String, CodingKey {
    case id, name, status, error, seconds, summary
    case outputHash = "output_sha256"
  }

  package init(id: String, name: String, status: TaskStatus) {
    self.id = id
    self.name = name
    self.status = status
  }
}

/// The records of a study's tasks: one small file each, replaced in one step.
package struct TaskJournal: Sendable {
  package let folder: URL

  /// Records in `folder`, which is made when the first record is written.
  package init(folder: URL) { self.folder = folder }

  /// The record of a task; nil where there is none or it cannot be understood, so that it runs
  /// again.
  package func record(of id: String) -> TaskRecord? {
    guard let data = try? Data(contentsOf: file(of: id)),
      let record = try? JSONDecoder().decode(TaskRecord.self, from: data), record.id == id
    else { return nil }
    return record
  }

  /// Writes a task's record, whole or not at all.
  package func write(_ record: TaskRecord) throws {
    try AtomicFile.createFolder(folder)
    try AtomicFile.write(CanonicalJSON.pretty(record), to: file(of: record.id))
  }

  /// When the record of a task was written; nil where there is none.
  func time(of id: String) -> Double? { FileTime.of(file(of: id)) }

  private func file(of id: String) -> URL { folder.appendingPathComponent("\(id).json") }
}
