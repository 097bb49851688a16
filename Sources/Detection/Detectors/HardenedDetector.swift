import Compute
package import Foundation
import LabCore
import LanguageModel
package import Training

/// What a round of adversarial training made a detector of, and what it did.
package struct DetectorHardening: Codable, Hashable, Sendable {
  package let round: HardeningRound
  package let tally: HardeningTally
  /// Name of the folder of the detector that the round started from, beside its own, and SHA-256 of
  /// its record.
  package let parent: String
  package let parentHash: String

  package init(round: HardeningRound, tally: HardeningTally, parent: String, parentHash: String) {
    self.round = round
    self.tally = tally
    self.parent = parent
    self.parentHash = parentHash
  }

  enum CodingKeys: String, CodingKey {
    case round, tally, parent
    case parentHash = "parent_sha256"
  }
}

extension DetectorFiles {
  /// Writes what a round made of the detector in `parent`, with the round's pool; a reader finds
  /// all files or none.
  ///
  /// Its record is the parent's but for its name, weights and where they come from; it has no
  /// calibration.
  package static func save(
    _ network: FullNetwork, named name: String, of parent: DetectorRecord,
    _ hardening: DetectorHardening, pool: Data, to folder: URL
  ) throws {
    try AtomicFile.makeFolder(folder) { folder in
      var contents = parent
      contents.name = name
      contents.training = nil
      contents.calibrations = [:]
      contents.files = [HardenedRun.poolName: hardening.tally.poolHash]
      contents.hardening = hardening
      try AtomicFile.write(pool, to: folder.appendingPathComponent(HardenedRun.poolName))
      try network.save(to: folder, &contents)
      try AtomicFile.write(
        CanonicalJSON.pretty(contents), to: folder.appendingPathComponent(record))
    }
  }

  /// The attacked texts of a hardened detector's rounds.
  ///
  /// Throws `LabError` where the file is missing or was altered.
  package static func pool(of record: DetectorRecord, in folder: URL) throws -> Data {
    try record.verify(HardenedRun.poolName, in: folder)
    return try Data(contentsOf: folder.appendingPathComponent(HardenedRun.poolName))
  }
}

/// A text that a full detector is trained on, with its true label.
package struct JudgedLine: Hashable, Sendable {
  /// Prompt, answer and end token, and how many of them the prompt has.
  package let tokens: [Int32]
  package let promptCount: Int
  package let isHallucination: Bool

  package init(tokens: [Int32], promptCount: Int, isHallucination: Bool) {
    self.tokens = tokens
    self.promptCount = promptCount
    self.isHallucination = isHallucination
  }
}

extension FullNetwork {
  /// Trains on lines once, in their order and at a constant rate; the network's model changes in
  /// place.
  ///
  /// `weights` are those of the two classes in the loss. Throws `LabError.interrupted` when
  /// stopped, and an error where a gradient is not a number.
  package func trained(
    on lines: [JudgedLine], learningRate: Double, batchSize: Int,
    weights: (positive: Float, negative: Float), workers: Int, unless shouldStop: () -> Bool
  ) throws -> FullNetwork {
    let options = FullTrainingOptions()
    let trainer = FullTrainer(
      options: options, learningRate: learningRate, seed: Seed(0), name: "hardened",
      workers: workers)
    var training = TrainingConfiguration(epochs: 1, learningRate: learningRate)
    training.weightDecay = options.weightDecay
    training.beta2 = 0.99
    training.lanes = options.lanes
    let passes = try (0..<workers).map { _ in try TrainingPass(model) }
    let step = try TrainingStep(
      model, training, on: WorkerPool(workerCount: workers), streams: passes.map(\.stream))
    var network = self
    var optimizer = ReadOutOptimizer(count: readOut.count)
    for (number, first) in stride(from: 0, to: lines.count, by: batchSize).enumerated() {
      if shouldStop() { throw LabError.interrupted("stopped while a detector was trained") }
      let batch = Array(lines[first..<min(first + batchSize, lines.count)])
      let (parts, norm) = step.gradient { worker, lane, gradients in
        let range =
          (batch.count * lane / options.lanes)..<(batch.count * (lane + 1) / options.lanes)
        return trainer.gradient(
          network, batch[range].map { ($0.text, $0.isHallucination) },
          scale: 1 / Float(batch.count), weights, passes[worker], into: gradients)
      }
      guard norm.isFinite else {
        throw LabError(
          "the detector's gradient is not a number in a round of adversarial training; lower the learning rate",
          .failure)
      }
      step.update(norm: norm, learningRate: learningRate, number: number)
      let gradient = parts.dropFirst().reduce(parts[0]) { zip($0, $1).map { $0 + $1 } }
      optimizer.step(&network.readOut, gradient: gradient, learningRate: learningRate)
    }
    step.packModel()
    return network
  }
}

extension JudgedLine {
  fileprivate var text: FullNetwork.Text {
    FullNetwork.Text(
      tokens: tokens, rows: [JudgedRow(row: tokens.count - 1, start: promptCount - 1)])
  }
}
