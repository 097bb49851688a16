import Foundation
import LabCore

/// One line of steps.jsonl: what one step of training measured.
package struct StepMetrics: Codable, Hashable, Sendable {
  /// Counted from 1.
  package var step: Int
  package var tokensSeen: Int
  /// Mean next-token loss in nats over the batch, before the update.
  package var crossEntropy: Double
  /// Norm of the gradient before clipping.
  package var gradientNorm: Double
  package var learningRate: Double

  enum CodingKeys: String, CodingKey {
    case step
    case tokensSeen = "train_tokens_seen"
    case crossEntropy = "train/cross_entropy"
    case gradientNorm = "grads/norm"
    case learningRate = "learning_rate"
  }
}

/// The file steps.jsonl of a run: a line for each step, the same bytes however often training was interrupted.
///
/// Lines are kept in memory and written before each checkpoint, so that the file never lacks a step that a
/// checkpoint has; lines after it are dropped when training continues from there.
package final class StepLog {
  /// The file's name in a run's folder.
  package static let name = "steps.jsonl"

  private let file: URL
  private let handle: FileHandle
  private var pending = Data()

  /// Opens the log of a run that goes on after `step` steps.
  ///
  /// Throws `LabError` when the file cannot be written.
  init(in folder: URL, after step: Int) throws {
    file = folder.appendingPathComponent(Self.name)
    let old = (try? Data(contentsOf: file)) ?? Data()
    var kept = Data()
    for line in old.split(separator: UInt8(ascii: "\n")) {
      guard let metrics = try? JSONDecoder().decode(StepMetrics.self, from: Data(line)),
        metrics.step <= step
      else { break }
      kept += line + Data("\n".utf8)
    }
    try AtomicFile.write(kept, to: file)
    do {
      handle = try FileHandle(forWritingTo: file)
      try handle.seekToEnd()
    } catch { throw Self.failure(file, error) }
  }

  deinit { try? handle.close() }

  func append(_ metrics: StepMetrics) throws {
    pending += try CanonicalJSON.compact(metrics) + Data("\n".utf8)
  }

  /// Writes what was appended to the disk; throws `LabError` when it is full.
  func flush() throws {
    do {
      try handle.write(contentsOf: pending)
      try handle.synchronize()
    } catch { throw Self.failure(file, error) }
    pending.removeAll(keepingCapacity: true)
  }

  private static func failure(_ file: URL, _ error: any Error) -> LabError {
    LabError(
      "cannot write \(file.path): \(FailureReason.text(error)); check free space and permission, "
        + "then run the command again", .failure)
  }
}
