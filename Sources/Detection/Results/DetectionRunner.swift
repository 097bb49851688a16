import Corpus
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Training

/// Measures the detectors of a run into its folder.
package struct DetectionRunner {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let sources: [RunFolder]
  private let keepsFeatures: Bool

  /// The folder in a run's folder that holds one folder for each trained detector.
  package static let folderName = "detectors"

  /// `graph` must be the one the run was trained on; `sources` are the runs that `full` detectors
  /// begin with and that judge.
  ///
  /// Without `keepsFeatures` the features leave the disk once everything is measured. Throws
  /// `LabError` naming an option that is impossible, or a run that cannot become a detector here.
  package init(
    run: RunFolder, graph: KnowledgeGraph, options: DetectionOptions = DetectionOptions(),
    training: HeadTrainingOptions = HeadTrainingOptions(), sources: [RunFolder] = [],
    keepsFeatures: Bool = true
  ) throws {
    try options.validate()
    try run.check(graph)
    for source in sources {
      try Self.check(source, against: run)
      let hash = source.record.weightsHash
      guard
        !options.judges.contains(where: { $0.weightsHash == hash })
          || source.record.configuration.graphHash == graph.contentHash
      else {
        throw LabError(
          "the model in \(source.url.path) was trained on another graph than \(run.url.path), so it knows nothing of "
            + "its answers; give --judge a run on the same graph")
      }
    }
    self.run = run
    self.graph = graph
    var options = options
    // Of a model of elsewhere there is one set of queries.
    if !graph.hasKnownVisibility { options.visibilities = [.unknown] }
    self.options = options.normalized
    self.training = training
    self.sources = sources
    self.keepsFeatures = keepsFeatures
  }

  /// A run's model can judge another's answers where both cut names into the same tokens.
  private static func check(_ source: RunFolder, against run: RunFolder) throws {
    guard try source.tokenizerHash() == run.tokenizerHash() else {
      throw LabError(
        "the model in \(source.url.path) has another tokenizer than \(run.url.path), so it cannot read "
          + "its answers; give a run trained with the same tokenizer on the same graph")
    }
  }

  /// The choices of runs' weights as `full` detectors.
  package static func choices(of sources: [RunFolder]) -> [FullDetectorChoice] {
    names(of: sources).map { .pretrained(name: $0.name, weightsHash: $0.weightsHash) }
  }

  /// The choices of runs as judges.
  package static func judges(_ sources: [RunFolder]) -> [JudgeChoice] {
    names(of: sources).map { JudgeChoice(name: $0.name, weightsHash: $0.weightsHash) }
  }

  /// Runs are called by their sizes; those of one size by their weights too.
  private static func names(of runs: [RunFolder]) -> [(name: String, weightsHash: String)] {
    runs.map { run in
      let size = run.record.sizeName
      let hash = run.record.weightsHash ?? ""
      let isAlone = runs.count { $0.record.sizeName == size } == 1
      return (name: isAlone ? size : "\(size)-\(hash.prefix(8))", weightsHash: hash)
    }
  }

  /// What decides the numbers, and the key they are stored under.
  package var identity: DetectionIdentity {
    DetectionIdentity(
      of: run.record, options: options, training: training, checkpointStep: run.checkpointStep)
  }

  /// The cache of the answers and states that the options ask for.
  ///
  /// It is in the run's folder, or in that of another run.
  package func featureCache(in folder: URL? = nil) throws -> FeatureCache {
    let identity = identity
    return try FeatureCache(
      run: folder ?? run.url,
      identity: FeatureIdentity(
        options: options, fraction: identity.fraction, graphHash: identity.graphHash,
        weightsHash: identity.weightsHash))
  }

  /// Trains and measures, or reads back what is stored.
  ///
  /// Trained detectors go to the run's `detectors/`, answers and features to `features/`,
  /// everything else to run.sqlite. `onSize` gets the bytes of the features before they are read.
  /// Throws `LabError.interrupted` when asked to stop; the same call goes on with what is missing.
  package func run(
    _ work: Work = Work(), onSize: (Int) -> Void = { _ in }
  ) throws -> DetectionSummary {
    let identity = identity
    if let summary = try? RunDatabase.stored(in: run.url)?.detectionSummary(of: identity) {
      return summary
    }
    let database = try RunDatabase.open(in: run.url, graphHash: identity.graphHash)
    try database.prepareDetection()
    if let summary = try database.detectionSummary(of: identity) { return summary }
    let key = try identity.key
    let cache = try featureCache()
    let measurements = try experiment().measure(
      key: key, cache: cache, work: work, onSize: onSize)
    let origin = DetectorOrigin(
      seed: options.seed, graphHash: identity.graphHash, weightsHash: identity.weightsHash,
      tokenizerHash: try run.tokenizerHash(), model: run.record.configuration.model)
    for detector in measurements.flatMap(\.detectors) {
      guard let trained = detector.trained, let folder = detector.result.folder else { continue }
      try DetectorFiles.save(
        trained, result: detector.result, origin: origin,
        to: run.url.appendingPathComponent(Self.folderName).appendingPathComponent(folder))
    }
    let summary = DetectionSummary(
      key: key, options: options, fraction: identity.fraction, graphHash: identity.graphHash,
      weightsHash: identity.weightsHash, checkpointStep: identity.checkpointStep,
      tasks: measurements.map(\.counts),
      detectors: measurements.flatMap { $0.detectors.map(\.result) })
    try database.store(measurements, summary: summary, identity: identity, graph: graph)
    if !keepsFeatures { cache.remove() }
    return summary
  }

  /// The experiment on the run's model, with those of the sources.
  package func experiment() throws -> DetectionExperiment {
    let corpus = run.record.configuration.corpus
    var others: [String: LanguageModel] = [:]
    for source in sources { others[source.record.weightsHash ?? ""] = try source.loadModel() }
    return try DetectionExperiment(
      model: run.askedModel(), tokenizer: run.tokenizer, graph: graph, fraction: corpus.fraction,
      wording: corpus.wording, options: options, training: training, others: others,
      slot: corpus.slot)
  }
}

extension RunFolder {
  /// Throws `LabError` where a graph is not the one that the run was trained on.
  func check(_ graph: KnowledgeGraph) throws {
    guard graph.contentHash == record.configuration.graphHash else {
      throw LabError(
        "the graph given is not the one that \(url.path) was trained on (its content hash differs)")
    }
  }

  /// SHA-256 of the run's tokenizer.json, or of what a model of elsewhere has.
  ///
  /// Throws `LabError` where the file cannot be read.
  package func tokenizerHash() throws -> String {
    if record.outside != nil, let hash = record.tokenizerHash { return hash }
    return try ContentHash(ofFile: url.appendingPathComponent(TokenizerFile.name)).hex
  }
}
