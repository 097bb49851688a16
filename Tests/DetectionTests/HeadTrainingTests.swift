import Detection
import Foundation
import LabCore
import TestSupport
import Testing

struct HeadTrainingTests {
  /// A case of Fixtures/logistic.json, which Fixtures/make_logistic.py makes with scikit-learn.
  struct LogisticFixture: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let width: Int
    let features: [Float]
    let labels: [Int]
    let auroc: Double
    let logLoss: Double

    var testDescription: String { name }

    enum CodingKeys: String, CodingKey {
      case name, width, features, labels, auroc
      case logLoss = "log_loss"
    }

    static func all() throws -> [LogisticFixture] {
      struct File: Decodable { let cases: [LogisticFixture] }
      return try Repository.fixture("logistic.json", as: File.self).cases
    }
  }

  @Test(arguments: try LogisticFixture.all())
  func linearHeadEqualsLogisticRegression(fixture: LogisticFixture) throws {
    let toy = ToyExamples(
      width: fixture.width, features: fixture.features, labels: fixture.labels.map { $0 == 1 })
    func measure(_ options: HeadTrainingOptions) throws -> (auroc: Double, loss: Double) {
      let scored = try toy.scored(by: toy.head(.linear, options: options))
      var loss = 0.0
      for (score, label) in zip(scored.scores, scored.labels) {
        loss -= log(label ? score : 1 - score)
      }
      return (try scored.auroc(), loss / Double(scored.count))
    }
    var options = HeadTrainingOptions()
    options.linearPenalties = [1]
    let same = try measure(options)
    #expect(abs(same.auroc - fixture.auroc) < 2e-4)
    #expect(abs(same.loss - fixture.logLoss) < 1e-4)
    let chosen = try measure(HeadTrainingOptions())
    #expect(chosen.auroc > fixture.auroc - 0.005)
    #expect(chosen.loss < fixture.logLoss + 0.005)
  }

  @Test(arguments: HeadArchitecture.ladder.prefix(3))
  func headsLearnASeparableProblem(head: HeadArchitecture) throws {
    let toy = ToyExamples(rows: 1_000, width: 6, seed: 8) { row, _ in
      row[0] - 2 * row[3] + 0.5 > 0
    }
    let trained = try toy.head(head)
    #expect(try toy.scored(by: trained).auroc() > 0.99)
    #expect(try #require(trained.report.validationAUROC) > 0.99)
    #expect(trained.report.validationLoss < 0.15)
  }

  /// Exclusive or of two signs: nothing for a linear head, easy for a hidden layer.
  @Test func onlyHiddenLayersLearnExclusiveOr() throws {
    let toy = ToyExamples(rows: 2_000, width: 4, seed: 5) { row, _ in
      (row[0] > 0) != (row[1] > 0)
    }
    let linear = try toy.scored(by: toy.head(.linear)).auroc()
    #expect(abs(linear - 0.5) < 0.1)
    #expect(try toy.scored(by: toy.head(HeadArchitecture(named: "mlp-16"))).auroc() > 0.97)
    #expect(try toy.scored(by: toy.head(HeadArchitecture(named: "mlp-16x2"))).auroc() > 0.97)
  }

  /// 500 test examples, half hallucinated: the AUROC of chance has a standard deviation of 0.026.
  @Test(arguments: ["linear", "mlp-16"])
  func noiseGivesChance(name: String) throws {
    let toy = ToyExamples(rows: 2_500, width: 8, seed: 6) { _, uniform in uniform < 0.5 }
    let auroc = try toy.scored(by: toy.head(HeadArchitecture(named: name))).auroc()
    #expect(abs(auroc - 0.5) < 0.1)
  }

  @Test(arguments: ["linear", "mlp-16"])
  func shuffledLabelsGiveChance(name: String) throws {
    let toy = ToyExamples(rows: 2_500, width: 8, seed: 7) { row, _ in row[2] > 0 }
    var labels = toy.labels
    var stream = Seed(1).stream("labels")
    stream.shuffle(&labels)
    let shuffled = ToyExamples(width: 8, features: toy.features, labels: labels)
    let auroc = try shuffled.scored(by: shuffled.head(HeadArchitecture(named: name))).auroc()
    #expect(abs(auroc - 0.5) < 0.1)
  }

  @Test func trainingIsAFunctionOfTheSeed() throws {
    let toy = ToyExamples(rows: 400, width: 4, seed: 9) { row, uniform in row[1] + uniform > 0.5 }
    let head = try HeadArchitecture(named: "mlp-8")
    let first = try toy.head(head, seed: 1)
    #expect(try toy.head(head, seed: 1) == first)
    #expect(try toy.head(head, seed: 2).parameters != first.parameters)
    #expect(first.parameters.count == head.parameterCount(inputWidth: 4))
  }

  @Test func mlpsStopEarlyAndKeepTheBest() throws {
    let toy = ToyExamples(rows: 300, width: 20, seed: 10) { _, uniform in uniform < 0.5 }
    let report = try toy.head(HeadArchitecture(named: "mlp-64")).report
    let options = HeadTrainingOptions()
    #expect(report.stepCount < options.stepCount)
    #expect(report.stepCount == report.bestStep + options.patience * options.validationInterval)
    #expect(report.validationLoss < 1)
    let linear = try toy.head(.linear).report
    #expect(linear.regularization == 100)
    #expect(linear.validationLoss < report.validationLoss)
  }

  @Test func oneClassAndEmptyPartsAreRefused() {
    #expect(throws: DetectionError.oneClassInTraining(hallucinated: false, count: 3)) {
      try HeadExamples(
        features: [1, 2, 3, 4], width: 1, labels: [false, false, false, true],
        subjects: [0, 1, 2, 3], train: [0, 1, 2], validation: [3])
    }
    #expect(throws: DetectionError.noExamples) {
      try HeadExamples(
        features: [1, 2], width: 1, labels: [false, true], subjects: [0, 1], train: [0, 1],
        validation: [])
    }
  }
}
