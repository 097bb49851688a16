import Foundation
import LanguageModel
import Testing
import Training

@Suite struct ScheduleTests {
  /// 100 steps, 10 of warm-up, peak 1, final share 0.1, decay over the last 20.
  private func schedule(
    _ shape: ScheduleShape, _ change: (inout TrainingConfiguration) -> Void = { _ in }
  ) -> LearningRateSchedule {
    var training = TrainingConfiguration(epochs: 1, learningRate: 1)
    training.schedule = shape
    training.warmUpShare = 0.1
    training.finalLearningRateShare = 0.1
    training.decayShare = 0.2
    change(&training)
    return LearningRateSchedule(training, stepCount: 100)
  }

  private func expect(_ schedule: LearningRateSchedule, _ table: [(step: Int, rate: Double)]) {
    for (step, rate) in table {
      #expect(abs(schedule.rate(at: step) - rate) < 1e-12, "step \(step)")
    }
  }

  /// Each default by its formula: 3k is 1 x 16, 100k 2 x 64, 1m 5 x 128, 100m 16 x 768.
  @Test(arguments: [
    (LearningRateRule.shapeAndSteps, "3k", 100, 0.05), (.shapeAndSteps, "3k", 500, 0.035569),
    (.shapeAndSteps, "3k", 100_000, 0.0125), (.shapeAndSteps, "100k", 500, 0.007),
    (.shapeAndSteps, "100k", 8_000, 0.0035), (.shapeAndSteps, "1m", 500, 0.0014),
    (.shapeAndSteps, "100m", 500, 0.0002), (.parameters, "3k", 500, 0.0125),
    (.parameters, "100k", 500, 0.004982), (.parameters, "100m", 500, 0.0002),
    (.width, "3k", 500, 0.0125), (.width, "100k", 500, 0.01), (.width, "1m", 500, 0.007071),
  ])
  func aDefaultRateIsThatOfItsRule(
    rule: LearningRateRule, size: String, steps: Int, rate: Double
  ) throws {
    let model = try ModelSize(named: size).configuration(vocabularySize: 10, contextLength: 8)
    let training = TrainingConfiguration(epochs: 1, learningRate: 1)
    #expect(rule.peak(of: training, for: model, steps: steps) == rate)
    // From a trained model, a few steps are not a reason for a higher rate.
    #expect(
      rule.peak(of: training, for: model, steps: 10, isContinued: true)
        == rule.peak(of: training, for: model, steps: 2_300))
  }

  @Test(arguments: ScheduleShape.allCases)
  func warmUpRisesInALineToThePeak(shape: ScheduleShape) {
    expect(schedule(shape), [(0, 0.1), (1, 0.2), (4, 0.5), (9, 1), (10, 1)])
    // Steps instead of a share, and none at all.
    let four = schedule(shape) { $0.warmUpSteps = 4 }
    #expect(four.warmUpSteps == 4)
    expect(four, [(0, 0.25), (3, 1), (4, 1)])
    let none = schedule(shape) { $0.warmUpSteps = 0 }
    expect(none, [(0, 1)])
  }

  /// p is (t - 10) / 90: 0, 1/3, 1/2, 2/3 and 89/90.
  @Test func cosine() {
    expect(
      schedule(.cosine),
      [
        (10, 1), (40, 0.1 + 0.9 * 0.75), (55, 0.55), (70, 0.1 + 0.9 * 0.25),
        (99, 0.1 + 0.45 * (1 + cos(Double.pi * 89 / 90))),
      ])
  }

  @Test func linear() {
    expect(
      schedule(.linear),
      [(10, 1), (40, 0.7), (55, 0.55), (70, 0.4), (99, 1 - 0.9 * 89 / 90)])
  }

  @Test func constant() { expect(schedule(.constant), [(10, 1), (55, 1), (99, 1)]) }

  /// Stable up to step 79; from 80 on a line that step 100 would end at 0.1.
  @Test func warmUpStableDecay() {
    expect(
      schedule(.wsd),
      [(10, 1), (79, 1), (80, 1), (81, 1 - 0.9 / 20), (90, 0.55), (99, 1 - 0.9 * 19 / 20)])
    // No more decay than there is left after warm-up.
    let all = schedule(.wsd) { $0.decayShare = 1 }
    expect(all, [(9, 1), (10, 1), (55, 0.55), (99, 1 - 0.9 * 89 / 90)])
    let toZero = schedule(.wsd) { $0.finalLearningRateShare = 0 }
    expect(toZero, [(79, 1), (90, 0.5), (99, 0.05)])
  }

  @Test func everyRateIsAShareOfThePeak() {
    for shape in ScheduleShape.allCases {
      let one = schedule(shape)
      let half = schedule(shape) { $0.learningRate = 0.5 }
      for step in 0..<100 {
        #expect(abs(half.rate(at: step) - one.rate(at: step) / 2) < 1e-15)
        #expect(one.rate(at: step) > 0 && one.rate(at: step) <= 1)
      }
    }
  }

  @Test func aTrainingOfOneStepHasARate() {
    for shape in ScheduleShape.allCases {
      var training = TrainingConfiguration(epochs: 1, learningRate: 0.01)
      training.schedule = shape
      #expect(LearningRateSchedule(training, stepCount: 1).rate(at: 0) == 0.01)
    }
  }
}

@Suite struct HorizonTests {
  private func steps(_ horizon: Horizon) -> Int? {
    horizon.stepCount(stepsPerEpoch: 7, tokensPerEpoch: 1000, flopsPerToken: 60)
  }

  @Test func everyUnitBecomesSteps() {
    #expect(steps(.epochs(3)) == 21)
    #expect(steps(.steps(5)) == 5)
    // An epoch's tokens are 7 steps; 143 tokens are 1.001 of 142.86, so 2.
    #expect(steps(.tokens(1000)) == 7)
    #expect(steps(.tokens(1001)) == 8)
    #expect(steps(.tokens(143)) == 2)
    #expect(steps(.tokens(1)) == 1)
    #expect(steps(.flops(60_000)) == 7)
    #expect(steps(.flops(120_001)) == 15)
    #expect(steps(.flops(1e-3)) == 1)
  }

  @Test func tooLongIsNone() {
    #expect(steps(.flops(1e300)) == nil)
    #expect(steps(.tokens(.max)) == nil)
  }

  @Test func words() {
    #expect(Horizon.epochs(1).words == "1 epoch" && Horizon.epochs(20).words == "20 epochs")
    #expect(Horizon.steps(500).words == "500 steps" && Horizon.flops(1e12).words == "1e+12 FLOPs")
    #expect(Horizon.epochs(20).slug == "e20" && Horizon.steps(20).slug == "n20")
  }
}
