package import Engine
package import Foundation
package import LabCore
import LanguageModel

/// What a training will need of the machine: stated before it begins, kept in run.json.
package struct TrainingEstimate: Codable, Hashable, Sendable {
  /// Memory in bytes.
  package var memory: MemoryEstimate
  /// Bytes on disk when it has ended: the model and the kept checkpoints.
  package var finalDisk: Int
  /// Bytes on disk at the most: with checkpoints to continue from and the one that is being
  /// written.
  package var peakDisk: Int
  /// Checkpoints that stay.
  package var keptCount: Int
  package var workers: Int
  /// Seconds from beginning to end, by `SpeedModel`.
  package var seconds: Double

  enum CodingKeys: String, CodingKey {
    case memory = "memory_bytes"
    case workers, seconds
    case finalDisk = "final_disk_bytes"
    case peakDisk = "peak_disk_bytes"
    case keptCount = "kept_checkpoints"
  }

  /// Of the run that a record describes, with some checkpoints kept and `keepLast` to continue
  /// from.
  package init(
    _ record: RunRecord, workers: Int, keptCount: Int, keepLast: Int,
    torch: EngineOptions = EngineOptions()
  ) throws {
    let model = record.configuration.model
    memory = MemoryEstimate(record, workers: workers, torch: torch)
    let weights = try Safetensors.fileSize(ModelFiles.entries(model))
    let checkpoint = weights + 8 * record.parameterCount + 2 * Self.smallFiles
    finalDisk = weights + Self.smallFiles + keptCount * (weights + Self.smallFiles)
    peakDisk =
      finalDisk - weights + max(weights + keepLast * checkpoint, (keepLast + 1) * checkpoint)
    self.keptCount = keptCount
    self.workers = workers
    let threads = Double(max(1, min(workers, record.configuration.training.lanes)))
    seconds =
      SpeedModel.seconds(flops: record.trainingFLOPs, modelDimension: model.modelDimension)
      / threads
  }

  /// The record, the tokenizer, metrics and states, about.
  private static let smallFiles = 20_000

  /// Throws `LabError` with the numbers and what to change where the machine has too little.
  ///
  /// What `folder` holds already counts as room: it is written over or removed.
  package func check(_ resources: MachineResources, folder: URL) throws {
    let shortages = shortages(resources, folder: folder)
    guard shortages.isEmpty else {
      throw LabError(
        shortages.joined(separator: "; and ")
          + "; or begin all the same with --skip-resource-check",
        .failure)
    }
  }

  /// One clause for each resource of which there is too little.
  package func shortages(_ resources: MachineResources, folder: URL) -> [String] {
    var clauses: [String] = []
    if let available = resources.memory, memory.total > available.bytes {
      clauses.append(
        "this training needs about \(Readable.bytes(memory.total)) of memory "
          + "(\(Readable.bytes(memory.weights + memory.moments)) weights and moments, "
          + "\(Readable.bytes(memory.gradients)) gradients, "
          + "\(Readable.bytes(memory.activations)) activations, "
          + "\(Readable.bytes(memory.data)) data), and "
          + "\(Readable.bytes(available.bytes)) are available by \(available.source): "
          + memory.advice(workers: workers, within: available.bytes))
    }
    if let free = resources.freeDisk(folder) {
      let room = free + FolderSize.bytes(folder)
      if peakDisk > room {
        clauses.append(
          "this training needs up to \(Readable.bytes(peakDisk)) on disk in \(folder.path) "
            + "(\(Readable.bytes(finalDisk)) of it to stay, with \(keptCount) kept checkpoints), and "
            + "\(Readable.bytes(room)) are free there: keep fewer checkpoints, choose another --out "
            + "or make room")
      }
    }
    return clauses
  }
}

/// How much a folder holds.
package enum FolderSize {
  /// Bytes of all files below a folder; 0 where there is none.
  package static func bytes(_ folder: URL) -> Int {
    let files = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.fileSizeKey])
    var sum = 0
    while let file = files?.nextObject() as? URL {
      sum += (try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
    }
    return sum
  }
}
