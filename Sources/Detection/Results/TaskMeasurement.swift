package import Compute
package import LabCore
import Synchronization

/// One detector with all that came of it.
package struct MeasuredDetector: Sendable {
  package let result: DetectorResult
  package let family: String
  package let shape: DetectorShape
  /// What can be saved and used again; nil for what is not trained, or could not be.
  package let trained: TrainedDetector?
  /// One score for each example of the test part; empty for a detector that could not be made.
  package let scores: [Double]
}

/// The detectors of one task and position, all measured on the same test part.
package struct TaskMeasurement: Sendable {
  package let counts: TaskCounts
  /// The examples of the test part.
  package let examples: [DetectionExample]
  package let detectors: [MeasuredDetector]
}

/// Makes the detectors of one set of examples and measures them side by side.
package struct TaskMeasurer {
  private let material: DetectorMaterial
  private let resampleCount: Int

  /// Measures on the material's parts.
  ///
  /// Throws `DetectionError.subjectLeaks` where a subject is in two of them: the check that nothing
  /// leaks.
  package init(_ material: DetectorMaterial, resampleCount: Int) throws {
    self.material = material
    self.resampleCount = resampleCount
    try SubjectSplit.checkDisjoint(
      material.indices.mapValues { rows in rows.map { material.set.examples[$0].subject } })
  }

  /// The detectors in the order of their recipes; the workers change the time, not the result.
  ///
  /// `folder` names the folder of a trained detector. One that the examples do not allow to make or
  /// to measure is recorded with the reason. Throws `LabError` when memory is short, and
  /// `LabError.interrupted` when asked to stop.
  package func measure(
    _ recipes: [any DetectorRecipe], on pool: WorkerPool,
    work: Work = Work(shouldStop: { false }), folder: (String) -> String
  ) throws -> TaskMeasurement {
    let folders = recipes.map { folder($0.name) }
    let results = Mutex(
      [Result<MeasuredDetector, any Error>?](repeating: nil, count: recipes.count))
    // The largest begin first.
    let order = recipes.indices.filter { !recipes[$0].takesAllWorkers }.sorted {
      (recipes[$1].shape.parameters, $0) < (recipes[$0].shape.parameters, $1)
    }
    let count = recipes.count
    @Sendable func measure(_ index: Int) {
      let result = Result { try measured(recipes[index], folder: folders[index]) }
      let done = results.withLock {
        $0[index] = result
        return $0.count { $0 != nil }
      }
      work.report(Double(done) / Double(count), "\(done)/\(count)")
    }
    pool.run(pieces: order.count) { _, piece in
      if !work.shouldStop() { measure(order[piece]) }
    }
    for index in recipes.indices where recipes[index].takesAllWorkers && !work.shouldStop() {
      measure(index)
    }
    let detectors = results.withLock { $0 }
    guard detectors.allSatisfy({ $0 != nil }) else {
      throw LabError.interrupted("stopped while detectors were trained")
    }
    return TaskMeasurement(
      counts: TaskCounts(
        task: material.set.task, position: material.set.position,
        parts: SplitPart.allCases.map(counts)),
      examples: material.rows(.test).map { material.set.examples[$0] },
      detectors: try detectors.compactMap { try $0?.get() })
  }

  private func counts(_ part: SplitPart) -> PartCounts {
    let own = material.rows(part).map { material.set.examples[$0] }
    return PartCounts(
      part: part, exampleCount: own.count, hallucinationCount: own.count(where: \.isHallucination),
      subjectCount: Set(own.map(\.subject)).count)
  }

  // MARK: One detector

  private func measured(_ recipe: any DetectorRecipe, folder: String) throws -> MeasuredDetector {
    let shape = recipe.shape
    func measured(
      _ fitted: FittedDetector?, _ quality: DetectorQuality = DetectorQuality(),
      unmeasured reason: DetectionError? = nil
    ) -> MeasuredDetector {
      var result = DetectorResult(
        task: material.set.task, position: material.set.position, kind: recipe.kind,
        name: recipe.name, folder: fitted?.model == nil ? nil : folder, layer: shape.layer,
        place: shape.place, hiddenSizes: shape.hiddenSizes ?? [],
        parameters: fitted?.parameters ?? shape.parameters, training: fitted?.training,
        metrics: quality.metrics, calibrated: quality.calibrated,
        unmeasured: reason?.description)
      if case .unmixed(_, let chains) = reason { result.unmixedChains = chains }
      return MeasuredDetector(
        result: result, family: recipe.family, shape: shape,
        trained: fitted?.model.map {
          TrainedDetector(recipe, of: material.set, $0, calibrations: quality.calibrations)
        }, scores: fitted?.test ?? [])
    }
    let fitted: FittedDetector
    do {
      fitted = try recipe.make(material)
    } catch let error as DetectionError {
      return measured(nil, unmeasured: error)
    }
    do {
      return measured(fitted, try quality(fitted))
    } catch let error as DetectionError {
      return measured(fitted, unmeasured: error)
    }
  }

  private struct DetectorQuality {
    var metrics: [MetricEstimate] = []
    var calibrated: [CalibratedMetrics] = []
    var calibrations: [CalibrationMethod: ScoreCalibration] = [:]
  }

  /// Metrics that mean something for a detector, as it scores and after calibration on the
  /// validation part.
  private func quality(_ fitted: FittedDetector) throws -> DetectorQuality {
    var quality = DetectorQuality()
    quality.metrics = try estimates(fitted.test).filter {
      fitted.isProbability || !($0.metric.usesThreshold || $0.metric.needsProbabilities)
    }
    // A validation part of one class calibrates nothing; the ranking metrics stand.
    guard let validation = try? scored(fitted.validation, .validation) else { return quality }
    for method in CalibrationMethod.allCases {
      guard let calibration = try? ScoreCalibration(method, fitting: validation) else { continue }
      quality.calibrations[method] = calibration
      quality.calibrated.append(
        CalibratedMetrics(
          method: method,
          metrics: try estimates(fitted.test.map(calibration.probability), withRanking: false)
            .filter { $0.metric.usesThreshold || $0.metric.needsProbabilities }))
    }
    return quality
  }

  private func scored(_ scores: [Double], _ part: SplitPart) throws -> ScoredExamples {
    let examples = material.rows(part).map { material.set.examples[$0] }
    return try ScoredExamples(
      scores: scores, labels: examples.map(\.isHallucination), subjects: examples.map(\.subject))
  }

  private func estimates(_ scores: [Double], withRanking: Bool = true) throws -> [MetricEstimate] {
    // One name for all detectors of a set: they see the same resamples and can be compared.
    try scored(scores, .test).quality(
      seed: material.seed, name: material.set.task.rawValue + material.set.suffix,
      resampleCount: resampleCount, withRanking: withRanking
    ).estimates
  }
}
