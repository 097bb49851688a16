package import Foundation
import LabCore
import LanguageModel

/// What state.json of a kept checkpoint says; the same bytes however the run came there.
struct KeptState: Codable, Hashable, Sendable {
  var formatVersion = 1
  var step: Int
  /// Passes over the training triples so far, with their fraction.
  var epochs: Double
  var tokensSeen: Int
  var configurationHash: String
  /// SHA-256 of model.safetensors.
  var weightsHash: String

  enum CodingKeys: String, SnakeCaseKey {
    case formatVersion, step, epochs, tokensSeen
    case configurationHash = "configuration_sha256"
    case weightsHash = "model_sha256"
  }
}

/// Weights of chosen steps in a run's folder `kept/`, which stay when the run has ended.
struct KeptCheckpoints {
  let folder: URL
  static let stateName = "state.json"

  init(runFolder: URL) { folder = runFolder.appendingPathComponent("kept") }

  func url(of step: Int) -> URL { folder.appendingPathComponent(CheckpointName.text(step)) }

  /// Writes the weights of a step.
  ///
  /// Returns false where the folder held other weights of that step, which were replaced.
  @discardableResult
  func save(_ model: LanguageModel, _ state: KeptState) throws -> Bool {
    // A folder that cannot be read was damaged, which is no other result.
    let old = try? read(state.step)
    var state = state
    try AtomicFile.makeFolder(url(of: state.step)) { place in
      state.weightsHash = try ModelFiles.save(model, to: place).hex
      try AtomicFile.write(
        CanonicalJSON.pretty(Sealed(state)), to: place.appendingPathComponent(Self.stateName))
    }
    return old == nil || old == state
  }

  /// The state of a kept step whose weights are as they were written; nil where none is kept.
  ///
  /// Throws `LabError` naming the file that is damaged.
  func read(_ step: Int) throws -> KeptState? {
    let folder = url(of: step)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    let file = folder.appendingPathComponent(Self.stateName)
    guard let data = try? Data(contentsOf: file),
      let state = try? CanonicalJSON.decode(Sealed<KeptState>.self, from: data).value,
      state.step == step
    else { throw LabError("\(file.path) is missing or damaged; restore it or train again") }
    try FileCheck.verify(
      folder.appendingPathComponent(ModelFiles.weights), hash: state.weightsHash,
      statedIn: file.lastPathComponent)
    return state
  }

  /// Steps with a folder, ascending.
  var steps: [Int] { CheckpointName.steps(in: folder) }
}

/// How the folder of a step is called: "step-000000100".
enum CheckpointName {
  private static let prefix = "step-"

  static func text(_ step: Int) -> String {
    prefix + String(repeating: "0", count: max(0, 9 - "\(step)".count)) + "\(step)"
  }

  /// Steps with a folder of such a name, ascending.
  static func steps(in folder: URL) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count)) }
      .sorted()
  }
}

/// Holds files to the hashes they were written with.
package enum FileCheck {
  /// Throws `LabError` with both hashes when a file is missing or not the one that was written.
  package static func verify(_ file: URL, hash expected: String?, statedIn record: String) throws {
    let found = try ContentHash(ofFile: file).hex
    guard found != expected else { return }
    throw LabError(
      "\(file.path) is truncated or altered: \(record) expects SHA-256 \(expected ?? "none"), the file "
        + "has \(found); restore it or train again into another folder")
  }
}
