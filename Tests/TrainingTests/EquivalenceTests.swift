import LanguageModel
import TestSupport
import Testing
import Training

/// Rows of the table that are linked by the equivalence train along one curve: the strongest check
/// of the table, of initial values and of the optimisers together.
@Suite struct EquivalenceTests {
  private static let optimizers: [(OptimizerKind, Double)] = [
    (.adamAtan2, 0.01), (.sgd, 0.1), (.adafactor, 0.03),
  ]

  /// The losses of all steps at eight times the base width, with decay but no clipping.
  private func losses(
    _ parameterization: Parameterization, _ multipliers: Multipliers, _ alignment: Alignment,
    _ optimizer: (OptimizerKind, Double)
  ) throws -> [Double] {
    let folder = try TemporaryFolder()
    try trainTiny(into: folder.url) { request, options in
      request.learningRate = optimizer.1
      request.weightDecay = 1e-3
      request.training.weightDecayMode = .independent
      request.training.clipNorm = 0
      request.training.optimizer = optimizer.0
      request.training.parameterization = parameterization
      request.training.alignment = alignment
      request.training.multipliers = multipliers
      request.training.baseWidth = 2
      options.logsSteps = true
    }
    return try stepMetrics(in: folder.url).map(\.crossEntropy)
  }

  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { abs($0 - $1) / $1 }.max() ?? .infinity
  }

  @Test(arguments: optimizers, [Alignment.full, .none])
  func linkedRowsTrainAlike(optimizer: (OptimizerKind, Double), alignment: Alignment) throws {
    var curves: [[Double]] = []
    for pair in [[Parameterization.standard, .ntk], [.mup, .meanField]] {
      let first = try losses(pair[0], .folded, alignment, optimizer)
      #expect(first.count > 15 && first.allSatisfy(\.isFinite))
      #expect((first.last ?? 9) < (first.first ?? 0) - 0.1)
      for parameterization in pair {
        let other = try losses(parameterization, .applied, alignment, optimizer)
        #expect(distance(other, first) < 1e-4, "\(parameterization)")
      }
      curves.append(first)
    }
    // The pairs are not one.
    #expect(distance(curves[0], curves[1]) > 1e-3)
  }

  /// One rate is of a parameterisation's own scale: folded or applied it is one training, and
  /// others are others.
  @Test(arguments: optimizers)
  func oneRateIsThatOfTheParameters(optimizer: (OptimizerKind, Double)) throws {
    let folded = try losses(.mup, .folded, .globalRate, optimizer)
    #expect(distance(try losses(.mup, .applied, .globalRate, optimizer), folded) < 1e-4)
    #expect(distance(try losses(.mup, .folded, .full, optimizer), folded) > 1e-3)
  }
}
