package import Compute
package import Corpus
import Engine
package import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// A run on disk with weights to use: its record, tokenizer, weights and graph.
package struct RunFolder: Sendable {
  package let url: URL
  /// With the hash of the weights that are used, also where they are a checkpoint's.
  package let record: RunRecord
  package let tokenizer: any Tokenizer
  /// The step of the checkpoint that is used; nil for the finished model.
  package let checkpointStep: Int?
  /// The folder that holds the weights.
  private let weightsFolder: URL
  /// The model where it was trained elsewhere; nil for kglab's own.
  private var outside: OutsideModel?

  static let recordName = "run.json"

  /// Opens a finished run, or the weights of one of its checkpoints.
  ///
  /// With `step`, the run may be under way or have diverged. Throws `LabError` when the folder
  /// holds no run, an unfinished one, no checkpoint of that step, or weights that were altered.
  package static func open(_ url: URL, checkpoint step: Int? = nil) throws -> RunFolder {
    var record = try requireRecord(url)
    if let outside = record.outside {
      guard step == nil else {
        throw LabError("the model in \(url.path) was trained elsewhere and has no checkpoints")
      }
      return try open(url, record, outside)
    }
    let weightsFolder: URL
    if let step {
      (weightsFolder, record.weightsHash) = try checkpoint(step, in: url)
    } else {
      try requireFinished(record, url)
      weightsFolder = url
      try FileCheck.verify(
        url.appendingPathComponent(ModelFiles.weights), hash: record.weightsHash,
        statedIn: recordName)
    }
    let tokenizer = try tokenizer(of: record, in: url)
    return RunFolder(
      url: url, record: record, tokenizer: tokenizer, checkpointStep: step,
      weightsFolder: weightsFolder)
  }

  /// The tokenizer in a run's folder, which is held to the hash in the record, if one is there.
  private static func tokenizer(of record: RunRecord, in url: URL) throws -> any Tokenizer {
    if let hash = record.tokenizerHash {
      try FileCheck.verify(
        url.appendingPathComponent(TokenizerFile.name), hash: hash, statedIn: recordName)
    }
    let tokenizer = try TokenizerFile.load(from: url)
    guard tokenizer.vocabularySize == record.configuration.model.vocabularySize else {
      throw LabError(
        "\(url.path)/tokenizer.json has \(tokenizer.vocabularySize) tokens, the model "
          + "\(record.configuration.model.vocabularySize); restore it or train again")
    }
    return tokenizer
  }

  private static func requireFinished(_ record: RunRecord, _ url: URL) throws {
    switch record.status {
    case .complete: return
    case .training:
      throw LabError(
        "the run in \(url.path) has not finished training; run the same kglab train command again")
    case .diverged:
      throw LabError(
        "the run in \(url.path) has no final weights: "
          + (record.divergence?.summary ?? "training diverged")
          + "; train with other settings into another folder")
    }
  }

  /// The steps of which weights are there, ascending: kept ones, and those to continue from.
  package static func checkpointSteps(_ url: URL) -> [Int] {
    Set(KeptCheckpoints(runFolder: url).steps).union(CheckpointStore(runFolder: url).steps).sorted()
  }

  /// Where the weights of a step are, and their hash.
  private static func checkpoint(_ step: Int, in url: URL) throws -> (URL, String) {
    let kept = KeptCheckpoints(runFolder: url)
    if let state = try kept.read(step) { return (kept.url(of: step), state.weightsHash) }
    let store = CheckpointStore(runFolder: url)
    guard store.steps.contains(step) else {
      let present = checkpointSteps(url).map(String.init).joined(separator: ", ")
      throw LabError(
        "\(url.path) keeps no checkpoint of step \(step); "
          + (present.isEmpty
            ? "it has none: train with --keep-steps or --keep-epochs" : "it has \(present)"))
    }
    let hash = try store.manifest(step).weightsHash
    try FileCheck.verify(
      store.url(of: step).appendingPathComponent(ModelFiles.weights), hash: hash,
      statedIn: CheckpointStore.stateName)
    return (store.url(of: step), hash)
  }

  /// The record of a run, finished or not; nil where the folder has none.
  ///
  /// Throws `LabError` when run.json is there and cannot be understood.
  package static func readRecord(_ url: URL) throws -> RunRecord? {
    let file = url.appendingPathComponent(recordName)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    struct Version: Decodable {
      let formatVersion: Int

      enum CodingKeys: String, SnakeCaseKey { case formatVersion }
    }
    let unknown = LabError(
      "\(file.path) is not a run record of this version; choose another folder or restore the file")
    guard let data = try? Data(contentsOf: file),
      let version = try? CanonicalJSON.decode(Version.self, from: data).formatVersion
    else { throw unknown }
    guard version <= RunRecord.currentFormatVersion else {
      throw LabError(
        "\(file.path) has format \(version), written by a later kglab; this one reads up to "
          + "\(RunRecord.currentFormatVersion): upgrade kglab, or choose another folder")
    }
    do {
      return try RunRecord.decode(data)
    } catch let error as LabError {
      throw LabError("\(file.path): \(error); restore the file, or train into another folder")
    } catch {
      throw unknown
    }
  }

  private static func requireRecord(_ url: URL) throws -> RunRecord {
    guard let record = try readRecord(url) else {
      throw LabError("\(url.path) holds no run (no run.json); make one with kglab train")
    }
    return record
  }

  /// A run at any step of its training, its weights unread; it may have none yet.
  static func openAtAnyStep(_ url: URL) throws -> RunFolder {
    let record = try requireRecord(url)
    guard record.outside == nil else { throw trainedElsewhere(url) }
    return RunFolder(
      url: url, record: record, tokenizer: try tokenizer(of: record, in: url), checkpointStep: nil,
      weightsFolder: url)
  }

  /// The folder of a model of elsewhere, with its tokenizer; nothing of it is read but kglab's own
  /// tokenizer.
  ///
  /// `process` has loaded it already, where there is one.
  static func open(
    _ url: URL, _ record: RunRecord, _ outside: OutsideRecord,
    process: sending EngineProcess? = nil
  ) throws -> RunFolder {
    let folder = URL(fileURLWithPath: outside.folder, isDirectory: true)
    let own = outside.ends == nil ? try TokenizerFile.load(from: folder) : nil
    let model = OutsideModel(
      outside, record.configuration.model, parameterCount: record.nonEmbeddingParameterCount,
      process: process)
    let tokenizer =
      own
      ?? OutsideTokenizer(
        vocabularySize: record.configuration.model.vocabularySize, source: model)
    return RunFolder(
      url: url, record: record, tokenizer: tokenizer, checkpointStep: nil, weightsFolder: folder,
      outside: model)
  }

  /// The model to ask: the weights that this folder was opened for, or the process that computes a
  /// model of elsewhere.
  package func askedModel() throws -> any AskedModel {
    guard let outside else { return try loadModel() }
    try outside.start()
    return outside
  }

  private static func trainedElsewhere(_ url: URL) -> LabError {
    LabError(
      "the model of \(url.path) was trained elsewhere and stays in its own folder, and this needs weights of kglab; "
        + "evaluate, detect, traps, choices, attack (random, beam, beast) and pirs (prior) work on it",
      .usage)
  }

  /// Loads the weights that this folder was opened for.
  ///
  /// Throws `LabError` for a model of elsewhere.
  package func loadModel(on device: Device = .cpu) throws -> LanguageModel {
    guard outside == nil else { throw Self.trainedElsewhere(url) }
    return try ModelFiles.load(record.configuration.model, from: weightsFolder, on: device)
  }

  /// The graph the run was trained on, from where it was then or from `location`.
  ///
  /// Throws `LabError` when it is missing or is another graph.
  package func graph(at location: URL? = nil) throws -> KnowledgeGraph {
    let places = location.map { [$0] } ?? graphPlaces
    guard let first = places.first else {
      throw LabError(
        "the model in \(url.path) was imported without its graph; give its place with --graph")
    }
    var failure: LabError?
    for file in places where FileManager.default.fileExists(atPath: file.path) {
      do {
        let graph = try KnowledgeGraph.open(file)
        if graph.contentHash == record.configuration.graphHash {
          return record.outside?.training == .unknown ? graph.withUnknownVisibility() : graph
        }
        throw LabError(
          "\(file.path) is not the graph that \(url.path) was trained on (its content hash differs); "
            + "give the right one with --graph")
      } catch let error as LabError {
        failure = failure ?? error
      }
    }
    throw failure
      ?? LabError(
        "the run's graph \(first.standardizedFileURL.path) is not there; give its place with --graph"
      )
  }

  /// The file of the graph, which need not be looked for where `graph(at:)` was given its place.
  ///
  /// Throws `LabError` where it is not where training found it.
  package func graphFile() throws -> URL {
    let places = graphPlaces
    guard let file = places.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw LabError(
        "the graph of \(url.path) is not where training found it; give its place with --graph")
    }
    return file
  }

  /// Where the graph may be: as seen from the run's folder as it was given and from where that
  /// really is, and where it was when training began.
  private var graphPlaces: [URL] {
    guard !record.graphPath.isEmpty else { return [] }
    let seen = [url, url.resolvingSymlinksInPath()].map {
      URL(fileURLWithPath: record.graphPath, relativeTo: $0).absoluteURL
    }
    return seen + (record.graphAbsolutePath.map { [URL(fileURLWithPath: $0)] } ?? [])
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
