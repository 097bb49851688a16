import Compute
import Detection
import Foundation
import LabCore
import Testing

struct TaskMeasurementTests {
  private let subjectCount = 200
  private let perSubject = 5

  /// Examples whose features are what `feature` gives for (subject, normal number).
  private func table(
    width: Int = 4, label: (Int, inout RandomStream) -> Bool,
    features: (Int, Bool, inout RandomStream) -> [Float]
  ) -> ExampleTable {
    var stream = Seed(20).stream("table")
    var examples: [DetectionExample] = []
    var rows: [Float] = []
    for subject in 0..<subjectCount {
      for sample in 0..<perSubject {
        let isHallucination = label(subject, &stream)
        examples.append(
          DetectionExample(
            query: subject, sample: sample, token: nil, subject: Int32(subject), text: "",
            isHallucination: isHallucination))
        rows += features(subject, isHallucination, &stream)
      }
    }
    let scores = examples.map { $0.isHallucination ? 1.0 : -1 }
    return ExampleTable(
      task: .sentence, examples: examples, width: width, features: rows,
      columns: [ScoreColumn(name: "oracle", kind: .score, scores: scores)])
  }

  private func measure(
    _ table: ExampleTable, workers: Int = 1, heads: [HeadArchitecture] = [.linear]
  ) throws -> TaskMeasurement {
    var options = DetectionOptions()
    options.heads = heads
    options.resampleCount = 50
    let split = try SubjectSplit(of: (0..<subjectCount).map(Int32.init), seed: Seed(0))
    return try TaskMeasurer(table, split: split, options: options)
      .measure(on: WorkerPool(workerCount: workers)) { "sentence-\($0)" }
  }

  private func half(_ subject: Int, _ stream: inout RandomStream) -> Bool {
    stream.uniform() < 0.5
  }

  /// Features name the subject, labels are fixed for each: a head that has seen a subject knows its label.
  ///
  /// Of 40 test subjects, AUROC at chance has a standard deviation of about 0.09.
  @Test func subjectsSeenInTrainingAreNotInTheTest() throws {
    var names = Seed(21).stream("names")
    let codes = (0..<subjectCount).map { _ in (0..<40).map { _ in Float(names.normal()) } }
    let labels = (0..<subjectCount).map { _ in names.uniform() < 0.5 }
    let table = table(
      width: 40, label: { subject, _ in labels[subject] },
      features: { subject, _, _ in codes[subject] })
    let head = try HeadArchitecture(named: "mlp-64")
    let measured = try measure(table, heads: [head])
    let auroc = try #require(measured.detectors[0].result[.auroc])
    #expect(abs(auroc.value - 0.5) < 0.25)
    // The same head does know the subjects it was trained on.
    let trained = try #require(measured.detectors[0].head)
    let test = Set(measured.examples.map(\.subject))
    #expect(test.count == 40)
    let split = try SubjectSplit(of: (0..<subjectCount).map(Int32.init), seed: Seed(0))
    let rows = table.examples.indices.filter {
      split.part(of: table.examples[$0].subject) == .train
    }
    #expect(rows.allSatisfy { !test.contains(table.examples[$0].subject) })
    let own = try ScoredExamples(
      scores: trained.probabilities(of: table.features(of: rows)),
      labels: rows.map { table.examples[$0].isHallucination },
      subjects: rows.map { table.examples[$0].subject })
    #expect(try own.auroc() > 0.8)
  }

  @Test func workersDoNotChangeTheNumbers() throws {
    let table = table(label: half) { _, label, stream in
      (0..<4).map { Float(stream.normal() + ($0 == 2 && label ? 1 : 0)) }
    }
    let heads = [HeadArchitecture.linear, try HeadArchitecture(named: "mlp-4")]
    let one = try measure(table, workers: 1, heads: heads)
    let two = try measure(table, workers: 2, heads: heads)
    #expect(one.detectors.map(\.result) == two.detectors.map(\.result))
    #expect(one.detectors.map(\.scores) == two.detectors.map(\.scores))
    #expect(one.detectors.map(\.result.name) == ["linear", "mlp-4", "oracle"])
    // Two normal distributions one apart: AUROC is Phi(1 / sqrt 2).
    let auroc = try #require(one.detectors[0].result[.auroc])
    #expect(abs(auroc.value - 0.760) < 0.1)
    #expect(try #require(auroc.lower) < auroc.value)
    #expect(one.detectors[2].result[.auroc]?.value == 1)
    #expect(one.counts.parts.map(\.exampleCount) == [600, 200, 200])
    #expect(one.counts.parts.map(\.subjectCount) == [120, 40, 40])
    #expect(one.counts.prevalence == one.detectors[2].result[.prevalence]?.value)
  }

  @Test func onlyHeadsHaveMetricsThatNeedProbabilities() throws {
    let measured = try measure(
      table(label: half) { _, _, stream in (0..<4).map { _ in Float(stream.normal()) } })
    #expect(measured.detectors[0].result.metrics.map(\.metric) == DetectionMetric.allCases)
    #expect(
      measured.detectors[1].result.metrics.map(\.metric)
        == [.prevalence, .auprc, .auprcMatched, .auroc, .fprAtTpr])
  }

  @Test func oneClassIsRecordedAsNotMeasurable() throws {
    let measured = try measure(
      table(label: { _, _ in false }, features: { _, _, _ in [1, 2, 3, 4] }))
    let (head, score) = (measured.detectors[0], measured.detectors[1])
    #expect(head.result.metrics.isEmpty && score.result.metrics.isEmpty)
    #expect(head.result.unmeasured?.contains("training examples are not hallucinated") == true)
    #expect(score.result.unmeasured?.contains("all 200 examples") == true)
    #expect(head.head == nil && head.scores.isEmpty && head.result.folder == nil)
    #expect(score.scores.count == 200)
    #expect(measured.counts.prevalence == 0)
    // As JSON: no number that is none.
    let json = String(decoding: try CanonicalJSON.compact(head.result), as: UTF8.self)
    #expect(!json.lowercased().contains("nan"))
  }

  /// A head can learn where only the test part has one class.
  @Test func oneClassInTheTestPartAlone() throws {
    let split = try SubjectSplit(of: (0..<subjectCount).map(Int32.init), seed: Seed(0))
    let measured = try measure(
      table(
        label: { subject, stream in
          split.part(of: Int32(subject)) != .test && stream.uniform() < 0.5
        }, features: { _, _, stream in (0..<4).map { _ in Float(stream.normal()) } }))
    let head = measured.detectors[0]
    #expect(head.head != nil)
    #expect(head.scores.count == 200)
    #expect(head.result.metrics.isEmpty)
    #expect(head.result.unmeasured?.contains("not hallucinated") == true)
  }

  @Test func noExamplesAtAll() throws {
    let empty = ExampleTable(
      task: .token, examples: [], width: 4, features: [],
      columns: [ScoreColumn(name: "x", kind: .score, scores: [])])
    let measured = try measure(empty)
    #expect(measured.detectors.allSatisfy { $0.result.unmeasured != nil })
    #expect(measured.counts.prevalence == nil)
  }
}
