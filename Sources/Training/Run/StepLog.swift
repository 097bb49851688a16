package import Foundation
import LabCore

/// One line of steps.jsonl, what one step of training measured, or of metrics.jsonl, an epoch's.
package struct TrainingMetrics: Codable, Hashable, Sendable {
  /// The epoch that ended, counted from 1; nil for one step.
  package var epoch: Int?
  /// Counted from 1.
  package var step: Int
  package var tokensSeen: Int
  /// Mean next-token loss in nats over the epoch, or over the batch before the update.
  package var crossEntropy: Double
  /// Norm of the step's gradient before clipping.
  package var gradientNorm: Double
  package var learningRate: Double
  /// Of a step that is probed; nil for others.
  package var probe: StepProbe?

  enum CodingKeys: String, SnakeCaseKey {
    case epoch, step, learningRate, probe
    case tokensSeen = "train_tokens_seen"
    case crossEntropy = "train/cross_entropy"
    case gradientNorm = "grads/norm"
  }
}

/// The file steps.jsonl of a run: a line for each step, the same bytes however often training was
/// interrupted.
///
/// Lines are kept in memory and written before each checkpoint, so that the file never lacks a step
/// that a checkpoint has; lines after it are dropped when training continues from there. A
/// checkpoint has a hash of the lines up to it, and its folder a copy of them, from which they are
/// written again where they were damaged.
package final class StepLog {
  /// The file's name in a run's folder.
  package static let name = "steps.jsonl"

  private let files: [URL]
  private let handles: [FileHandle]
  private var lines = Lines()

  /// Lines of steps that ascend, and a hash that each of them changes.
  private struct Lines {
    var data = Data()
    var hash = ContentHash(of: Data())
    /// The first line that no step wrote, counted from 1.
    var firstDamaged: Int?

    init() {}

    /// Those of the first steps in a file; others are left out.
    init(of file: URL, upTo step: Int) {
      var last = 0
      let bytes = (try? Data(contentsOf: file)) ?? Data()
      for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
        let metrics = try? JSONDecoder().decode(TrainingMetrics.self, from: Data(line))
        guard let metrics, metrics.step > last else {
          firstDamaged = firstDamaged ?? index + 1
          continue
        }
        guard metrics.step <= step else { break }
        last = metrics.step
        append(line + Data("\n".utf8))
      }
    }

    mutating func append(_ line: Data) {
      data += line
      hash = ContentHash(of: Data(hash.hex.utf8) + line)
    }
  }

  /// Opens the log of a run that goes on after `step` steps, whose lines had a hash, where that is
  /// known.
  ///
  /// What was damaged since is named to `warn`. Throws `LabError` when a file cannot be written.
  init(
    in folder: URL, after step: Int, hash: String? = nil, warn: (String) -> Void = { _ in }
  ) throws {
    files = [folder, CheckpointStore(runFolder: folder).folder].map {
      $0.appendingPathComponent(Self.name)
    }
    let found = files.map { Lines(of: $0, upTo: step) }
    let whole = found.first { hash == nil || $0.hash.hex == hash }
    lines = whole ?? found[0]
    if let hash, found[0].hash.hex != hash {
      let place = found[0].firstDamaged.map { "line \($0)" } ?? "a line up to step \(step)"
      warn(
        "\(files[0].path): \(place) is not as it was written; "
          + (whole != nil
            ? "the file was written again from its copy in \(files[1].path)"
            : "what can be read was kept, and the weights are not concerned; for the whole log train "
              + "again into another --out"))
    }
    try AtomicFile.createFolder(files[1].deletingLastPathComponent())
    handles = try files.map { [lines] file in
      try AtomicFile.write(lines.data, to: file)
      do {
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        return handle
      } catch { throw Self.failure(file, error) }
    }
    lines.data = Data()
  }

  /// The probed steps of a run's folder, with what their probes say; lines that cannot be read are
  /// left out.
  package static func probes(in folder: URL) -> [(metrics: TrainingMetrics, probe: StepProbe)] {
    let bytes = (try? Data(contentsOf: folder.appendingPathComponent(name))) ?? Data()
    let key = Data("\"probe\"".utf8)
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard line.range(of: key) != nil,
        let metrics = try? JSONDecoder().decode(TrainingMetrics.self, from: Data(line))
      else { return nil }
      return metrics.probe.map { (metrics, $0) }
    }
  }

  deinit { for handle in handles { try? handle.close() } }

  func append(_ metrics: TrainingMetrics) throws {
    lines.append(try CanonicalJSON.compact(metrics) + Data("\n".utf8))
  }

  /// Writes what was appended to the disk and returns the hash of all lines; throws `LabError` when
  /// the disk is full.
  @discardableResult
  func flush() throws -> ContentHash {
    for (file, handle) in zip(files, handles) {
      do {
        try handle.write(contentsOf: lines.data)
        try handle.synchronize()
      } catch { throw Self.failure(file, error) }
    }
    lines.data.removeAll(keepingCapacity: true)
    return lines.hash
  }

  private static func failure(_ file: URL, _ error: any Error) -> LabError {
    LabError(
      "cannot write \(file.path): \(FailureReason.text(error)); check free space and permission, "
        + "then run the command again", .failure)
  }
}
