import Corpus
package import Foundation
package import KnowledgeGraph
package import LabCore
package import LanguageModel

/// A run that a round of adversarial training makes of another, in a folder that opens and
/// evaluates as any run's.
///
/// Its record names the run it was made from by the hash of its weights, and holds what the round
/// did.
package struct HardenedRun {
  /// What the attacks of all rounds found, a line each, in a round's folder.
  package static let poolName = "pool.jsonl"

  private let parent: RunFolder
  private let folder: URL
  private let plan: RunRecord

  /// Throws `LabError` where the parent was not trained here.
  package init(of parent: RunFolder, _ round: HardeningRound, into folder: URL) throws {
    guard parent.record.configuration.training != .none else {
      throw LabError(
        "the model in \(parent.url.path) was imported and not trained by kglab: it has no clean lines to harden it "
          + "with")
    }
    self.parent = parent
    self.folder = folder
    plan = try Self.record(of: parent.record, round).hashed(parent.tokenizer)
      .placed(in: folder, madeOf: parent.url)
  }

  /// The record of the run that a round makes of another.
  static func record(of parent: RunRecord, _ round: HardeningRound) -> RunRecord {
    var record = parent.derived
    record.configuration.hardening = round
    record.configuration.compression = nil
    record.storedBytes = nil
    record.zeroShare = nil
    // Rounds are computed here, whatever trained the parent.
    record.engine = nil
    record.hardening = nil
    return record
  }

  /// The run, where it is there; nil where nothing is.
  ///
  /// Throws `LabError` where the folder holds another run or its pool was altered, with the
  /// difference.
  package func found() throws -> RunFolder? {
    try RunFolder.checkUsable(folder, for: plan)
    guard let record = try RunFolder.readRecord(folder) else { return nil }
    try FileCheck.verify(
      folder.appendingPathComponent(Self.poolName), hash: record.hardening?.poolHash,
      statedIn: RunFolder.recordName)
    return try RunFolder.open(folder)
  }

  /// Writes the folder, whole or not at all.
  package func write(_ model: LanguageModel, _ tally: HardeningTally, pool: Data) throws {
    var record = plan
    record.hardening = tally
    try AtomicFile.makeFolder(folder) { place in
      record.weightsHash = try ModelFiles.save(model, to: place).hex
      try TokenizerFile.save(parent.tokenizer, to: place)
      try parent.copyLists(to: place)
      try AtomicFile.write(pool, to: place.appendingPathComponent(Self.poolName))
      try RunFolder.complete(place, record, metrics: [])
    }
  }
}

extension ResolvedTraining {
  /// The run that the last round of hardening the one of this training will make; what it starts
  /// from is not known yet.
  package func hardened(_ training: AdversarialTraining) throws -> ResolvedTraining {
    let round = HardeningRound(training, round: training.rounds, origin: "")
    return ResolvedTraining(
      tokenizer: tokenizer, corpus: corpus, schedule: schedule,
      record: try HardenedRun.record(of: record, round).hashed(tokenizer), parent: nil,
      chosen: chosen, answers: answers)
  }
}

/// A line with the next token at each place; -1 where no loss is taken.
package struct TrainingLine: Hashable, Sendable {
  package let tokens: [Int32]
  package let targets: [Int32]

  package init(tokens: [Int32], targets: [Int32]) {
    self.tokens = tokens
    self.targets = targets
  }
}

extension RunFolder {
  /// Up to `count` lines of an epoch of this run's text as it was trained on, drawn by `seed`, and
  /// how many the epoch has.
  ///
  /// `graph` is that of the run. Throws `LabError` for a run that was not trained here.
  package func lines(
    _ count: Int, on graph: KnowledgeGraph, seed: Seed
  ) throws -> [TrainingLine] {
    let epoch = try schedule(on: graph, seed: seed).epoch(0)
    var lines: [TrainingLine] = []
    for step in 0..<epoch.batchCount where lines.count < count {
      let batch = epoch.batch(step)
      for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
        let range = Int(start)..<Int(end)
        lines.append(
          TrainingLine(tokens: Array(batch.tokens[range]), targets: Array(batch.targets[range])))
      }
    }
    return Array(lines.prefix(count))
  }

  /// Lines of an epoch of this run's text.
  package func lineCount(on graph: KnowledgeGraph) throws -> Int {
    try schedule(on: graph, seed: record.configuration.dataSeed).corpus.sequenceCount
  }

  /// The lists of what a run was trained on, which belong to it, in the folder of one made from it.
  func copyLists(to place: URL) throws {
    for name in [ChosenTriples.fileName, AnswerLines.fileName] {
      let list = url.appendingPathComponent(name)
      guard FileManager.default.fileExists(atPath: list.path) else { continue }
      try AtomicFile.write(Data(contentsOf: list), to: place.appendingPathComponent(name))
    }
  }
}
