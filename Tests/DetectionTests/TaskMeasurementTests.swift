import Compute
import Detection
import Foundation
import LabCore
import Synchronization
import Testing

struct TaskMeasurementTests {
  private func normal(_ width: Int, _ stream: inout RandomStream) -> [Float] {
    (0..<width).map { _ in Float(stream.normal()) }
  }

  /// Features name the subject, labels are fixed for each: a head that has seen a subject knows its
  /// label.
  ///
  /// Of 40 test subjects, AUROC at chance has a standard deviation of about 0.09.
  @Test func subjectsSeenInTrainingAreNotInTheTest() throws {
    var names = Seed(21).stream("names")
    let codes = (0..<200).map { _ in (0..<40).map { _ in Float(names.normal()) } }
    let labels = (0..<200).map { _ in names.uniform() < 0.5 }
    let synthetic = try SyntheticMaterial(width: 40) { subject, _, _ in
      (labels[subject], codes[subject])
    }
    let measured = try synthetic.measure([
      try synthetic.head(try HeadArchitecture(named: "mlp-64"))
    ])
    let auroc = try #require(measured.detectors[0].result[.auroc])
    #expect(abs(auroc.value - 0.5) < 0.25)
    // The same head does know the subjects it was trained on.
    let trained = try #require(measured.detectors[0].trained?.head)
    let test = Set(measured.examples.map(\.subject))
    #expect(test.count == 40)
    let examples = synthetic.material.set.examples
    let rows = synthetic.material.rows(.train)
    #expect(rows.allSatisfy { !test.contains(examples[$0].subject) })
    let own = try ScoredExamples(
      scores: trained.probabilities(of: synthetic.values(rows)),
      labels: rows.map { examples[$0].isHallucination }, subjects: rows.map { examples[$0].subject }
    )
    #expect(try own.auroc() > 0.8)
  }

  @Test func workersDoNotChangeTheNumbers() throws {
    let synthetic = try SyntheticMaterial { _, _, stream in
      let label = stream.uniform() < 0.5
      return (label, (0..<4).map { Float(stream.normal() + ($0 == 2 && label ? 1 : 0)) })
    }
    let recipes: [any DetectorRecipe] = [
      try synthetic.head(.linear), try synthetic.head(try HeadArchitecture(named: "mlp-4")),
      Oracle(),
    ]
    let one = try synthetic.measure(recipes, workers: 1)
    let two = try synthetic.measure(recipes, workers: 2)
    #expect(one.detectors.map(\.result) == two.detectors.map(\.result))
    #expect(one.detectors.map(\.scores) == two.detectors.map(\.scores))
    #expect(one.detectors.map(\.result.name) == ["linear", "mlp-4", "oracle"])
    // Two normal distributions one apart: AUROC is Phi(1 / sqrt 2).
    let auroc = try #require(one.detectors[0].result[.auroc])
    #expect(abs(auroc.value - 0.760) < 0.1)
    #expect(try #require(auroc.lower) < auroc.value)
    #expect(one.detectors[2].result[.auroc]?.value == 1)
    #expect(one.detectors[2].result[.prr]?.value == 1)
    #expect(one.counts.parts.map(\.exampleCount) == [600, 200, 200])
    #expect(one.counts.parts.map(\.subjectCount) == [120, 40, 40])
    #expect(one.counts.prevalence == one.detectors[2].result[.prevalence]?.value)
  }

