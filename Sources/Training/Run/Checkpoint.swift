import Compute
import Foundation
import LabCore
import LanguageModel

/// One line of metrics.jsonl: an epoch's mean loss and where training stood at its end.
package struct EpochMetrics: Codable, Hashable, Sendable {
  package var epoch: Int
  package var step: Int
  package var tokensSeen: Int
  /// Mean next-token loss in nats over the epoch.
  package var crossEntropy: Double
  package var gradientNorm: Double
  package var learningRate: Double

  enum CodingKeys: String, CodingKey {
    case epoch, step
    case tokensSeen = "train_tokens_seen"
    case crossEntropy = "train/cross_entropy"
    case gradientNorm = "grads/norm"
    case learningRate = "learning_rate"
  }
}

/// Where training stands between two steps; with weights and moments, all that continuing needs.
struct TrainingState: Codable, Hashable {
  /// Steps done.
  var step = 0
  var tokensSeen = 0
  var epochLossSum = 0.0
  var epochLossCount = 0
  /// Mean loss in nats of the first batch, before any update.
  var initialCrossEntropy: Double?
  var metrics: [EpochMetrics] = []
  /// Seconds of work so far, over all interruptions; not part of the result.
  var secondsElapsed = 0.0

  enum CodingKeys: String, CodingKey {
    case step
    case tokensSeen = "tokens_seen"
    case epochLossSum = "epoch_loss_sum"
    case epochLossCount = "epoch_loss_count"
    case initialCrossEntropy = "initial_cross_entropy"
    case metrics
    case secondsElapsed = "seconds"
  }
}

/// Checkpoints of one run: whole folders, each written under another name and renamed when complete.
struct CheckpointStore {
  let folder: URL
  private static let keptCount = 2
  private static let weights = "model.safetensors"
  private static let moments = "optimizer.safetensors"
  private static let stateName = "state.json"

  private struct Manifest: Codable {
    var state: TrainingState
    var configurationHash: String
    var weightsHash: String
    var momentsHash: String

    enum CodingKeys: String, CodingKey {
      case state
      case configurationHash = "configuration_sha256"
      case weightsHash = "model_sha256"
      case momentsHash = "optimizer_sha256"
    }
  }

  init(runFolder: URL) { folder = runFolder.appendingPathComponent("checkpoints") }

  /// Writes a checkpoint, then removes all but the newest two.
  func save(
    _ state: TrainingState, _ model: LanguageModel, _ optimizer: Optimizer,
    _ configuration: RunConfiguration
  ) throws {
    let name =
      "step-" + String(repeating: "0", count: max(0, 9 - "\(state.step)".count)) + "\(state.step)"
    let temporary = folder.appendingPathComponent(".writing-\(name)")
    let files = FileManager.default
    try? files.removeItem(at: temporary)
    do {
      try files.createDirectory(at: temporary, withIntermediateDirectories: true)
    } catch {
      throw LabError(
        "cannot create \(temporary.path): \(FailureReason.text(error)); check free space and permission, "
          + "then run the command again", .failure)
    }
    let weights = try Safetensors.encode(
      ModelFiles.entries(model.configuration), values: model.parameters.copyOut())
    let moments = try Safetensors.encode(
      Self.momentEntries(model.layout.count),
      values: optimizer.first.copyOut() + optimizer.second.copyOut())
    let manifest = Manifest(
      state: state, configurationHash: try CanonicalJSON.hash(configuration).hex,
      weightsHash: ContentHash(of: weights).hex, momentsHash: ContentHash(of: moments).hex)
    do {
      try AtomicFile.write(weights, to: temporary.appendingPathComponent(Self.weights))
      try AtomicFile.write(moments, to: temporary.appendingPathComponent(Self.moments))
      try AtomicFile.write(
        CanonicalJSON.pretty(manifest), to: temporary.appendingPathComponent(Self.stateName))
    } catch {
      try? files.removeItem(at: temporary)
      throw error
    }
    let destination = folder.appendingPathComponent(name)
    try? files.removeItem(at: destination)
    try AtomicFile.rename(temporary, to: destination)
    for old in try all().dropLast(Self.keptCount) { try? files.removeItem(at: old) }
  }

  /// Restores the newest checkpoint into model and optimizer; nil where there is none.
  ///
  /// Throws `LabError` naming the file when the newest is truncated, altered or of another configuration.
  func restoreNewest(
    _ model: LanguageModel, _ optimizer: Optimizer, _ configuration: RunConfiguration
  ) throws -> TrainingState? {
    guard let newest = try all().last else { return nil }
    let advice = "; delete \(newest.path) to continue from the checkpoint before it"
    let stateFile = newest.appendingPathComponent(Self.stateName)
    guard let data = try? Data(contentsOf: stateFile),
      let manifest = try? JSONDecoder().decode(Manifest.self, from: data)
    else { throw LabError("\(stateFile.path) is missing or not a checkpoint's state\(advice)") }
    guard try CanonicalJSON.hash(configuration).hex == manifest.configurationHash else {
      throw LabError("\(newest.path) belongs to another configuration than run.json\(advice)")
    }
    func read(_ name: String, _ hash: String, _ entries: [Safetensors.Entry]) throws -> [Float] {
      let file = newest.appendingPathComponent(name)
      guard let bytes = try? Data(contentsOf: file) else {
        throw LabError("cannot read \(file.path)\(advice)")
      }
      guard ContentHash(of: bytes).hex == hash else {
        throw LabError(
          "\(file.path) is truncated or altered (\(bytes.count) bytes, wrong SHA-256)\(advice)")
      }
      return try Safetensors.decode(bytes, entries, file: file.path)
    }
    let weights = try read(
      Self.weights, manifest.weightsHash, ModelFiles.entries(model.configuration))
    let moments = try read(
      Self.moments, manifest.momentsHash, Self.momentEntries(model.layout.count))
    model.parameters.copyIn(weights)
    optimizer.first.copyIn(Array(moments.prefix(model.layout.count)))
    optimizer.second.copyIn(Array(moments.suffix(model.layout.count)))
    return manifest.state
  }

  /// Removes all checkpoints, once the run's final files are there.
  func removeAll() { try? FileManager.default.removeItem(at: folder) }

  /// Whole checkpoints, oldest first.
  private func all() throws -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix("step-") }.sorted().map(folder.appendingPathComponent)
  }

  private static func momentEntries(_ count: Int) -> [Safetensors.Entry] {
    [
      Safetensors.Entry(name: "first", shape: [count]),
      Safetensors.Entry(name: "second", shape: [count]),
    ]
  }
}
