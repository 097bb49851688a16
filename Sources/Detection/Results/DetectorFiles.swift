import Compute
package import Foundation
import LabCore
package import LanguageModel
import Training

/// What detector.json says of a trained detector.
package struct DetectorRecord: Codable, Hashable, Sendable {
  /// Version of the folder's format.
  package var formatVersion = Self.currentFormatVersion
  package let task: DetectorTask
  package let position: TokenPosition
  package let kind: DetectorKind
  package let name: String
  /// The place of the answer that is read, in the sentence task.
  package let place: AnswerPlace
  /// Shape of a head; nil for `full`.
  package let architecture: HeadArchitecture?
  /// What a head reads of the language model; nil for `full`.
  package let features: FeatureSelection?
  /// Values that a head reads.
  package let inputWidth: Int?
  package let parameters: Int
  /// What a high score means.
  package var positiveClass = "hallucination"
  package let seed: UInt64
  package let training: HeadTrainingReport?
  package let calibrations: [String: ScoreCalibration]
  package let graphHash: String
  /// Of the language model whose answers it was trained on.
  package let weightsHash: String
  /// SHA-256 of that model's tokenizer.json.
  package let tokenizerHash: String
  /// Shape of that model; of the detector itself for `full`.
  package let model: ModelConfiguration
  /// SHA-256 of each file of weights; nil in the records of earlier versions.
  package let files: [String: String]?

  static let currentFormatVersion = 2

  enum CodingKeys: String, CodingKey {
    case task, position, kind, name, place, architecture, features, parameters, seed, training
    case calibrations, model, files
    case formatVersion = "format_version"
    case inputWidth = "input_width"
    case positiveClass = "positive_class"
    case graphHash = "graph_hash"
    case weightsHash = "weights_sha256"
    case tokenizerHash = "tokenizer_sha256"
  }
}

/// Where a detector comes from: what it was trained on.
package struct DetectorOrigin: Sendable {
  package let seed: UInt64
  package let graphHash: String
  package let weightsHash: String
  package let tokenizerHash: String
  /// Shape of the language model whose answers it was trained on.
  package let model: ModelConfiguration

  package init(
    seed: UInt64, graphHash: String, weightsHash: String, tokenizerHash: String,
    model: ModelConfiguration
  ) {
    self.seed = seed
    self.graphHash = graphHash
    self.weightsHash = weightsHash
    self.tokenizerHash = tokenizerHash
    self.model = model
  }
}

