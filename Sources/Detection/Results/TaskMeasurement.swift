package import Compute
import LabCore
import Synchronization

/// One detector with all that came of it.
package struct MeasuredDetector: Sendable {
  package let result: DetectorResult
  /// The trained head; nil for scores and baselines, and for a head that could not be trained.
  package let head: TrainedHead?
  /// One score for each example of the test part; empty for a head that could not be trained.
  package let scores: [Double]
}

/// The detectors of one task, all measured on the same test part.
package struct TaskMeasurement: Sendable {
  package let counts: TaskCounts
  /// The examples of the test part.
  package let examples: [DetectionExample]
  package let detectors: [MeasuredDetector]
}

/// Trains the heads of one task and measures them beside the training-free scores.
package struct TaskMeasurer {
  private let table: ExampleTable
  private let indices: [SplitPart: [Int]]
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let seed: Seed

  /// Divides the examples by their subjects.
  ///
  /// Throws `DetectionError.subjectNotSplit` for an example whose subject is in no part.
  package init(
    _ table: ExampleTable, split: SubjectSplit, options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions()
  ) throws {
    self.table = table
    self.options = options
    self.training = training
    seed = Seed(options.seed)
    indices = try split.indices(ofSubjects: table.examples.map(\.subject))
    let subjects = indices.mapValues { rows in rows.map { table.examples[$0].subject } }
    try SubjectSplit.checkDisjoint(subjects)
  }

  private func rows(_ part: SplitPart) -> [Int] { indices[part] ?? [] }

  /// The detectors in their order; the workers change the time, not the result.
  ///
  /// `folder` names the folder of a head. A detector that the examples do not allow to train or to
  /// measure is recorded with the reason. Throws `LabError` when memory is short, and
  /// `LabError.interrupted` when `shouldStop`, which any worker may call, says so.
  package func measure(
    on pool: WorkerPool, shouldStop: @Sendable () -> Bool = { false }, folder: (String) -> String
  ) throws -> TaskMeasurement {
    let heads = options.heads.map { (head: $0, folder: folder($0.name)) }
    let examples = try trainingExamples(isNeeded: !heads.isEmpty)
    let count = heads.count + table.columns.count
    let results = Mutex([Result<MeasuredDetector, any Error>?](repeating: nil, count: count))
    // Wide heads take longest: they begin first.
    pool.run(pieces: count) { _, piece in
      if shouldStop() { return }
      let result = Result {
        if piece < heads.count {
          let index = heads.count - 1 - piece
          return try head(heads[index].head, folder: heads[index].folder, examples)
        }
        return try measured(table.columns[piece - heads.count])
      }
      let place = piece < heads.count ? heads.count - 1 - piece : piece
      results.withLock { $0[place] = result }
    }
    let detectors = results.withLock { $0 }
    guard detectors.allSatisfy({ $0 != nil }) else {
      throw LabError.interrupted("stopped while detectors were trained")
    }
    return TaskMeasurement(
      counts: TaskCounts(task: table.task, parts: SplitPart.allCases.map(counts)),
      examples: rows(.test).map { table.examples[$0] },
      detectors: try detectors.compactMap { try $0?.get() })
  }

  private func counts(_ part: SplitPart) -> PartCounts {
    let own = rows(part).map { table.examples[$0] }
    return PartCounts(
      part: part, exampleCount: own.count, hallucinationCount: own.count(where: \.isHallucination),
      subjectCount: Set(own.map(\.subject)).count)
  }

  // MARK: Detectors

  /// The features on the device; the reason where heads cannot be trained on them.
  private func trainingExamples(
    isNeeded: Bool
  ) throws -> Result<HeadExamples, DetectionError> {
    guard isNeeded else { return .failure(.noExamples) }
    do {
      return .success(
        try HeadExamples(
          features: table.features, width: table.width,
          labels: table.examples.map(\.isHallucination), subjects: table.examples.map(\.subject),
          train: rows(.train), validation: rows(.validation)))
    } catch let error as DetectionError {
      return .failure(error)
    }
  }

  private func head(
    _ architecture: HeadArchitecture, folder: String,
    _ examples: Result<HeadExamples, DetectionError>
  ) throws -> MeasuredDetector {
    func detector(
      _ head: TrainedHead?, _ scores: [Double], _ quality: Result<[MetricEstimate], DetectionError>
    ) -> MeasuredDetector {
      MeasuredDetector(
        result: DetectorResult(
          task: table.task, kind: .head, name: architecture.name,
          folder: head == nil ? nil : folder, hiddenSizes: architecture.hiddenSizes,
          parameters: architecture.parameterCount(inputWidth: table.width),
          training: head?.report, metrics: quality.estimates, unmeasured: quality.reason),
        head: head, scores: scores)
    }
    switch examples {
    case .failure(let error):
      return detector(nil, [], .failure(error))
    case .success(let examples):
      let trainer = HeadTrainer(examples, options: training, seed: seed)
      let head = try trainer.train(
        architecture, name: "\(table.task.rawValue)/\(architecture.name)")
      let scores = try head.probabilities(of: table.features(of: rows(.test)))
      return detector(head, scores, estimates(scores, of: .head))
    }
  }

  private func measured(_ column: ScoreColumn) throws -> MeasuredDetector {
    let scores = rows(.test).map { column.scores[$0] }
    let quality = estimates(scores, of: column.kind)
    return MeasuredDetector(
      result: DetectorResult(
        task: table.task, kind: column.kind, name: column.name, folder: nil, hiddenSizes: [],
        parameters: 0, training: nil, metrics: quality.estimates, unmeasured: quality.reason),
      head: nil, scores: scores)
  }

  /// Metrics that mean something for a kind of detector: only a head's score is a probability.
  private func estimates(
    _ scores: [Double], of kind: DetectorKind
  ) -> Result<[MetricEstimate], DetectionError> {
    let test = rows(.test).map { table.examples[$0] }
    return Result { () throws(DetectionError) in
      let scored = try ScoredExamples(
        scores: scores, labels: test.map(\.isHallucination), subjects: test.map(\.subject))
      // One name for all detectors of a task: they see the same resamples and can be compared.
      let quality = try scored.quality(
        seed: seed, name: table.task.rawValue,
        bootstrap: BootstrapOptions(resampleCount: options.resampleCount))
      return quality.estimates.filter {
        kind == .head || !($0.metric.usesThreshold || $0.metric.needsProbabilities)
      }
    }
  }
}

extension Result where Success == [MetricEstimate], Failure == DetectionError {
  fileprivate var estimates: [MetricEstimate] { (try? get()) ?? [] }

  fileprivate var reason: String? {
    if case .failure(let error) = self { return error.description }
    return nil
  }
}
