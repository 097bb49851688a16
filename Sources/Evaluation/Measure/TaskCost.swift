import LabCore
import LanguageModel
package import Training

/// What a task of a study is expected to take; corrected while the study runs.
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

  enum CodingKeys: String, SnakeCaseKey {
    case flops, seconds, diskBytes, passingDiskBytes
    case memoryMiB = "memory_mib"
  }

  package init(
    flops: Double, seconds: Double, memoryMiB: Double, diskBytes: Double,
    passingDiskBytes: Double? = nil
  ) {
    self.flops = flops
    self.seconds = seconds
    self.memoryMiB = memoryMiB
    self.diskBytes = diskBytes
    self.passingDiskBytes = passingDiskBytes
  }

  /// The cost of running a model over `sequences` of answers and prompts, forward only, and storing
  /// `rowsOnDisk` answers.
  ///
  /// Texts that begin alike are computed once, and most samples of a trained model do; the share
  /// was measured by experiments/detectability/small.yaml.
  package static func inference(
    _ record: RunRecord, sequences: Double, rowsOnDisk: Double
  ) -> TaskCost {
    let perToken = record.trainingFLOPs / max(1, record.trainingTokens)
    let length = Double(record.tokensPerEpoch) / Double(max(1, record.trainedTripleCount))
    let flops = perToken / 3 * length * sequences / 6
    return TaskCost(
      flops: flops,
      seconds: SpeedModel.seconds(
        flops: flops, modelDimension: record.configuration.model.modelDimension)
        + rowsOnDisk * 2e-5,
      memoryMiB: 40 + Double(record.parameterCount) * 4 / 1_048_576, diskBytes: rowsOnDisk * 60)
  }
}
