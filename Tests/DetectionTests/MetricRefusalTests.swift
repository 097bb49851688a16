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
    #expect(throws: DetectionError.lengthMismatch(column: "weights", count: 0, expected: 1)) {
      try ScoredExamples(scores: [1] as [Double], labels: [true], subjects: [0], weights: [])
    }
    #expect(throws: DetectionError.noExamples) { try examples([], []) }
  }

  @Test(arguments: [-1, .infinity])
  func weightsMustBeFiniteAndPositive(weight: Double) {
    #expect(throws: DetectionError.weightInvalid(index: 1, weight: weight)) {
      try ScoredExamples(
        scores: [1, 2] as [Double], labels: [true, false], subjects: [0, 1], weights: [1, weight])
    }
  }

  @Test(arguments: [true, false])
  func oneClassIsRefused(label: Bool) throws {
    let oneClass = try examples([0.1, 0.2, 0.3], Array(repeating: label ? 1 : 0, count: 3))
    let expected = DetectionError.oneClass(hallucinated: label, count: 3)
    #expect(throws: expected) { try oneClass.auprc() }
    #expect(throws: expected) { try oneClass.auroc() }
    #expect(throws: expected) { try oneClass.metrics() }
    #expect(throws: expected) { try oneClass.quality(seed: Seed(1), name: "x") }
    #expect(RankedExamples(nonthrowing: oneClass)?.values() == nil)
    // These need no second class.
    #expect(try oneClass.prevalence() == (label ? 1 : 0))
    #expect(
      abs(try oneClass.calibration().brier - (label ? (0.81 + 0.64 + 0.49) / 3 : 0.14 / 3)) < 1e-15)
  }

  @Test func aClassWithoutWeightDoesNotCount() throws {
    let weightless = try ScoredExamples(
      scores: [1, 2, 3] as [Double], labels: [true, false, false], subjects: [0, 1, 2],
      weights: [0, 1, 1])
    #expect(throws: DetectionError.oneClass(hallucinated: false, count: 2)) {
      try weightless.auroc()
    }
    let nothing = try ScoredExamples(
      scores: [1, 2] as [Double], labels: [true, false], subjects: [0, 1], weights: [0, 0])
    #expect(throws: DetectionError.noExamples) { try nothing.auroc() }
    #expect(throws: DetectionError.noExamples) { try nothing.prevalence() }
  }

  @Test func calibrationNeedsProbabilities() throws {
    let scores = try examples([0.5, 1.5, -1], [1, 0, 1])
    #expect(throws: DetectionError.scoreNotAProbability(index: 1, score: 1.5)) {
      try scores.calibration()
    }
    #expect(try scores.quality(seed: Seed(1), name: "x")[.brier] == nil)
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
    for options in [
      BootstrapOptions(resampleCount: -1), BootstrapOptions(level: 0), BootstrapOptions(level: 1),
    ] {
      #expect(throws: DetectionError.self, "\(options)") {
        try set.quality(seed: Seed(1), name: "x", bootstrap: options)
      }
    }
  }
}

extension RankedExamples {
  fileprivate init?(nonthrowing examples: ScoredExamples) { try? self.init(examples) }
}
