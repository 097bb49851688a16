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

  /// The table of arXiv 2407.05872 in the form without multipliers: (deviation, rate) exponents for each kind.
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
      let exponents = try #require(parameterization.exponents(kind, alignment)).withoutMultiplier
      #expect(
        exponents == WidthExponents(multiplier: 0, deviation: want.0, learningRate: want.1),
        "\(kind)")
    }
  }

  /// Two pairs are one each for Adam: only the read-out's first scale tells standard from muP.
  @Test(arguments: Alignment.allCases)
  func twoPairsAreEquivalent(alignment: Alignment) {
    for (a, b) in [(Parameterization.standard, Parameterization.ntk), (.mup, .meanField)] {
      for kind in LayerKind.allCases {
        #expect(
          a.exponents(kind, alignment)?.withoutMultiplier
            == b.exponents(kind, alignment)?.withoutMultiplier)
      }
    }
    // Logits at the start: multiplier and deviation together, against the sum over n coordinates.
    for parameterization in Self.scaled {
      let readOut = parameterization.exponents(.readOut, alignment)
      let sum = readOut.map { $0.multiplier + $0.deviation }
      #expect(sum == (parameterization == .standard || parameterization == .ntk ? 0.5 : 1))
    }
  }

  @Test func factorsAtFourTimesTheBaseWidth() {
    let standard = scaling(.standard, width: 256)
    let mup = scaling(.mup, width: 256)
    // Plain deviations fall to a half here; embeddings are to keep theirs, muP's read-out to have a quarter.
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

  /// Measured deviations of initial weights at width 256; those of a normal cut at 2 are 0.8796 of it.
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
