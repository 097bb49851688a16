import Benchmarks
import Compute
import LabCore
import LanguageModel
import Testing

@Suite struct ModelBenchmarkTests {
  /// Width 4 has a feed-forward width of 16: a layer's matrices have 4 x 16 + 3 x 64 = 256 weights,
  /// the read-out of 10 words 40.
  private let tiny = ModelConfiguration(
    layerCount: 3, modelDimension: 4, headCount: 2, feedForwardDimension: 16, vocabularySize: 10,
    contextLength: 4, tiedEmbeddings: true, queryKeyNorm: false)

  @Test func trainingIsCountedAsByHand() {
    // 6 (3 x 256 + 40) for the weights; 12 x 3 layers x 4 wide x 2 keys for attention.
    #expect(tiny.trainingFLOPsPerToken(meanAttendedLength: 2) == 4848 + 288)
  }

  @Test func theCountedWeightsAreThoseOfTheLayout() {
    let matrices = ParameterLayout(tiny).matrixCount
    #expect(tiny.trainingFLOPsPerToken(meanAttendedLength: 0) == 6 * Double(matrices))
  }

  @Test func generationIsCountedAsByHand() {
    // Of a prompt of 2 and 2 new tokens, 3 pass the layers and attend to 1, 2 and 3 keys; 2 are
    // read out.
    let (weights, attention, readOut) = (2 * 768 * 3, 4 * 12 * 6, 2 * 40 * 2)
    #expect((weights, attention, readOut) == (4608, 288, 160))
    #expect(tiny.generationFLOPs(promptLength: 2, newTokens: 2) == 5056)
    #expect(tiny.generationFLOPs(promptLength: 2, newTokens: 0) == 0)
  }

  @Test func shapesAreThoseOfThePeers() throws {
    let shape = try BenchmarkShape("4x96x6")
    let model = shape.configuration(vocabularySize: 1024, contextLength: 128)
    #expect("\(shape)" == "4x96x6")
    #expect(model.layerCount == 4 && model.modelDimension == 96 && model.headCount == 6)
    #expect(model.feedForwardDimension == 256)
    #expect(model.tiedEmbeddings && !model.queryKeyNorm && model.activation == .swiglu)
  }

  @Test func presetsAreSound() throws {
    let regimes: [BenchmarkRegime] = [.lab, .wide, .generation, .ladder]
    for regime in regimes {
      for shape in regime.shapes {
        let again = try BenchmarkShape(shape.description)
        #expect(again == shape)
        try again.configuration(
          vocabularySize: regime.vocabularySize, contextLength: regime.contextLength
        ).validate()
      }
    }
    #expect(BenchmarkRegime.lab.sequences * BenchmarkRegime.lab.contextLength == 2_048)
    #expect(BenchmarkRegime.wide.sequences * BenchmarkRegime.wide.contextLength == 8_192)
    #expect(BenchmarkRegime.ladder.shapes.count == 8)
  }

  @Test(arguments: ["", "2x64", "2x64x", "2x64x4x1", "ax64x4", "2x64x5", "0x64x4", "2x-64x4"])
  func otherShapesAreRefused(text: String) {
    #expect(throws: LabError.self) { try BenchmarkShape(text) }
  }

  @Test(arguments: [1, 2])
  func generationIsMeasured(workers: Int) throws {
    let shape = try BenchmarkShape("1x16x1")
    let speed = try GenerationBenchmark(
      shape.configuration(vocabularySize: 40, contextLength: 7), prompts: 5, promptLength: 3,
      newTokens: 4, batch: 2, precision: .fp32, workers: workers
    ).run(seconds: 1e-3)
    #expect(speed.repetitions >= 3)
    #expect(abs(speed.tokensPerSecond * speed.seconds - 20) < 1e-6)
    #expect(speed.shareOfCeiling > 0 && speed.shareOfCeiling < 100)
    #expect(speed.flopsPerSecond == speed.tokensPerSecond * speed.flopsPerToken)
  }

  @Test func queriesHaveTheAnswersAskedFor() {
    let queries = ScoringBenchmark.randomQueries(
      8, vocabulary: 40, promptLength: 3, answers: 1.25, answerLength: 2)
    #expect(queries.map(\.completions.count) == [1, 1, 1, 2, 1, 1, 1, 2])
    #expect(queries.allSatisfy { $0.prompt.count == 3 })
    #expect(queries.allSatisfy { $0.completions.allSatisfy { $0.count == 2 } })
  }

  @Test(arguments: [1, 2])
  func scoringIsMeasured(workers: Int) throws {
    let shape = try BenchmarkShape("1x16x1")
    let model = try LanguageModel(
      shape.configuration(vocabularySize: 40, contextLength: 5), seed: Seed(0), on: .cpu)
    let queries = ScoringBenchmark.randomQueries(
      5, vocabulary: 40, promptLength: 3, answers: 2, answerLength: 2)
    let speed = try ScoringBenchmark(
      model, queries, samples: 3,
      limits: GenerationLimits(maximumNewTokens: 2, endToken: -1, stopTokens: 0..<0),
      workers: workers
    ).run(seconds: 1e-3)
    #expect(speed.repetitions >= 3)
    #expect(abs(speed.forwardTokensPerSecond * speed.forwardSeconds - 20) < 1e-6)
    #expect(abs(speed.queriesPerSecond * speed.scoringSeconds - 5) < 1e-6)
    #expect(abs(speed.sampledTokensPerSecond * speed.samplingSeconds - 30) < 1e-6)
    #expect(speed.ratio > 0 && speed.textsRatio > 0)
  }
}
