import Compute
import Foundation
import LabCore
import LanguageModel

/// Checkpoints to continue from: whole folders, each written under another name and renamed when
/// complete.
struct CheckpointStore {
  let folder: URL
  private static let weights = ModelFiles.weights
  private static let moments = "optimizer.safetensors"
  static let stateName = "state.json"
  private static let damaged = "damaged-"

  /// The contents of state.json, which is written last, with a hash of its own.
  struct Manifest: Codable, Sendable {
    var state: TrainingState
    var configurationHash: String
    var weightsHash: String
    var momentsHash: String
    /// `StepLog.flush` of steps.jsonl up to this step; nil where the run has none, and in
    /// checkpoints of earlier versions.
    var stepLogHash: String?

    enum CodingKeys: String, CodingKey {
      case state
      case configurationHash = "configuration_sha256"
      case weightsHash = "model_sha256"
      case momentsHash = "optimizer_sha256"
      case stepLogHash = "steps_sha256"
    }
  }

  init(runFolder: URL) { folder = runFolder.appendingPathComponent("checkpoints") }

  /// Steps of the whole checkpoints, ascending.
  var steps: [Int] { CheckpointName.steps(in: folder) }

  func url(of step: Int) -> URL { folder.appendingPathComponent(CheckpointName.text(step)) }

  // MARK: Writing

  /// Writes a checkpoint, then removes all but the newest `count` and the newest from before
  /// `suspectStep`.
  func save(
    _ state: TrainingState, _ model: LanguageModel, _ optimizer: Optimizer,
    _ configuration: RunConfiguration, stepLog: ContentHash?, keeping count: Int
  ) throws {
    try AtomicFile.makeFolder(url(of: state.step)) { place in
      let weights = try Safetensors.write(
        ModelFiles.entries(model.configuration), [model.parameters],
        to: place.appendingPathComponent(Self.weights))
      let moments = try Safetensors.write(
        Self.momentEntries(model.layout.count), [optimizer.first, optimizer.second],
        to: place.appendingPathComponent(Self.moments))
      let manifest = Manifest(
        state: state, configurationHash: try CanonicalJSON.hash(configuration).hex,
        weightsHash: weights.hex, momentsHash: moments.hex, stepLogHash: stepLog?.hex)
      try AtomicFile.write(
        CanonicalJSON.pretty(Sealed(manifest)), to: place.appendingPathComponent(Self.stateName))
    }
    prune(keeping: count, suspectSince: state.lossMonitor?.suspectSince)
  }

  private func prune(keeping count: Int, suspectSince: Int?) {
    let good = suspectSince.flatMap { newest(before: $0) }
    for step in steps.dropLast(count) where step != good {
      try? FileManager.default.removeItem(at: url(of: step))
    }
  }

  /// The newest checkpoint whose weights cannot have caused what was seen at a step; nil where
  /// there is none.
  ///
  /// The loss of step n is that of the weights after step n - 1.
  func newest(before step: Int) -> Int? { steps.last { $0 < step - 1 } }

  /// Removes all checkpoints, once the run's final files are there.
  func removeAll() { try? FileManager.default.removeItem(at: folder) }

  // MARK: Reading

  /// Restores the newest whole checkpoint into model and optimizer; nil where there is none.
  ///
  /// A damaged one is named to `warn`, set aside under another name, and the one before it taken:
  /// training from there gives the same bytes.
  func restoreNewest(
    _ model: LanguageModel, _ optimizer: Optimizer, _ configuration: RunConfiguration,
    warn: (String) -> Void
  ) throws -> Manifest? {
    let hash = try CanonicalJSON.hash(configuration).hex
    for step in steps.reversed() {
      let folder = url(of: step)
      let manifest: Manifest
      do {
        manifest = try read(step, configurationHash: hash)
      } catch let damage as LabError {
        let aside = try setAside(folder)
        let next = steps.last.map { "step \($0)" } ?? "the beginning"
        warn("\(damage); it is now \(aside.lastPathComponent), and training continues from \(next)")
        continue
      }
      try Safetensors.read(
        folder.appendingPathComponent(Self.weights), ModelFiles.entries(model.configuration),
        into: [model.parameters])
      try Safetensors.read(
        folder.appendingPathComponent(Self.moments), Self.momentEntries(model.layout.count),
        into: [optimizer.first, optimizer.second])
      return manifest
    }
    return nil
  }

  /// The state of a checkpoint whose files are as they were written.
  ///
  /// Throws `LabError` naming the file that is damaged.
  private func read(_ step: Int, configurationHash: String) throws -> Manifest {
    let manifest = try manifest(step)
    let folder = url(of: step)
    guard manifest.configurationHash == configurationHash else {
      throw LabError("\(folder.path) belongs to another configuration than run.json")
    }
    for (name, hash) in [
      (Self.weights, manifest.weightsHash), (Self.moments, manifest.momentsHash),
    ] {
      let file = folder.appendingPathComponent(name)
      let found = try ContentHash(ofFile: file).hex
      guard found == hash else {
        throw LabError(
          "\(file.path) is truncated or altered (SHA-256 \(found), \(hash) was written)")
      }
    }
    return manifest
  }

  /// What state.json says, without a look at the other files.
  func manifest(_ step: Int) throws -> Manifest {
    let file = url(of: step).appendingPathComponent(Self.stateName)
    do {
      let manifest = try CanonicalJSON.decode(
        Sealed<Manifest>.self, from: Data(contentsOf: file)
      ).value
      try manifest.state.validate()
      guard manifest.state.step == step else {
        throw LabError("step is \(manifest.state.step) in the folder of step \(step)")
      }
      return manifest
    } catch let fault as LabError {
      throw LabError("\(file.path) is damaged: \(fault)")
    } catch {
      throw LabError("\(file.path) is missing or not a checkpoint's state")
    }
  }

  private func setAside(_ checkpoint: URL) throws -> URL {
    let aside = folder.appendingPathComponent(Self.damaged + checkpoint.lastPathComponent)
    try? FileManager.default.removeItem(at: aside)
    try AtomicFile.rename(checkpoint, to: aside)
    return aside
  }

  private static func momentEntries(_ count: Int) -> [Safetensors.Entry] {
    [
      Safetensors.Entry(name: "first", shape: [count]),
      Safetensors.Entry(name: "second", shape: [count]),
    ]
  }
}
