import Analysis
import Compute
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

@Suite struct CoordinateCheckTests {
  private func report(
    _ parameterization: Parameterization,
    _ change: (inout CoordinateCheck.Options) -> Void = { _ in }
  ) throws -> CoordinateReport {
    var options = CoordinateCheck.Options()
    options.widths = [32, 64, 128, 256]
    options.seeds = 1
    options.training.parameterization = parameterization
    change(&options)
    let batch = CoordinateCheck.randomBatch(sequences: 4, length: 16, vocabularySize: 64)
    return try CoordinateCheck(options, batch: batch, vocabularySize: 64).run()
  }

  @Test(arguments: [Parameterization.standard, .mup], [OptimizerKind.adamW, .adamAtan2])
  func ratesByLayerAreFlat(parameterization: Parameterization, optimizer: OptimizerKind) throws {
    let report = try report(parameterization) { $0.training.optimizer = optimizer }
    #expect(report.isFlat, "\(report.failing)")
    #expect(
      report.parts.map(\.part) == [
        "embedding", "attention 1", "feed-forward 1", "attention 2", "feed-forward 2", "residual",
        "logits",
      ])
    #expect(report.learningRates == [0.01, 0.01, 0.01, 0.01])
  }

  /// So are those of SGD, without clipping, in all parameterisations; linked rows are the same.
  @Test(arguments: [Parameterization.standard, .ntk, .mup, .meanField])
  func ratesOfGradientDescentAreFlat(parameterization: Parameterization) throws {
    let report = try report(parameterization) {
      $0.training.optimizer = .sgd
      $0.learningRate = 0.1
    }
    #expect(report.isFlat, "\(report.failing)")
  }

  /// And of Adafactor, but for the logits of muP and mean-field: their read-out begins as n^-1, and
  /// what it passes on of the change below it fades as n^-1/2, as it does where those begin at
  /// random under Adam.
  @Test(arguments: [Parameterization.standard, .ntk, .mup, .meanField])
  func ratesOfAdafactorAreFlat(parameterization: Parameterization) throws {
    let report = try report(parameterization) {
      $0.training.optimizer = .adafactor
      $0.learningRate = 0.02
      $0.seeds = 2
    }
    let isFading = parameterization == .mup || parameterization == .meanField
    #expect(report.failing.map(\.part) == (isFading ? ["logits"] : []), "\(report.failing)")
    guard isFading else { return }
    let slope = try #require(report.parts.last?.changeSlope)
    #expect(slope > -0.5 && slope < -0.2)
  }

  /// What is left to show of those: steps of the read-out fall as 1 / n, which is flat where they
  /// line up with what it reads.
  @Test(arguments: [Parameterization.standard, .mup])
  func adafactorMovesTheReadOutByTheInverseOfTheWidth(parameterization: Parameterization) throws {
    let batch = CoordinateCheck.randomBatch(sequences: 4, length: 16, vocabularySize: 64)
    let moves = try [64, 128, 256].map { width -> (x: Double, y: Double) in
      var training = TrainingConfiguration(horizon: .steps(1), learningRate: 0.02)
      (training.optimizer, training.parameterization) = (.adafactor, parameterization)
      training.weightDecay = 0
      let configuration = ModelConfiguration(
        layerCount: 1, modelDimension: width, headCount: width / 16,
        feedForwardDimension: 8 * width / 3 / 8 * 8, vocabularySize: 64, contextLength: 16)
      let model = try LanguageModel(
        configuration, seed: Seed(1), scaling: training.scaling(width: width), precision: .fp32,
        on: .cpu)
      let readOut = try #require(model.layout.tensors.first { $0.role == .readOut })
      let values = model.parameters.slice(readOut.offset, readOut.count)
      let before = values.copyOut()
      let objective = try NextTokenLoss(model, zLoss: 0, longestSequence: 16, workers: 1)
      let step = try TrainingStep(
        model, training, on: WorkerPool(workerCount: 1), streams: objective.streams)
      let norm = objective.gradient(of: batch, in: step).norm
      step.update(norm: norm, learningRate: 0.02, number: 0)
      let move = zip(values.copyOut(), before).map { $0 - $1 }
      return (Double(width), AlignmentRatio.rootMeanSquare(move))
    }
    #expect(abs(try #require(LogLogSlope.fit(moves)) + 1) < 0.1, "\(moves)")
  }

  /// One rate for all layers and widths: the change of logits and blocks grows with the width.
  @Test func oneRateForAllIsNotFlat() throws {
    let report = try report(.plain) { $0.learningRate = 0.01 }
    #expect(!report.isFlat)
    let logits = try #require(report.parts.last)
    #expect(try #require(logits.changeSlope) > 0.4)
    let residual = try #require(report.parts.dropLast().last)
    #expect(try #require(residual.changeSlope) > 0.6)
  }

  /// Nor are rates that assume no alignment: updates do line up, and their effect grows with the
  /// root of the width.
  @Test func ratesWithoutAlignmentAreNotFlat() throws {
    let report = try report(.mup) { $0.training.alignment = .none }
    let residual = try #require(report.parts.dropLast().last)
    #expect(!report.isFlat)
    #expect(try #require(residual.changeSlope) > 0.3)
  }

  /// The default falls as 1 / width at a fixed depth: flat but for the embedding, which would need
  /// no fall.
  @Test func theDefaultRuleIsFlatInEveryBlock() throws {
    let report = try report(.plain)
    #expect(report.learningRates == [0.00956, 0.00478, 0.00239, 0.001195])
    #expect(report.failing.map(\.part) == ["embedding"])
  }

  /// Before training, logits keep their size in the standard parameterisation and fall as n^-1/2 in
  /// muP.
  @Test func initialLogitsFollowTheReadOut() throws {
    for (parameterization, expected) in [(Parameterization.standard, 0.0), (.mup, -0.5)] {
      let logits = try #require(
        report(parameterization) {
          $0.steps = 1
          $0.startsReadOutAtZero = false
        }.parts.last)
      #expect(abs(try #require(logits.initialSlope) - expected) < 0.1)
    }
  }

  @Test func slopesAreThoseOfTheValues() {
    let part = CoordinatePart(
      part: "logits", widths: [32, 64, 128], initial: [4, 2, 1], final: [1, 1, 1],
      change: [1, 2, 4])
    #expect(abs((part.initialSlope ?? 9) + 1) < 1e-12)
    #expect(abs(part.finalSlope ?? 9) < 1e-12 && abs((part.changeSlope ?? 9) - 1) < 1e-12)
    #expect(!part.isFlat(within: 0.2) && part.isFlat(within: 1.01))
    let broken = CoordinatePart(
      part: "logits", widths: [32, 64], initial: [1, 1], final: [1, .nan], change: [1, 1])
    #expect(!broken.isFlat(within: 0.2))
  }

  @Test(
    arguments: [
      ("three different", [32, 64]), ("three different", [64, 32, 128]),
      ("no multiple", [32, 64, 72]),
    ])
  func impossibleWidthsAreRefused(words: String, widths: [Int]) {
    expectFailure(words) { try report(.mup) { $0.widths = widths } }
  }
}
