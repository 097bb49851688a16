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
  package internal(set) var name: String
  /// The place of the answer that is read, in the sentence task.
  package let place: AnswerPlace
  /// Shape of a head; nil for `full`.
  package internal(set) var architecture: HeadArchitecture?
  /// What a head reads of the language model; nil for `full`.
  package internal(set) var features: FeatureSelection?
  /// Values that a head reads.
  package internal(set) var inputWidth: Int?
  package let parameters: Int
  /// What a high score means.
  package var positiveClass = "hallucination"
  package let seed: UInt64
  package internal(set) var training: HeadTrainingReport?
  package internal(set) var calibrations: [String: ScoreCalibration]
  package let graphHash: String
  /// Of the language model whose answers it was trained on.
  package let weightsHash: String
  /// SHA-256 of that model's tokenizer.json.
  package let tokenizerHash: String
  /// Shape of that model; of the detector itself for `full`.
  package internal(set) var model: ModelConfiguration
  /// Whether the logit of `full` reads the log-probability of the answer; nil, and no key, where it
  /// does not.
  package internal(set) var logProbability: Bool?
  /// Of an infinitely wide head; nil, and no key, for others.
  package internal(set) var kernel: KernelRecord?
  /// Of a head's posterior; nil, and no key, for others.
  package internal(set) var bayesian: BayesianRecord?
  /// SHA-256 of each file of weights; nil in the records of earlier versions.
  package internal(set) var files: [String: String]?
  /// How adversarial training made it of another; nil, and no key, where it did not.
  package internal(set) var hardening: DetectorHardening?

  static let currentFormatVersion = 2

  enum CodingKeys: String, SnakeCaseKey {
    case task, position, kind, name, place, architecture, features, parameters, seed, training,
      calibrations, model, files, kernel, bayesian, formatVersion, inputWidth, positiveClass,
      graphHash, logProbability, hardening
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

/// A detector's folder: detector.json beside the files of what was trained.
package enum DetectorFiles {
  package static let head = "head.safetensors"
  package static let kernel = "kernel.safetensors"
  package static let bayesian = "bayes.safetensors"
  package static let readOut = "readout.safetensors"
  package static let record = "detector.json"

  /// Writes a detector: a reader finds all files or none.
  ///
  /// Throws `LabError` when the folder cannot be written.
  package static func save(
    _ detector: TrainedDetector, result: DetectorResult, origin: DetectorOrigin, to folder: URL
  ) throws {
    try AtomicFile.makeFolder(folder) { folder in
      var contents = DetectorRecord(
        task: detector.task, position: detector.position, kind: detector.kind, name: detector.name,
        place: detector.model.place, parameters: result.parameters, seed: origin.seed,
        training: result.training,
        calibrations: Dictionary(
          uniqueKeysWithValues: detector.calibrations.map { ($0.key.rawValue, $0.value) }),
        graphHash: origin.graphHash, weightsHash: origin.weightsHash,
        tokenizerHash: origin.tokenizerHash, model: origin.model, files: [:])
      try detector.model.save(to: folder, &contents)
      try AtomicFile.write(
        CanonicalJSON.pretty(contents), to: folder.appendingPathComponent(record))
    }
  }

  /// Reads a detector.
  ///
  /// Throws `LabError` naming the file that is missing, of another version, altered or damaged.
  package static func load(
    from folder: URL
  ) throws -> (detector: TrainedDetector, record: DetectorRecord) {
    guard let json = try? Data(contentsOf: folder.appendingPathComponent(record)) else {
      throw LabError("\(folder.path) holds no detector; train one with kglab detect")
    }
    guard let contents = try? CanonicalJSON.decode(DetectorRecord.self, from: json),
      contents.formatVersion == DetectorRecord.currentFormatVersion,
      contents.calibrations.values.allSatisfy(\.isSound), let type = contents.kind.model
    else { throw unreadable(folder) }
    var calibrations: [CalibrationMethod: ScoreCalibration] = [:]
    for method in CalibrationMethod.allCases {
      calibrations[method] = contents.calibrations[method.rawValue]
    }
    return (
      TrainedDetector(
        task: contents.task, position: contents.position, kind: contents.kind, name: contents.name,
        model: try type.load(contents, from: folder), calibrations: calibrations), contents
    )
  }

  /// The error for a record that this version does not write.
  static func unreadable(_ folder: URL) -> LabError {
    LabError(
      "\(folder.appendingPathComponent(record).path) is not a detector record of this version; restore it, or train "
        + "the detector again by kglab detect with another --seed")
  }
}

extension DetectorRecord {
  /// Writes one of the detector's files and notes its hash.
  mutating func write(
    _ name: String, _ entries: [Safetensors.Entry], _ values: [Float], to folder: URL
  ) throws {
    let data = try Safetensors.encode(entries, values: values)
    try AtomicFile.write(data, to: folder.appendingPathComponent(name))
    files?[name] = ContentHash(of: data).hex
  }

  /// Reads one of the detector's files.
  func read(_ name: String, _ entries: [Safetensors.Entry], in folder: URL) throws -> [Float] {
    try verify(name, in: folder)
    let file = folder.appendingPathComponent(name)
    guard let data = try? Data(contentsOf: file) else {
      throw LabError("\(file.path) is missing; restore it or train the detector again")
    }
    return try Safetensors.decode(data, entries, file: file.path)
  }

  /// Holds one of the detector's files to its hash, where the record has it.
  func verify(_ name: String, in folder: URL) throws {
    guard let hash = files?[name] else { return }
    try FileCheck.verify(
      folder.appendingPathComponent(name), hash: hash, statedIn: DetectorFiles.record)
  }
}
