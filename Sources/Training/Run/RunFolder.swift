package import Compute
package import Corpus
package import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// A finished run on disk: its record, tokenizer, weights and graph.
package struct RunFolder: Sendable {
  package let url: URL
  package let record: RunRecord
  package let tokenizer: any Tokenizer

  static let recordName = "run.json"

  /// Opens a finished run.
  ///
  /// Throws `LabError` when the folder holds no run, an unfinished one, or weights that were altered.
  package static func open(_ url: URL) throws -> RunFolder {
    guard let record = try readRecord(url) else {
      throw LabError("\(url.path) holds no run (no run.json); make one with kglab train")
    }
    if let divergence = record.divergence, record.status == .diverged {
      throw LabError(
        "the run in \(url.path) diverged at step \(divergence.step) (\(divergence.reason)) and has no "
          + "weights; train with a lower --learning-rate into another folder")
    }
    guard record.status == .complete else {
      throw LabError(
        "the run in \(url.path) has not finished training; run the same kglab train command again")
    }
    let weights = url.appendingPathComponent(ModelFiles.weights)
    guard try ContentHash(ofFile: weights).hex == record.weightsHash else {
      throw LabError(
        "\(weights.path) is not the file that training wrote (its SHA-256 differs from run.json); "
          + "restore it or train again into another folder")
    }
    let tokenizer = try TokenizerFile.load(from: url)
    guard tokenizer.vocabularySize == record.configuration.model.vocabularySize else {
      throw LabError(
        "\(url.path)/tokenizer.json has \(tokenizer.vocabularySize) tokens, the model "
          + "\(record.configuration.model.vocabularySize); restore it or train again")
    }
    return RunFolder(url: url, record: record, tokenizer: tokenizer)
  }

  /// The record of a run, finished or not; nil where the folder has none.
  ///
  /// Throws `LabError` when run.json is there and cannot be understood.
  package static func readRecord(_ url: URL) throws -> RunRecord? {
    let file = url.appendingPathComponent(recordName)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do {
      return try JSONDecoder().decode(RunRecord.self, from: Data(contentsOf: file))
    } catch {
      throw LabError(
        "\(file.path) is not a run record of this version; choose another folder or restore the file"
      )
    }
  }

  /// A run at any step of its training, its weights unread; it may have none yet.
  static func openAtAnyStep(_ url: URL) throws -> RunFolder {
    guard let record = try readRecord(url) else {
      throw LabError("\(url.path) holds no run (no run.json); make one with kglab train")
    }
    return RunFolder(url: url, record: record, tokenizer: try TokenizerFile.load(from: url))
  }

  /// Loads the trained weights.
  package func loadModel(on device: Device = .cpu) throws -> LanguageModel {
    try ModelFiles.load(record.configuration.model, from: url, on: device)
  }

  /// The graph the run was trained on, from where it was then or from `location`.
  ///
  /// Throws `LabError` when it is missing or is another graph.
  package func graph(at location: URL? = nil) throws -> KnowledgeGraph {
    guard location != nil || !record.graphPath.isEmpty else {
      throw LabError(
        "the model in \(url.path) was imported without its graph; give its place with --graph")
    }
    let file = location ?? URL(fileURLWithPath: record.graphPath, relativeTo: url).absoluteURL
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw LabError(
        "the run's graph \(file.standardizedFileURL.path) is not there; give its place with --graph"
      )
    }
    let graph = try KnowledgeGraph.open(file)
    guard graph.contentHash == record.configuration.graphHash else {
      throw LabError(
        "\(file.path) is not the graph that \(url.path) was trained on (its content hash differs); "
          + "give the right one with --graph")
    }
    return graph
  }
}

extension URL {
  /// The path of this file as seen from a folder, with ".." where needed.
  package func path(from folder: URL) -> String {
    let target = standardizedFileURL.pathComponents
    let start = folder.standardizedFileURL.pathComponents
    let common = zip(target, start).prefix { $0 == $1 }.count
    let up = [String](repeating: "..", count: start.count - common)
    return (up + target[common...]).joined(separator: "/")
  }
}