  @Test func onlyProbabilitiesHaveMetricsThatNeedThem() throws {
    let synthetic = try SyntheticMaterial { _, _, stream in
      (stream.uniform() < 0.5, normal(4, &stream))
    }
    let measured = try synthetic.measure([try synthetic.head(.linear), Oracle()])
    #expect(measured.detectors[0].result.metrics.map(\.metric) == DetectionMetric.allCases)
    #expect(
      measured.detectors[1].result.metrics.map(\.metric)
        == [.prevalence, .auprc, .auprcMatched, .auroc, .fprAtTpr, .prr, .aurc])
    // After calibration any score has them, and the oracle's are near perfect.
    for method in CalibrationMethod.allCases {
      let oracle = measured.detectors[1].result
      #expect(oracle[.accuracy, method]?.value == 1)
      #expect(try #require(oracle[.brier, method]?.value) < 1e-3)
      #expect(try #require(oracle[.logLoss, method]?.value) < 0.02)
      #expect(oracle[.auroc, method] == nil)
    }
  }

  @Test func oneClassIsRecordedAsNotMeasurable() throws {
    let synthetic = try SyntheticMaterial { _, _, _ in (false, [1, 2, 3, 4]) }
    let measured = try synthetic.measure([try synthetic.head(.linear), Oracle()])
    let (head, score) = (measured.detectors[0], measured.detectors[1])
    #expect(head.result.metrics.isEmpty && score.result.metrics.isEmpty)
    #expect(head.result.unmeasured?.contains("training examples are not hallucinated") == true)
    #expect(score.result.unmeasured?.contains("all 200 examples") == true)
    #expect(head.trained == nil && head.scores.isEmpty && head.result.folder == nil)
    #expect(score.scores.count == 200)
    #expect(measured.counts.prevalence == 0)
    // As JSON: no number that is none.
    let json = String(decoding: try CanonicalJSON.compact(head.result), as: UTF8.self)
    #expect(!json.lowercased().contains("nan"))
  }

  /// A head can learn where only the test part has one class.
  @Test func oneClassInTheTestPartAlone() throws {
    let split = try SubjectSplit(of: (0..<200).map(Int32.init), seed: Seed(0))
    let synthetic = try SyntheticMaterial { subject, _, stream in
      (split.part(of: Int32(subject)) != .test && stream.uniform() < 0.5, normal(4, &stream))
    }
    let head = try synthetic.measure([try synthetic.head(.linear)]).detectors[0]
    #expect(head.trained != nil)
    #expect(head.scores.count == 200)
    #expect(head.result.metrics.isEmpty)
    #expect(head.result.unmeasured?.contains("not hallucinated") == true)
  }

  @Test func noExamplesAtAll() throws {
    let synthetic = try SyntheticMaterial(subjects: 10, perSubject: 0) { _, _, _ in (false, []) }
    let measured = try synthetic.measure([try synthetic.head(.linear), Oracle()])
    #expect(measured.detectors.allSatisfy { $0.result.unmeasured != nil })
    #expect(measured.counts.prevalence == nil)
  }

  /// A posterior may take minutes: each detector that is done is reported, whatever its kind.
  @Test func everyDetectorIsReported() throws {
    let synthetic = try SyntheticMaterial(subjects: 40, perSubject: 2) { _, _, stream in
      (stream.uniform() < 0.5, normal(4, &stream))
    }
    let heads = try ["linear", "mlp-2", "mlp-4"].map {
      try synthetic.head(HeadArchitecture(named: $0))
    }
    let reports = Mutex<[String]>([])
    let work = Work(
      report: { share, words in reports.withLock { $0.append("\(Int(share * 3)) \(words)") } },
      shouldStop: { false })
    _ = try TaskMeasurer(synthetic.material, resampleCount: 0)
      .measure(heads, on: WorkerPool(workerCount: 1), work: work) { $0 }
    #expect(reports.withLock { $0 } == ["1 1/3", "2 2/3", "3 3/3"])
  }

  /// A split with a subject in two parts is no split.
  @Test func leakingPartsAreRefused() throws {
    let synthetic = try SyntheticMaterial(subjects: 20, perSubject: 2) { _, _, stream in
      (stream.uniform() < 0.5, normal(4, &stream))
    }
    let old = synthetic.material
    let test = old.rows(.test)
    let leaking = DetectorMaterial(
      set: old.set, answers: old.answers, features: old.features, graph: old.graph,
      baselines: old.baselines,
      indices: [
        .train: old.rows(.train) + [test[1]], .validation: old.rows(.validation), .test: test,
      ],
      seed: Seed(0))
    let error = #expect(throws: DetectionError.self) {
      try TaskMeasurer(leaking, resampleCount: 0)
    }
    #expect(
      error
        == .subjectLeaks(
          subject: old.set.examples[test[1]].subject, first: .train, second: .test, sharedCount: 1))
  }
}

/// Detectors that cannot know anything must find nothing.
struct NullTests {
  private static let subjects = 300

  private func measured(
    shufflesLabels: Bool, _ feature: (Bool, inout RandomStream) -> Double
  ) throws -> TaskMeasurement {
    let synthetic = try SyntheticMaterial(
      subjects: Self.subjects, perSubject: 4, width: 6, shufflesLabels: shufflesLabels
    ) { _, _, stream in
      let label = stream.uniform() < 0.3
      return (label, (0..<6).map { _ in Float(feature(label, &stream)) })
    }
    return try synthetic.measure(
      [
        try synthetic.head(.linear), try synthetic.head(try HeadArchitecture(named: "mlp-16")),
        SAPLMADetector(of: synthetic.material.set, synthetic.material.features.configuration),
      ], resamples: 200)
  }

  private func expectChance(_ measured: TaskMeasurement) throws {
    for detector in measured.detectors {
      let auroc = try #require(detector.result[.auroc])
      let (lower, upper) = (try #require(auroc.lower), try #require(auroc.upper))
      #expect(lower < 0.5 && 0.5 < upper, "\(detector.result.name): \(lower) to \(upper)")
      #expect(upper - lower < 0.25)
    }
  }

  @Test func featuresWithoutSignalAreAtChance() throws {
    try expectChance(measured(shufflesLabels: false) { _, stream in stream.normal() })
  }

  @Test func shuffledLabelsAreAtChance() throws {
    let signal: (Bool, inout RandomStream) -> Double = { label, stream in
      stream.normal() + (label ? 0.7 : 0)
    }
    // The signal is there: with true labels everything finds it.
    for detector in try measured(shufflesLabels: false, signal).detectors {
      #expect(try #require(detector.result[.auroc]?.lower) > 0.75)
    }
    // A detector of a strong signal on random labels ranks in a random direction, not above chance
    // on average.
    let aurocs = try measured(shufflesLabels: true) { label, stream in
      stream.normal() + (label ? 0.05 : 0)
    }
    try expectChance(aurocs)
  }
}
