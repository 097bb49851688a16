package import Foundation
import LabCore
import LanguageModel

/// What two runs' folders have in common, byte by byte: weights, kept checkpoints, metrics and tokenizer.
package struct RunComparison {
  /// Files that are equal, relative to the folders.
  package private(set) var equalFiles: [String] = []
  /// The first difference in words; nil where there is none.
  package private(set) var firstDifference: String?

  /// Compares two finished runs.
  ///
  /// Throws `LabError` when a folder holds no run or a file cannot be read.
  package init(of first: URL, with second: URL) throws {
    let record = try RunFolder.open(first).record
    let entries = ModelFiles.entries(record.configuration.model)
    let kept = KeptCheckpoints(runFolder: first).steps
    let otherKept = KeptCheckpoints(runFolder: second).steps
    guard kept == otherKept else {
      firstDifference = "steps \(kept) are kept in \(first.path), \(otherKept) in \(second.path)"
      return
    }
    var names = kept.flatMap { step in
      [ModelFiles.weights, ModelFiles.configuration, KeptCheckpoints.stateName].map {
        "kept/\(CheckpointName.text(step))/\($0)"
      }
    }
    if FileManager.default.fileExists(atPath: first.appendingPathComponent(StepLog.name).path) {
      names.append(StepLog.name)
    }
    names += [
      "metrics.jsonl", "tokenizer.json", ModelFiles.configuration, ModelFiles.weights,
    ]
    for name in names {
      let files = (first.appendingPathComponent(name), second.appendingPathComponent(name))
      if try ContentHash(ofFile: files.0) == ContentHash(ofFile: files.1) {
        equalFiles.append(name)
        continue
      }
      firstDifference =
        name.hasSuffix(ModelFiles.weights)
        ? try Self.firstDifference(files.0, files.1, entries, name: name) : "\(name) differs"
      return
    }
  }

  /// The first value in which two files of weights differ.
  private static func firstDifference(
    _ first: URL, _ second: URL, _ entries: [Safetensors.Entry], name: String
  ) throws -> String {
    let a = try Safetensors.decode(Data(contentsOf: first), entries, file: first.path)
    let b = try Safetensors.decode(Data(contentsOf: second), entries, file: second.path)
    var start = 0
    for entry in entries {
      let place = (start..<(start + entry.count)).first { a[$0].bitPattern != b[$0].bitPattern }
      if let place {
        return
          "in \(name) the tensor \(entry.name) differs first, at value \(place - start): "
          + "\(a[place]) and \(b[place])"
      }
      start += entry.count
    }
    return "\(name) differs in its header alone"
  }
}