/// A detector's folder: detector.json, and head.safetensors or a language model with readout.safetensors.
package enum DetectorFiles {
  package static let head = "head.safetensors"
  package static let readOut = "readout.safetensors"
  package static let record = "detector.json"

  /// Writes a detector: a reader finds all files or none.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package static func save(
    _ detector: TrainedDetector, result: DetectorResult, origin: DetectorOrigin, to folder: URL
  ) throws {
    try AtomicFile.makeFolder(folder) { try fill($0, detector, result, origin) }
  }

  private static func fill(
    _ folder: URL, _ detector: TrainedDetector, _ result: DetectorResult, _ origin: DetectorOrigin
  ) throws {
    var architecture: HeadArchitecture?
    var features: FeatureSelection?
    var inputWidth: Int?
    var model = origin.model
    var files: [String: String] = [:]
    func write(_ name: String, _ entries: [Safetensors.Entry], _ values: [Float]) throws {
      let data = try Safetensors.encode(entries, values: values)
      try AtomicFile.write(data, to: folder.appendingPathComponent(name))
      files[name] = ContentHash(of: data).hex
    }
    switch detector.payload {
    case .head(let head, let selection):
      (architecture, features, inputWidth) = (head.architecture, selection, head.inputWidth)
      let standardizer = head.standardizer
      try write(
        Self.head, entries(head.architecture, head.inputWidth),
        standardizer.means + standardizer.inverseDeviations + head.parameters)
    case .full(let network):
      model = network.model.configuration
      files[ModelFiles.weights] = try ModelFiles.save(network.model, to: folder).hex
      try write(readOut, readOutEntries(model), network.readOut)
    }
    let calibrations = Dictionary(
      uniqueKeysWithValues: detector.calibrations.map { ($0.key.rawValue, $0.value) })
    let contents = DetectorRecord(
      task: detector.task, position: detector.position, kind: detector.kind, name: detector.name,
      place: detector.place, architecture: architecture, features: features,
      inputWidth: inputWidth, parameters: result.parameters, seed: origin.seed,
      training: result.training, calibrations: calibrations, graphHash: origin.graphHash,
      weightsHash: origin.weightsHash, tokenizerHash: origin.tokenizerHash, model: model,
      files: files)
    try AtomicFile.write(
      CanonicalJSON.pretty(contents), to: folder.appendingPathComponent(record))
  }

  /// Reads a detector.
  ///
  /// Throws `LabError` naming the file that is missing, of another version, altered or damaged.
  package static func load(
    from folder: URL
  ) throws -> (detector: TrainedDetector, record: DetectorRecord) {
    let contents = try readRecord(folder)
    for (name, hash) in (contents.files ?? [:]).sorted(by: { $0.key < $1.key })
    where [head, readOut, ModelFiles.weights].contains(name) {
      try FileCheck.verify(
        folder.appendingPathComponent(name), hash: hash, statedIn: record)
    }
    let payload: TrainedDetector.Payload
    if let architecture = contents.architecture, let features = contents.features,
      let width = contents.inputWidth
    {
      let values = try read(head, in: folder, entries(architecture, width))
      let trained = TrainedHead(
        architecture: architecture,
        standardizer: Standardizer(
          means: Array(values[..<width]), inverseDeviations: Array(values[width..<(2 * width)])),
        parameters: Array(values[(2 * width)...]),
        report: contents.training
          ?? HeadTrainingReport(
            stepCount: 0, bestStep: 0, regularization: 0, validationLoss: 0, validationAUROC: nil))
      payload = .head(trained, features)
    } else {
      payload = .full(
        FullNetwork(
          model: try ModelFiles.load(contents.model, from: folder, on: .cpu),
          readOut: try read(readOut, in: folder, readOutEntries(contents.model))))
    }
    var calibrations: [CalibrationMethod: ScoreCalibration] = [:]
    for method in CalibrationMethod.allCases {
      calibrations[method] = contents.calibrations[method.rawValue]
    }
    return (
      TrainedDetector(
        task: contents.task, position: contents.position, kind: contents.kind, name: contents.name,
        place: contents.place, payload: payload, calibrations: calibrations), contents
    )
  }

  private static func readRecord(_ folder: URL) throws -> DetectorRecord {
    let file = folder.appendingPathComponent(record)
    guard let json = try? Data(contentsOf: file) else {
      throw LabError("\(folder.path) holds no detector; train one with kglab detect")
    }
    guard let contents = try? CanonicalJSON.decode(DetectorRecord.self, from: json),
      contents.formatVersion == DetectorRecord.currentFormatVersion,
      contents.inputWidth == contents.features?.width(contents.model),
      contents.inputWidth.map({ (1...10_000_000).contains($0) }) ?? true,
      contents.calibrations.values.allSatisfy(\.isSound)
    else {
      throw LabError(
        "\(file.path) is not a detector record of this version; restore it, or train the detector again by kglab detect "
          + "with another --seed")
    }
    return contents
  }

  private static func read(
    _ name: String, in folder: URL, _ entries: [Safetensors.Entry]
  ) throws -> [Float] {
    let file = folder.appendingPathComponent(name)
    guard let data = try? Data(contentsOf: file) else {
      throw LabError("\(file.path) is missing; restore it or train the detector again")
    }
    return try Safetensors.decode(data, entries, file: file.path)
  }

  private static func readOutEntries(_ model: ModelConfiguration) -> [Safetensors.Entry] {
    [
      Safetensors.Entry(name: "readout.weight", shape: [1, model.modelDimension]),
      Safetensors.Entry(name: "readout.bias", shape: [1]),
    ]
  }

  /// The tensors of a head in the order of their values.
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
