import Compute
import Corpus
package import Foundation
import LabCore
package import LanguageModel

/// Makes of a finished run another with compressed weights, in a folder that opens, evaluates and
/// exports as any run's.
///
/// Its weights are stored as single-precision numbers, of the values that the compressed ones have;
/// its record says what those would take (`StoredSize`) and names the run it was made from by the
/// hash of its weights.
package struct CompressedRun {
  private let parent: RunFolder
  private let compression: WeightCompression
  private let folder: URL
  /// The record, before the weights are made.
  private let plan: RunRecord

  /// Opens the run in `source`; throws `LabError` where it is missing, unfinished, altered or
  /// quantised already, or the compression is impossible.
  package init(of source: URL, _ compression: WeightCompression, into folder: URL) throws {
    try compression.validate()
    parent = try RunFolder.open(source)
    if let bits = parent.record.configuration.compression?.bits {
      throw LabError(
        "\(source.path) is quantised to \(bits) bits already; compress the run that it was made of"
          + (parent.record.startPath.map { " (\($0) from there)" } ?? "")
          + ", pruning and bits at once")
    }
    self.compression = compression
    self.folder = folder
    plan = try Self.record(of: parent.record, compression).hashed(parent.tokenizer)
      .placed(in: folder, madeOf: source)
  }

  /// The record of the run that compressing another makes.
  static func record(of parent: RunRecord, _ compression: WeightCompression) -> RunRecord {
    var record = parent.derived
    record.configuration.compression = compression
    return record
  }

  /// Writes the folder, whole or not at all, or finds it there; returns its record.
  ///
  /// Throws `LabError` where the folder has anything else, with the difference.
  package func write() throws -> RunRecord {
    try RunFolder.checkUsable(folder, for: plan)
    if try RunFolder.readRecord(folder) != nil { return try RunFolder.open(folder).record }
    let model = try parent.loadModel()
    let values = compression.applied(to: model.parameters.copyOut(), model.layout)
    let size = StoredSize(values, model.layout, bits: compression.bits)
    model.parameters.copyIn(values)
    var record = plan
    record.storedBytes = size.bytes
    record.zeroShare = size.zeroShare
    try AtomicFile.makeFolder(folder) { place in
      record.weightsHash = try ModelFiles.save(model, to: place).hex
      try TokenizerFile.save(parent.tokenizer, to: place)
      try parent.copyLists(to: place)
      try RunFolder.complete(place, record, metrics: [])
    }
    return record
  }
}

extension ResolvedTraining {
  /// The run that compressing the one of this training will make.
  package func compressed(_ compression: WeightCompression) throws -> ResolvedTraining {
    ResolvedTraining(
      tokenizer: tokenizer, corpus: corpus, schedule: schedule,
      record: try CompressedRun.record(of: record, compression).hashed(tokenizer), parent: nil,
      chosen: chosen, answers: answers)
  }
}
