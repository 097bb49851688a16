import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

@Suite struct ParameterizationTests {
  private static let scaled: [Parameterization] = [.standard, .ntk, .mup, .meanField]

  private func scaling(
    _ parameterization: Parameterization, _ alignment: Alignment = .full, width: Int
  ) -> WidthScaling {
    WidthScaling(parameterization, alignment: alignment, baseWidth: 64, width: width)
  }

  private func shape(width: Int, tied: Bool = false) -> ModelConfiguration {
    ModelConfiguration(
      layerCount: 2, modelDimension: width, headCount: width / 16,
      feedForwardDimension: 8 * width / 3 / 8 * 8, vocabularySize: 100, contextLength: 8,
      tiedEmbeddings: tied)
  }

  /// The table of arXiv 2407.05872 in the form without multipliers: (deviation, rate) exponents for
  /// each kind.
  @Test(
    arguments: [
      (.standard, .full, [(0, 0), (0.5, 1), (0.5, 1)]),
      (.standard, .none, [(0, 0), (0.5, 0.5), (0.5, 0.5)]),
      (.mup, .full, [(0, 0), (0.5, 1), (1, 1)]),
      (.mup, .none, [(0, 0), (0.5, 0.5), (1, 0.5)]),
    ] as [(Parameterization, Alignment, [(Double, Double)])])
  func exponentsWithoutMultipliers(
    parameterization: Parameterization, alignment: Alignment, expected: [(Double, Double)]
  ) throws {
    for (kind, want) in zip([LayerKind.embedding, .hidden, .readOut], expected) {
      let exponents = try #require(parameterization.exponents(kind, alignment, for: .adam))
        .withoutMultiplier(for: .adam)
      #expect(
        exponents == WidthExponents(multiplier: 0, deviation: want.0, learningRate: want.1),
        "\(kind)")
    }
  }

  /// Two pairs are one each for every optimiser: only the read-out's first scale tells standard
  /// from muP.
  @Test(arguments: [Alignment.full, .none], UpdateFamily.allCases)
  func twoPairsAreEquivalent(alignment: Alignment, family: UpdateFamily) throws {
    for (a, b) in [(Parameterization.standard, Parameterization.ntk), (.mup, .meanField)] {
      for kind in [LayerKind.embedding, .hidden, .readOut] {
        let first = try #require(a.exponents(kind, alignment, for: family))
        let second = try #require(b.exponents(kind, alignment, for: family))
        #expect(
          first.shifted(by: second.multiplier - first.multiplier, for: family) == second, "\(kind)")
      }
    }
    // Logits at the start: multiplier and deviation together, against the sum over n coordinates.
    for parameterization in Self.scaled {
      let readOut = parameterization.exponents(.readOut, alignment, for: family)
      let sum = readOut.map { $0.multiplier + $0.deviation }
      #expect(sum == (parameterization == .standard || parameterization == .ntk ? 0.5 : 1))
    }
  }

  /// The learning rates of the table are the largest that keep every change of features and logits
  /// from growing.
  ///
  /// The constraints are those of arXiv 2407.05872: with r the exponents of features' changes, all
  /// of them at least 0.
  @Test(arguments: scaled, UpdateFamily.allCases)
  func ratesAreTheLargestStableOnes(parameterization: Parameterization, family: UpdateFamily) throws
  {
    for alignment in [Alignment.full, .none] {
      let rows = try [LayerKind.embedding, .hidden, .readOut].map {
        try #require(parameterization.exponents($0, alignment, for: family))
      }
      // Stable at the start: features keep their size, and logits don't grow.
      #expect(rows[0].multiplier + rows[0].deviation == 0)
      #expect(rows[1].multiplier + rows[1].deviation == 0.5)
      #expect(rows[2].multiplier + rows[2].deviation >= 0.5)
      let rates = rows.map(\.learningRate)
      #expect(Self.isStable(rows, rates, alignment, family), "\(alignment)")
      for index in rates.indices {
        var larger = rates
        larger[index] -= 0.5
        #expect(!Self.isStable(rows, larger, alignment, family), "\(alignment) \(index)")
      }
    }
  }

  private static func isStable(
    _ rows: [WidthExponents], _ rates: [Double], _ alignment: Alignment, _ family: UpdateFamily
  ) -> Bool {
    let (a, b) = (rows.map(\.multiplier), rows.map(\.deviation))
    let alpha = alignment == .full ? 1.0 : 0.5
    let omega = 0.5
    // The exponent of an update's size: of Adam the rate's, of SGD with the gradient's, of
    // Adafactor with the parameter's.
    let stream =
      alignment == .full ? min(a[2] + b[2], 2 * a[2] + rates[2]) : a[2] + b[2]
    let step = (0..<3).map { index in
      switch family {
      case .adam: rates[index]
      case .sgd: rates[index] + a[index] + (index == 2 ? 0 : stream)
      case .adafactor: rates[index] + b[index]
      }
    }
    let first = a[0] + step[0]
    let hidden = min(a[1] + step[1] - alpha, a[1] + step[1] + first - alpha, 0.5 + first - omega)
    let logits = min(
      a[2] + b[2] + hidden - omega, a[2] + step[2] - alpha, a[2] + step[2] + hidden - alpha)
    let isBounded = family != .adafactor || rates.allSatisfy { $0 >= 0 }
    return first >= 0 && hidden >= 0 && logits >= 0 && isBounded
  }

  @Test func factorsAtFourTimesTheBaseWidth() {
    let standard = scaling(.standard, width: 256)
    let mup = scaling(.mup, width: 256)
    // Plain deviations fall to a half here; embeddings are to keep theirs, muP's read-out to have a
    // quarter.
    #expect(standard.deviationFactor(.embedding) == 2 && mup.deviationFactor(.embedding) == 2)
    #expect(standard.deviationFactor(.input) == 1 && mup.deviationFactor(.output) == 1)
    #expect(standard.deviationFactor(.readOut) == 1 && mup.deviationFactor(.readOut) == 0.5)
    for scaling in [standard, mup] {
      #expect(scaling.learningRateFactor(.embedding) == 1)
      #expect(scaling.learningRateFactor(.norm) == 1 && scaling.deviationFactor(.norm) == 1)
      #expect(scaling.learningRateFactor(.input) == 0.25)
      #expect(scaling.learningRateFactor(.output) == 0.25)
      #expect(scaling.learningRateFactor(.readOut) == 0.25)
    }
    #expect(scaling(.standard, .none, width: 256).learningRateFactor(.input) == 0.5)
    #expect(scaling(.plain, width: 256).learningRateFactor(.input) == 1)
    #expect(scaling(.plain, width: 256).deviationFactor(.embedding) == 1)
  }

  @Test(arguments: scaled)
  func allAgreeAtTheBaseWidth(parameterization: Parameterization) throws {
    let layout = ParameterLayout(shape(width: 64))
    let scaling = scaling(parameterization, width: 64)
    #expect(
      layout.initialValues(seed: Seed(3), scaling: scaling) == layout.initialValues(seed: Seed(3)))
    for tensor in layout.tensors { #expect(scaling.learningRateFactor(tensor.role) == 1) }
  }

  /// Measured deviations of initial weights at width 256; those of a normal cut at 2 are 0.8796 of
  /// it.
  @Test func initialDeviationsAreThoseOfTheTable() throws {
    let layout = ParameterLayout(shape(width: 256))
    func deviation(_ name: String, _ parameterization: Parameterization) throws -> Double {
      let tensor = try #require(layout.tensors.first { $0.name == name })
      let values = layout.initialValues(
        seed: Seed(1), scaling: scaling(parameterization, width: 256))
      let part = values[tensor.offset..<(tensor.offset + tensor.count)].map(Double.init)
      return (part.reduce(0) { $0 + $1 * $1 } / Double(part.count)).squareRoot() / 0.87962566
    }
    let embedding = "model.embed_tokens.weight"
    #expect(abs(try deviation(embedding, .plain) * 16 - 1) < 0.02)
    #expect(abs(try deviation(embedding, .mup) * 8 - 1) < 0.02)
    #expect(abs(try deviation("lm_head.weight", .standard) * 16 - 1) < 0.02)
    #expect(abs(try deviation("lm_head.weight", .mup) * 32 - 1) < 0.02)
    let queries = "model.layers.0.self_attn.q_proj.weight"
    #expect(abs(try deviation(queries, .mup) * 16 - 1) < 0.02)
  }

  @Test(arguments: scaled)
  func tiedEmbeddingsAreRefusedWithTheReason(parameterization: Parameterization) {
    expectFailure("cannot have tied embeddings", parameterization.rawValue) {
      try LanguageModel(
        shape(width: 32, tied: true), seed: Seed(0), scaling: scaling(parameterization, width: 32),
        on: .cpu)
    }
  }
}
