import Foundation
import LabCore

/// Records of runs that are made of another one without its training.
extension RunRecord {
  /// What the record of such a run takes over: all that is known of the training, but not its loss
  /// and time.
  var derived: RunRecord {
    var record = self
    record.status = .complete
    record.configuration.start = weightsHash
    record.imported = nil
    record.initialCrossEntropy = nil
    record.finalCrossEntropy = nil
    record.secondsElapsed = nil
    record.tokensPerSecond = nil
    record.peakMemoryMiB = nil
    record.estimate = nil
    record.sessionCount = nil
    record.spikes = nil
    return record
  }

  /// The record with the graph and the run it is made of, in `source`, as they are found from its
  /// folder.
  func placed(in folder: URL, madeOf source: URL) -> RunRecord {
    var record = self
    if !graphPath.isEmpty {
      record.graphPath = URL(fileURLWithPath: graphPath, relativeTo: source).absoluteURL
        .path(from: folder)
    }
    record.startPath = source.path(from: folder)
    return record
  }
}
