import Benchmarks
import Compute
import LanguageModel
import Testing
import Training

@Suite struct TrainingBenchmarkTests {
  @Test(arguments: [Precision.fp32, .bf16])
  func stepsAreMeasured(precision: Precision) throws {
    let shape = try BenchmarkShape("1x16x1")
    let result = try StepBenchmark(
      shape.configuration(vocabularySize: 32, contextLength: 8), sequences: 4,
      precision: precision, workers: 2
    ).run(seconds: 1e-3)
    #expect(result.speed.repetitions >= 3)
    #expect(abs(result.speed.tokensPerSecond * result.speed.seconds - 32) < 1e-6)
    #expect(result.speed.shareOfCeiling > 0 && result.speed.shareOfCeiling < 100)
    // Random tokens cannot be learnt: about ln 32.
    #expect(abs(result.crossEntropy - 3.47) < 1.5)
  }

  @Test func aLadderTrainsEveryShapeTheSameWhateverTheWorkers() throws {
    let results = try [1, 2].map {
      try LadderBenchmark(.ladder, steps: 1, precision: .fp32, workers: $0)
        .run(ceilingSeconds: 1e-3)
    }
    for result in results {
      #expect(result.rungs.map(\.shape) == BenchmarkRegime.ladder.shapes.map(\.description))
      #expect(result.seconds > 0 && result.flopsPerSecond > 0)
      #expect(result.shareOfCeiling > 0 && result.shareOfCeiling < 100)
    }
    #expect(results[0].rungs.map(\.crossEntropy) == results[1].rungs.map(\.crossEntropy))
  }
}
