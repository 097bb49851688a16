import Compute
import LabCore
package import LanguageModel

/// Time of the tangent kernel of random texts by each of its algorithms, one worker.
package struct TangentBenchmark {
  /// What one algorithm took.
  package struct Result: Codable, Sendable {
    package let method: TangentMethod
    package let seconds: Double
    /// Operations that its cost formula predicts.
    package let operations: Double
    /// The largest difference to contraction, over the geometric mean of both texts' own values.
    package let difference: Double
    package let parameterCount: Int

    enum CodingKeys: String, CodingKey {
      case method, seconds, operations, difference
      case parameterCount = "parameter_count"
    }
  }

  private let configuration: ModelConfiguration
  private let texts: Int
  private let promptLength: Int
  private let answerLength: Int

  /// `texts` texts of `promptLength` + `answerLength` tokens, with themselves.
  package init(
    _ configuration: ModelConfiguration, texts: Int, promptLength: Int, answerLength: Int
  ) {
    self.configuration = configuration
    self.texts = texts
    self.promptLength = promptLength
    self.answerLength = answerLength
  }

  /// Every algorithm once.
  ///
  /// Throws `LabError` when memory is short.
  package func run() throws -> [Result] {
    let model = try LanguageModel(configuration, seed: Seed(0), on: .cpu)
    let kernel = try EmpiricalKernel(model, maximumTokens: configuration.contextLength)
    var stream = Seed(0).stream("bench/tangents")
    let texts = (0..<texts).map { _ in
      func tokens(_ count: Int) -> [Int32] {
        (0..<count).map { _ in Int32(stream.below(configuration.vocabularySize)) }
      }
      return AnsweredPrompt(prompt: tokens(promptLength), answer: tokens(answerLength))
    }
    _ = kernel.gradient(of: texts[0])
    var first: DenseMatrix?
    return try TangentMethod.allCases.map { method in
      var values = DenseMatrix(rows: 0, columns: 0)
      let seconds = try Timing.seconds { values = try kernel.kernel(texts, texts, by: method) }
      let reference = first ?? values
      first = reference
      var difference = 0.0
      for row in texts.indices {
        for column in texts.indices {
          let scale = (reference[row, row] * reference[column, column]).squareRoot()
          difference = max(difference, abs(values[row, column] - reference[row, column]) / scale)
        }
      }
      return Result(
        method: method, seconds: seconds,
        operations: method.operations(
          configuration, texts: texts.count,
          tokens: Double(promptLength + answerLength - 1), answerTokens: Double(answerLength)),
        difference: difference, parameterCount: model.layout.count)
    }
  }
}
