import Foundation
import LanguageModel
import TestSupport
import Testing
import Training

@Suite struct RecipeTrainingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Where a parameterisation's base width is the model's, its training is that of plain, to the
  /// bit.
  @Test(arguments: [Parameterization.standard, .mup, .ntk, .meanField])
  func parameterizationsTrainAlikeAtTheBaseWidth(parameterization: Parameterization) throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let plain = try trainTiny(into: folders.0.url, epochs: 2) { request, _ in
      request.learningRate = 0.01
    }
    let scaled = try trainTiny(into: folders.1.url, epochs: 2) { request, _ in
      request.learningRate = 0.01
      request.training.parameterization = parameterization
      request.training.baseWidth = 16
    }
    #expect(scaled.weightsHash == plain.weightsHash && plain.weightsHash != nil)
  }

  @Test(arguments: [OptimizerKind.sgd, .adafactor])
  func ratesOfOtherOptimizersAreAsked(optimizer: OptimizerKind) {
    expectFailure("optimizer \(optimizer.rawValue) has no default learning rate") {
      try trainTiny(into: folder.url) { request, _ in request.training.optimizer = optimizer }
    }
  }

  @Test func whatWouldHaveNoEffectIsRefused() {
    expectFailure("parameterization plain has none") {
      try trainTiny(into: folder.url) { request, _ in request.training.multipliers = .applied }
    }
    expectFailure("epsilon is AdamW's, and optimizer is adam-atan2") {
      try trainTiny(into: folder.url) { request, _ in
        request.training.optimizer = .adamAtan2
        request.training.epsilon = 1e-6
      }
    }
    expectFailure("read_out_rate is 2.0, and tied embeddings have no read-out of their own") {
      try trainTiny(into: folder.url) { request, _ in
        request.tiedEmbeddings = true
        request.training.layerRates.readOut = 2
      }
    }
  }

  @Test func theRuleIsTakenAtTheBaseWidth() throws {
    let record = try trainTiny(into: folder.url, epochs: 1) { request, _ in
      request.training.parameterization = .mup
    }
    #expect(record.configuration.training.learningRate == 0.01)
    #expect(record.configuration.training.baseWidth == 64)
  }

  /// Ten steps of a graph whose epochs have six: one epoch and a part, each with its line of
  /// metrics.
  @Test func trainingMayEndInsideAnEpoch() throws {
    let record = try trainTiny(into: folder.url) { request, _ in
      request.training.horizon = .steps(10)
    }
    let stepsPerEpoch = try #require(record.stepsPerEpoch)
    #expect(stepsPerEpoch > 3 && stepsPerEpoch < 10)
    #expect(record.stepCount == 10 && record.epochCount == 10 / Double(stepsPerEpoch))
    let lines = try folder.text("metrics.jsonl").split(separator: "\n")
    let metrics = try lines.map {
      try JSONDecoder().decode(TrainingMetrics.self, from: Data($0.utf8))
    }
    #expect(metrics.last?.step == 10)
    #expect(metrics.count == (10 + stepsPerEpoch - 1) / stepsPerEpoch)
    #expect(record.finalCrossEntropy == metrics.last?.crossEntropy)
    let initial = try #require(record.initialCrossEntropy)
    #expect(initial > 2.5 && initial < 6)
  }

  @Test func tokensAndOperationsAgreeWithEpochs() throws {
    let epochs = try trainTiny(into: folder.url, epochs: 2)
    for horizon in [
      Horizon.tokens(2 * epochs.tokensPerEpoch), .flops(epochs.trainingFLOPs),
      .steps(epochs.stepCount),
    ] {
      let other = try TemporaryFolder()
      let record = try trainTiny(into: other.url) { request, _ in request.training.horizon = horizon
      }
      #expect(record.stepCount == epochs.stepCount && record.weightsHash == epochs.weightsHash)
      #expect(record.trainingFLOPs == epochs.trainingFLOPs)
    }
  }

  @Test func warmUpLongerThanTheRunIsRefused() throws {
    expectFailure("warm_up_steps is 10, and the run has 10 steps") {
      try trainTiny(into: folder.url) { request, _ in
        request.training.horizon = .steps(10)
        request.training.warmUpSteps = 10
      }
    }
  }

  @Test func tiedEmbeddingsCannotFollowTheWidthByLayer() throws {
    expectFailure("cannot have tied embeddings") {
      try trainTiny(into: folder.url) { request, _ in
        request.training.parameterization = .mup
        request.tiedEmbeddings = true
      }
    }
  }

  @Test func divergenceIsInTheRecord() throws {
    #expect(throws: TrainingDiverged.self) {
      try trainTiny(into: folder.url) { request, _ in
        request.learningRate = 9
        request.training.clipNorm = 0
        request.training.zLoss = 1e30
      }
    }
    let record = try #require(try RunFolder.readRecord(folder.url))
    #expect(record.status == .diverged && record.weightsHash == nil)
    let divergence = try #require(record.divergence)
    #expect(divergence.reason == .notFinite && divergence.step <= record.stepCount)
    expectFailure("diverged at step") { try RunFolder.open(folder.url) }
  }
}
