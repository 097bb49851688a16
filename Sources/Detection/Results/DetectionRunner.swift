import Compute
package import Corpus
import Evaluation
import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel
package import Training

/// Where a detection stands.
package struct DetectionProgress: Sendable {
  /// What is being done.
  package enum Stage: String, Sendable {
    case drawing = "drawing answers"
    case reading = "reading states"
    case training = "training detectors"
  }

  package let stage: Stage
  /// Share of the stage that is done, in 0...1.
  package let share: Double
}

/// Measures the detectors of one language model, without any file.
package struct DetectionExperiment {
  private let model: LanguageModel
  private let tokenizer: any Tokenizer
  private let graph: KnowledgeGraph
  private let fraction: Double
  private let wording: Wording
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let workers: Int

  /// Throws `LabError` naming an option that is impossible.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double = 1,
    wording: Wording = .triple, options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions(),
    workers: Int = 1
  ) throws {
    try options.validate()
    self.model = model
    self.tokenizer = tokenizer
    self.graph = graph
    self.fraction = fraction
    self.wording = wording
    self.options = options.normalized
    self.training = training
    self.workers = workers
  }

  /// The examples of each task: answers drawn, read by the model and labelled by the graph.
  ///
  /// Throws `LabError.interrupted` when asked to stop.
  package func tables(
    progress: (DetectionProgress) -> Void = { _ in }, shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [ExampleTable] {
    let drawer = try AnswerDrawer(
      model: model, tokenizer: tokenizer, graph: graph, fraction: fraction, wording: wording,
      options: options, workers: workers)
    let answers = try drawer.draw(
      onProgress: { progress(DetectionProgress(stage: .drawing, share: $0)) },
      shouldStop: shouldStop)
    progress(DetectionProgress(stage: .reading, share: 0))
    let reader = try AnswerReader(
      model: model, tokenizer: tokenizer, graph: graph, wording: wording, workers: workers)
    let readings = try reader.read(answers, shouldStop: shouldStop)
    let width = model.configuration.modelDimension
    let text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    return options.tasks.map { task in
      switch task {
      case .sentence:
        .sentence(
          answers, readings: readings, width: width,
          baselines: TripleBaselines(graph: graph, fraction: fraction))
      case .token:
        .token(
          answers, readings: readings, width: width,
          trueAnswers: { index in
            graph.answers[graph.queries[index].answers].map {
              text.completion(object: $0.object).dropLast()
            }
          }, tokenText: { tokenizer.text(of: $0) })
      }
    }
  }

  /// The detectors of each task on one split of the graph's subjects.
  ///
  /// `key` names the folders of heads. Throws `DetectionError.tooFewSubjects` for a graph that is too
  /// small to split, and `LabError.interrupted` when asked to stop.
  package func measure(
    key: String, progress: (DetectionProgress) -> Void = { _ in },
    shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [TaskMeasurement] {
    let split = try SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(options.seed))
    let tables = try tables(progress: progress, shouldStop: shouldStop)
    let pool = try WorkerPool(workerCount: workers)
    return try tables.enumerated().map { index, table in
      progress(
        DetectionProgress(stage: .training, share: Double(index) / Double(tables.count)))
      let measurer = try TaskMeasurer(table, split: split, options: options, training: training)
      return try measurer.measure(on: pool, shouldStop: shouldStop) {
        "\(table.task.rawValue)-\($0)-\(key.prefix(8))"
      }
    }
  }
}

/// Measures the detectors of a finished run into its folder.
package struct DetectionRunner {
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let workers: Int

  /// `graph` must be the one the run was trained on.
  ///
  /// Throws `LabError` naming an option that is impossible.
  package init(
    run: RunFolder, graph: KnowledgeGraph, options: DetectionOptions = DetectionOptions(),
    training: HeadTrainingOptions = HeadTrainingOptions(), workers: Int = 1
  ) throws {
    try options.validate()
    guard graph.contentHash == run.record.configuration.graphHash else {
      throw LabError(
        "the graph given is not the one that \(run.url.path) was trained on "
          + "(its content hash differs)")
    }
    self.run = run
    self.graph = graph
    self.options = options.normalized
    self.training = training
    self.workers = workers
  }

  /// What decides the numbers, and the key they are stored under.
  package var identity: DetectionIdentity {
    let configuration = run.record.configuration
    return DetectionIdentity(
      options: options, training: training, fraction: configuration.corpus.fraction,
      graphHash: configuration.graphHash, weightsHash: run.record.weightsHash ?? "")
  }

  /// Trains and measures, or reads back what is stored.
  ///
  /// Heads go to the run's `detectors/`, everything else to run.sqlite. Throws `LabError.interrupted` when
  /// asked to stop; nothing is stored then, and the same call begins anew.
  package func run(
    progress: (DetectionProgress) -> Void = { _ in },
    shouldStop: @Sendable () -> Bool = { Interruption.isRequested }
  ) throws -> DetectionSummary {
    let identity = identity
    let database = try RunDatabase.open(in: run.url, graphHash: identity.graphHash)
    if let summary = try database.detectionSummary(of: identity) { return summary }
    let key = try identity.key
    let experiment = try DetectionExperiment(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, fraction: identity.fraction,
      wording: run.record.configuration.corpus.wording, options: options, training: training,
      workers: workers)
    let measurements = try experiment.measure(
      key: key, progress: progress, shouldStop: shouldStop)
    for detector in measurements.flatMap(\.detectors) {
      guard let head = detector.head, let folder = detector.result.folder else { continue }
      try HeadFiles.save(
        head, task: detector.result.task, seed: options.seed, graphHash: identity.graphHash,
        weightsHash: identity.weightsHash,
        to: run.url.appendingPathComponent(Self.folderName).appendingPathComponent(folder))
    }
    let summary = DetectionSummary(
      key: key, options: options, fraction: identity.fraction, graphHash: identity.graphHash,
      weightsHash: identity.weightsHash, tasks: measurements.map(\.counts),
      detectors: measurements.flatMap { $0.detectors.map(\.result) })
    try database.store(measurements, summary: summary, identity: identity, graph: graph)
    return summary
  }

  /// The folder in a run's folder that holds one folder for each trained head.
  package static let folderName = "detectors"
}
