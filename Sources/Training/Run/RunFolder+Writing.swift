import Corpus
import Foundation
import LabCore
import LanguageModel

extension RunFolder {
  /// Refuses a folder that holds another run or somebody else's files, before anything is written.
  static func checkUsable(_ url: URL, for record: RunRecord) throws {
    if let existing = try readRecord(url) {
      guard existing.imported == nil else {
        throw LabError("\(url.path) holds an imported model, not a training; choose another --out")
      }
      let differences = try difference(existing.configuration, record.configuration)
      guard differences.isEmpty else {
        throw LabError(
          "\(url.path) holds another run: \(differences.joined(separator: ", ")); "
            + "choose another --out, or remove the folder to train anew")
      }
      return
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    if let stranger = names.sorted().first(where: { !$0.hasPrefix(".") }) {
      throw LabError(
        "\(url.path) is not empty and holds no run (it has '\(stranger)'); choose another --out")
    }
  }

  /// Starts or goes on with a run's folder; the caller holds its lock.
  ///
  /// The record comes first: a folder without it is taken for somebody else's.
  static func begin(_ url: URL, _ record: RunRecord, tokenizer: any Tokenizer) throws {
    try write(record, to: url)
    try TokenizerFile.save(tokenizer, to: url)
  }

  /// Marks a run complete: metrics first, then the record with the weights' hash.
  static func complete(_ url: URL, _ record: RunRecord, metrics: [TrainingMetrics]) throws {
    try write(metrics, to: url)
    try write(record, to: url)
  }

  /// Marks a run as one that diverged, with the metrics up to then; checkpoints stay.
  static func recordDivergence(
    _ url: URL, _ record: RunRecord, _ divergence: TrainingDiverged, _ state: TrainingState
  ) throws {
    var record = record
    record.status = .diverged
    record.initialCrossEntropy = state.initialCrossEntropy
    record.secondsElapsed = state.secondsElapsed
    record.divergence = divergence
    // The folder may be moved.
    if let checkpoint = divergence.checkpoint, checkpoint.hasPrefix(url.path + "/") {
      record.divergence?.checkpoint = String(checkpoint.dropFirst(url.path.count + 1))
    }
    try write(state.metrics, to: url)
    try write(record, to: url)
  }

  private static func write(_ record: RunRecord, to url: URL) throws {
    try AtomicFile.write(
      CanonicalJSON.pretty(record), to: url.appendingPathComponent(recordName))
  }

  private static func write(_ metrics: [TrainingMetrics], to url: URL) throws {
    var lines = Data()
    for row in metrics { lines += try CanonicalJSON.compact(row) + Data("\n".utf8) }
    try AtomicFile.write(lines, to: url.appendingPathComponent("metrics.jsonl"))
  }

  /// "key: old, now new" for every field in which two configurations differ.
  private static func difference(
    _ old: RunConfiguration, _ new: RunConfiguration
  ) throws -> [String] {
    let before = try flatten(old)
    let after = try flatten(new)
    return Set(before.keys).union(after.keys).sorted().compactMap { key in
      let (a, b) = (before[key] ?? "absent", after[key] ?? "absent")
      return a == b ? nil : "\(key) is \(a) there, \(b) here"
    }
  }

  private static func flatten(_ configuration: RunConfiguration) throws -> [String: String] {
    let object = try JSONSerialization.jsonObject(with: CanonicalJSON.compact(configuration))
    var fields: [String: String] = [:]
    func visit(_ value: Any, _ path: String) {
      guard let object = value as? [String: Any] else {
        fields[path] = "\(value)"
        return
      }
      for (key, value) in object { visit(value, path.isEmpty ? key : "\(path).\(key)") }
    }
    visit(object, "")
    return fields
  }
}
