import Detection
import LabCore
import Testing

@Suite struct MetricRefusalTests {
  @Test func notANumberNamesItsIndex() {
    #expect(throws: DetectionError.scoreNotANumber(index: 2)) {
      try examples([1, 2, .nan, .nan], [1, 0, 1, 0])
    }
    #expect(DetectionError.scoreNotANumber(index: 2).description.contains("example 2"))
    #expect(DetectionError.scoreNotANumber(index: 2).exitStatus == .badInput)
  }

  @Test func columnsMustMatch() {
    #expect(throws: DetectionError.lengthMismatch(column: "labels", count: 1, expected: 2)) {
      try ScoredExamples(scores: [1, 2] as [Double], labels: [true], subjects: [0, 1])
    }
    #expect(throws: DetectionError.lengthMismatch(column: "subjects", count: 3, expected: 2)) {
      try ScoredExamples(scores: [1, 2] as [Double], labels: [true, false], subjects: [0, 1, 2])
    }
    #expect(throws: DetectionError.noExamples) { try examples([], []) }
  }

  @Test(arguments: [true, false])
  func oneClassIsRefused(label: Bool) throws {
    let oneClass = try examples([0.1, 0.2, 0.3], Array(repeating: label ? 1 : 0, count: 3))
    let expected = DetectionError.oneClass(hallucinated: label, count: 3)
    #expect(throws: expected) { try oneClass.auroc() }
    #expect(throws: expected) { try oneClass.metrics() }
    #expect(throws: expected) { try oneClass.quality(seed: Seed(1), name: "x") }
  }

  @Test func impossibleOptionsAreRefused() throws {
    let set = try examples([1, 0], [1, 0])
    for options in [
      MetricOptions(matchedPrevalence: 0), MetricOptions(matchedPrevalence: 1),
      MetricOptions(matchedPrevalence: .nan), MetricOptions(threshold: .nan),
      MetricOptions(truePositiveRate: 0), MetricOptions(truePositiveRate: 1.1),
      MetricOptions(calibrationBinCount: 0),
    ] {
      #expect(throws: DetectionError.self, "\(options)") { try set.metrics(options) }
    }
  }
}
