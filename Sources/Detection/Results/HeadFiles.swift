package import Foundation
import LabCore
import LanguageModel

/// What detector.json says of a head.
package struct HeadRecord: Codable, Hashable, Sendable {
  /// Version of the folder's format.
  package var formatVersion = 1
  package let task: DetectorTask
  package let architecture: HeadArchitecture
  /// Width of the states it reads: the language model's.
  package let inputWidth: Int
  package let parameters: Int
  /// Which states it reads.
  package let layer: String
  /// What a high output means.
  package let positiveClass: String
  package let seed: UInt64
  package let training: HeadTrainingReport
  package let graphHash: String
  /// Of the language model it was trained on.
  package let weightsHash: String

  enum CodingKeys: String, CodingKey {
    case task, architecture, parameters, layer, seed, training
    case formatVersion = "format_version"
    case inputWidth = "input_width"
    case positiveClass = "positive_class"
    case graphHash = "graph_hash"
    case weightsHash = "weights_sha256"
  }
}

/// A head's folder: head.safetensors and detector.json.
package enum HeadFiles {
  package static let weights = "head.safetensors"
  package static let record = "detector.json"
  /// The states that heads read.
  package static let layer = "final_norm"

  /// Writes a head; a reader finds both files whole or none.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package static func save(
    _ head: TrainedHead, task: DetectorTask, seed: UInt64, graphHash: String, weightsHash: String,
    to folder: URL
  ) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw LabError(
        "cannot create \(folder.path): \(FailureReason.text(error)); check free space and permission",
        .failure)
    }
    let standardizer = head.standardizer
    try AtomicFile.write(
      Safetensors.encode(
        entries(head.architecture, head.inputWidth),
        values: standardizer.means + standardizer.inverseDeviations + head.parameters),
      to: folder.appendingPathComponent(weights))
    let contents = HeadRecord(
      task: task, architecture: head.architecture, inputWidth: head.inputWidth,
      parameters: head.parameters.count, layer: layer, positiveClass: "hallucination", seed: seed,
      training: head.report, graphHash: graphHash, weightsHash: weightsHash)
    try AtomicFile.write(
      CanonicalJSON.pretty(contents), to: folder.appendingPathComponent(record))
  }

  /// Reads a head back.
  ///
  /// Throws `LabError` naming the file that is missing, altered or of another version.
  package static func load(from folder: URL) throws -> (head: TrainedHead, record: HeadRecord) {
    let file = folder.appendingPathComponent(record)
    let tensors = folder.appendingPathComponent(weights)
    guard let json = try? Data(contentsOf: file), let data = try? Data(contentsOf: tensors) else {
      throw LabError("\(folder.path) holds no detector; train one with kglab detect")
    }
    guard let contents = try? JSONDecoder().decode(HeadRecord.self, from: json),
      contents.formatVersion == 1, (1...1_000_000).contains(contents.inputWidth)
    else {
      throw LabError(
        "\(file.path) is not a detector record of this version; delete the run's run.sqlite and "
          + "detectors folder, then run kglab detect again")
    }
    let width = contents.inputWidth
    let values = try Safetensors.decode(
      data, entries(contents.architecture, width), file: tensors.path)
    let head = TrainedHead(
      architecture: contents.architecture,
      standardizer: Standardizer(
        means: Array(values[..<width]), inverseDeviations: Array(values[width..<(2 * width)])),
      parameters: Array(values[(2 * width)...]), report: contents.training)
    return (head, contents)
  }

  /// The tensors in the order of their values.
  private static func entries(
    _ architecture: HeadArchitecture, _ width: Int
  ) -> [Safetensors.Entry] {
    let inputs = ["input.mean", "input.inverse_deviation"].map {
      Safetensors.Entry(name: $0, shape: [width])
    }
    let layers = architecture.layers(inputWidth: width).enumerated().flatMap { index, layer in
      [
        Safetensors.Entry(
          name: "layers.\(index).weight", shape: [layer.outputs, layer.inputs]),
        Safetensors.Entry(name: "layers.\(index).bias", shape: [layer.outputs]),
      ]
    }
    return inputs + layers
  }
}
