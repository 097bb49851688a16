import Compute
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

/// The tangent kernel of a model by three algorithms, and of a small network against
/// neural-tangents.
struct EmpiricalKernelTests {
  /// Texts of several lengths, one of them with an answer of one token.
  private func texts(_ vocabulary: Int) -> [AnsweredPrompt] {
    var stream = Seed(3).stream("test/texts")
    return [(4, 3), (5, 2), (3, 1), (6, 4), (2, 2)].map { prompt, answer in
      func tokens(_ count: Int) -> [Int32] {
        (0..<count).map { _ in Int32(stream.below(vocabulary)) }
      }
      return AnsweredPrompt(prompt: tokens(prompt), answer: tokens(answer))
    }
  }

  /// A model whose parameters, gains of norms among them, are far from where they start.
  private func model(_ shape: ModelConfiguration) throws -> LanguageModel {
    var stream = Seed(8).stream("test/parameters")
    let layout = ParameterLayout(shape)
    let values = (0..<layout.count).map { index in
      Float(stream.normal() * 0.4 + (index < layout.matrixCount ? 0 : 1))
    }
    return try LanguageModel(shape, values: values, on: .cpu)
  }

  @Test(arguments: shapes) func allMethodsAgree(shape: ModelConfiguration) throws {
    let texts = texts(shape.vocabularySize)
    let kernel = try EmpiricalKernel(model(shape), maximumTokens: 16)
    let contraction = try kernel.kernel(texts, texts, by: .contraction)
    for method in [TangentMethod.vectorProducts, .structured] {
      let other = try kernel.kernel(texts, texts, by: method)
      for row in 0..<texts.count {
        for column in 0..<texts.count {
          let scale = (contraction[row, row] * contraction[column, column]).squareRoot()
          let difference = abs(other[row, column] - contraction[row, column]) / scale
          #expect(difference < 1e-5, "\(method) \(row) \(column)")
        }
      }
      let part = try kernel.kernel(Array(texts[1...2]), Array(texts[3...]), by: method)
      #expect((part.rows, part.columns) == (2, 2))
      #expect(abs(part[1, 0] - other[2, 3]) <= 1e-5 * abs(contraction[2, 2]))
    }
    #expect(try kernel.kernel(of: texts) == kernel.kernel(texts, texts, by: .structured))
    #expect(abs(contraction[0, 3]) > 0.01 * contraction[0, 0])
  }

  /// A column against how fast log-probabilities grow along a text's gradient, by central
  /// differences.
  @Test(arguments: shapes) func columnsAreDerivatives(shape: ModelConfiguration) throws {
    let texts = texts(shape.vocabularySize)
    let model = try model(shape)
    let kernel = try EmpiricalKernel(model, maximumTokens: 16)
    let column = try kernel.kernel(texts, [texts[1]], by: .vectorProducts)
    let direction = kernel.gradient(of: texts[1])
    let values = model.parameters.copyOut()
    let length = Double(direction.reduce(0) { $0 + $1 * $1 }).squareRoot()
    let step = Float(2e-3 / length)
    func logProbabilities(_ sign: Float) throws -> [Double] {
      let moved = try LanguageModel(
        shape, values: zip(values, direction).map { $0 + sign * step * $1 }, on: .cpu)
      let items = texts.map {
        PromptedCompletions(prompt: $0.prompt, completions: [$0.answer])
      }
      return try InferenceSession(moved).completionLogProbabilities(items).map { $0[0][0] }
    }
    let (up, down) = (try logProbabilities(1), try logProbabilities(-1))
    for row in texts.indices {
      let numeric = (up[row] - down[row]) / Double(2 * step)
      #expect(abs(numeric - column[row, 0]) < 4e-3 * column[1, 0], "\(row)")
    }
  }

  private struct File: Decodable {
    let x: [[Double]]
    let w1: [[Double]]
    let b1: [Double]
    let w2: [[Double]]
    let full: [[[[Double]]]]

    enum CodingKeys: String, CodingKey {
      case x, b1, full
      case w1 = "W1"
      case w2 = "W2"
    }
  }

  /// Gradients of erf(x W1 / sqrt(8) + b1) W2 / sqrt(6) + b2, kept whole and as factors, give the
  /// stored kernel.
  @Test func aSmallNetworkHasTheKernelOfNeuralTangents() throws {
    let file = try Repository.fixture("empirical_ntk.json", as: File.self)
    let (inputs, width, outputs) = (8, 6, 3)
    var gradients: [[Float]] = []
    var (signals, states, slopes): ([Double], [Double], [Double]) = ([], [], [])
    for x in file.x {
      let sums = (0..<width).map { unit in
        (0..<inputs).reduce(file.b1[unit]) { $0 + x[$1] * file.w1[$1][unit] / 8.squareRoot() }
      }
      let hidden = sums.map { erf($0) }
      for output in 0..<outputs {
        let own = (0..<width).map {
          file.w2[$0][output] / 6.squareRoot() * 2 / Double.pi.squareRoot()
            * exp(-sums[$0] * sums[$0])
        }
        // Inputs are scaled as their weights are; a bias is the weight of a 1.
        let seen = x.map { $0 / 8.squareRoot() } + [1]
        let read = hidden.map { $0 / 6.squareRoot() } + [1]
        let chosen = (0..<outputs).map { $0 == output ? 1.0 : 0 }
        slopes += own
        signals += seen
        states += read
        gradients.append(
          (own.flatMap { slope in seen.map { slope * $0 } }
            + chosen.flatMap { chosen in read.map { chosen * $0 } }).map(Float.init))
      }
    }
    let count = gradients.count
    let examples = Array(0..<count)
    let first = TangentFactors([
      TangentFactors.Part(
        outputs: .dense(DenseMatrix(rows: count, columns: width, slopes)),
        inputs: .dense(DenseMatrix(rows: count, columns: inputs + 1, signals)), examples: examples)
    ])
    let second = TangentFactors([
      TangentFactors.Part(
        outputs: .oneHot(examples.map { Int32($0 % outputs) }),
        inputs: .dense(DenseMatrix(rows: count, columns: width + 1, states)), examples: examples)
    ])
    var structured = DenseMatrix(rows: count, columns: count)
    for factors in [first, second] { factors.add(to: &structured, with: factors) }
    let contraction = EmpiricalKernel.contraction(gradients, gradients)
    for row in 0..<count {
      for column in 0..<count {
        let expected =
          file.full[row / outputs][column / outputs][row % outputs][column % outputs]
        #expect(abs(structured[row, column] - expected) < 1e-12)
        #expect(abs(contraction[row, column] - expected) < 1e-6)
      }
    }
  }

  /// At the costs of the paper's table, structured derivatives win where matrices are wide,
  /// contraction where they are narrow.
  @Test func predictedOperations() {
    func operations(_ method: TangentMethod, width: Int) -> Double {
      let shape = ModelConfiguration(
        layerCount: 2, modelDimension: width, headCount: 2, feedForwardDimension: 4 * width,
        vocabularySize: 64, contextLength: 16)
      return method.operations(shape, texts: 1_000, tokens: 8, answerTokens: 2)
    }
    #expect(operations(.contraction, width: 16) < operations(.structured, width: 16))
    #expect(operations(.structured, width: 256) < operations(.contraction, width: 256))
    for width in [16, 256] {
      #expect(
        operations(.vectorProducts, width: width) > operations(.contraction, width: width))
    }
  }
}
