package import Compute
import LabCore

/// How an empirical tangent kernel is computed (arXiv 2206.08720); all give the same.
package enum TangentMethod: String, Codable, CaseIterable, Sendable {
  /// Every gradient is kept, and they are multiplied.
  case contraction
  /// A gradient of one side is a direction, along which derivatives of the other side are taken.
  case vectorProducts = "vector-products"
  /// Of every matrix what it read and the gradient of what it put out are multiplied.
  case structured
}

/// A prompt with an answer whose log-probability is looked at, end token included.
package struct AnsweredPrompt: Hashable, Sendable {
  package let prompt: [Int32]
  package let answer: [Int32]

  package init(prompt: [Int32], answer: [Int32]) {
    self.prompt = prompt
    self.answer = answer
  }

  /// Tokens that go through the model: the last one predicts nothing.
  package var inputCount: Int { prompt.count + answer.count - 1 }

  fileprivate func append(to batch: inout TokenBatch) {
    let line = prompt + answer
    batch.append(
      tokens: line.dropLast(),
      targets: line.indices.dropFirst().map { $0 < prompt.count ? -1 : line[$0] })
  }
}

/// The tangent kernel of a model at its present parameters: inner products of gradients of log
/// P(answer | prompt).
///
/// Memory of one worker, products of passes in single precision, inner products of gradients in
/// double.
package final class EmpiricalKernel {
  private let model: LanguageModel
  private let pass: TrainingPass
  private let scratch: Gradients

  /// `maximumTokens` must hold each prompt with its answer.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ model: LanguageModel, maximumTokens: Int) throws {
    self.model = try model.inPrecision(.fp32)
    pass = try TrainingPass(
      self.model,
      maximumTokens: max(
        maximumTokens, TrainingPass.preferredMicroBatchTokens(model.configuration)))
    scratch = try Gradients(model.layout, on: model.device)
  }

  /// The gradient of one log-probability, in the order of the model's layout.
  package func gradient(of text: AnsweredPrompt) -> [Float] {
    run(text)
    return scratch.values.copyOut()
  }

  /// The kernel of all of some texts with all of others by one of the methods.
  ///
  /// Throws `LabError` when memory is short.
  package func kernel(
    _ left: [AnsweredPrompt], _ right: [AnsweredPrompt], by method: TangentMethod
  ) throws -> DenseMatrix {
    switch method {
    case .contraction:
      return Self.contraction(left.map(gradient), right.map(gradient))
    case .vectorProducts: return try vectorProducts(left, right)
    case .structured: return Self.product(factors(left), factors(right))
    }
  }

  /// The kernel of some texts with themselves by structured derivatives, the fastest: one pass a
  /// text.
  package func kernel(of texts: [AnsweredPrompt]) -> DenseMatrix {
    let own = factors(texts)
    return Self.product(own, own)
  }

  /// Inner products of gradients, in double precision, some thousand parameters at a time.
  package static func contraction(_ left: [[Float]], _ right: [[Float]]) -> DenseMatrix {
    var kernel = DenseMatrix(rows: left.count, columns: right.count)
    let count = left.first?.count ?? 0
    func block(_ rows: [[Float]], _ range: Range<Int>) -> DenseMatrix {
      DenseMatrix(
        rows: rows.count, columns: range.count, rows.flatMap { $0[range].map(Double.init) })
    }
    for first in stride(from: 0, to: count, by: 4_096) {
      let range = first..<min(first + 4_096, count)
      kernel.add(block(left, range).timesTransposed(block(right, range)))
    }
    return kernel
  }

  // MARK: Passes

  private func run(_ text: AnsweredPrompt, tap: MatrixTap? = nil) {
    var batch = TokenBatch()
    text.append(to: &batch)
    pass.stream.zero(scratch.values)
    // The objective is a loss.
    _ = pass.run(batch, into: scratch, scale: -1, zLoss: 0, tap: tap)
  }

  private func vectorProducts(
    _ left: [AnsweredPrompt], _ right: [AnsweredPrompt]
  ) throws -> DenseMatrix {
    var kernel = DenseMatrix(rows: left.count, columns: right.count)
    for (column, text) in right.enumerated() {
      run(text)
      var next = 0
      while next < left.count {
        let first = next
        var batch = TokenBatch()
        while next < left.count,
          next == first || batch.tokens.count + left[next].inputCount <= pass.maximumTokens
        {
          left[next].append(to: &batch)
          next += 1
        }
        for (offset, rate) in try pass.tangents(of: batch, along: scratch).enumerated() {
          kernel[first + offset, column] = rate
        }
      }
    }
    return kernel
  }

  /// The factors of every matrix, and the gradients of norms, which have none.
  private typealias Factors = (matrices: [TangentFactors], norms: [[Float]])

  private static func product(_ rows: Factors, _ columns: Factors) -> DenseMatrix {
    var kernel = contraction(rows.norms, columns.norms)
    for (own, other) in zip(rows.matrices, columns.matrices) { own.add(to: &kernel, with: other) }
    return kernel
  }

  private func factors(_ texts: [AnsweredPrompt]) -> Factors {
    let configuration = model.configuration
    var rows: [RowStore] = []
    var embedding = RowStore(outputs: 1, inputs: configuration.modelDimension)
    var norms: [[Float]] = []
    for (example, text) in texts.enumerated() {
      var place = -1
      var readOutRows = 0
      run(text) { input, gradient in
        // The read-out may come in several parts.
        if readOutRows >= text.inputCount || place < 0 { place += 1 }
        let shape = Self.matrixShapes(configuration)[place]
        if rows.count == place {
          rows.append(RowStore(outputs: shape.outputs, inputs: shape.inputs))
        }
        let count = min(text.inputCount, gradient.count / shape.outputs)
        if place == 0 { readOutRows += count }
        rows[place].append(
          gradient.prefix(count * shape.outputs).copyOut(),
          input.prefix(count * shape.inputs).copyOut(), count: count, example: example)
      }
      let line = text.prompt + text.answer
      embedding.append(
        line.prefix(text.inputCount).map(Float.init),
        pass.flow.residual.prefix(text.inputCount * configuration.modelDimension).copyOut(),
        count: text.inputCount, example: example)
      norms.append(
        scratch.values.slice(
          model.layout.matrixCount, model.layout.count - model.layout.matrixCount
        )
        .copyOut())
    }
    let tokens = TangentFactors.Part(
      outputs: .oneHot(embedding.outputs.map { Int32($0) }), inputs: embedding.inputSide,
      examples: embedding.examples)
    var matrices = rows.map { [$0.part] }
    if configuration.tiedEmbeddings, !matrices.isEmpty {
      matrices[0].append(tokens)
    } else {
      matrices.append([tokens])
    }
    return (matrices.map(TangentFactors.init), norms)
  }

  /// Rows of the matrices as the taps of a pass name them: the read-out, then each layer's from the
  /// last on.
  private static func matrixShapes(
    _ configuration: ModelConfiguration
  ) -> [(outputs: Int, inputs: Int)] {
    let (width, hidden) = (configuration.modelDimension, configuration.feedForwardDimension)
    return [(configuration.vocabularySize, width)]
      + (0..<configuration.layerCount).flatMap { _ in
        [
          (width, hidden), (configuration.fusedDimension, width), (width, width),
          (3 * width, width),
        ]
      }
  }

  /// Rows of one matrix as they come.
  private struct RowStore {
    let outputCount: Int
    let inputCount: Int
    var outputs: [Float] = []
    var inputs: [Float] = []
    var examples: [Int] = []

    init(outputs: Int, inputs: Int) {
      outputCount = outputs
      inputCount = inputs
    }

    /// Keeps the rows of an example whose output has a gradient; an embedding's are tokens.
    mutating func append(_ gradient: [Float], _ input: [Float], count: Int, example: Int) {
      for row in 0..<count {
        let own = gradient[(row * outputCount)..<((row + 1) * outputCount)]
        guard outputCount == 1 || own.contains(where: { $0 != 0 }) else { continue }
        outputs += own
        inputs += input[(row * inputCount)..<((row + 1) * inputCount)]
        examples.append(example)
      }
    }

    var inputSide: TangentFactors.Side {
      .dense(DenseMatrix(rows: examples.count, columns: inputCount, inputs.map(Double.init)))
    }

    var part: TangentFactors.Part {
      TangentFactors.Part(
        outputs: .dense(
          DenseMatrix(rows: examples.count, columns: outputCount, outputs.map(Double.init))),
        inputs: inputSide, examples: examples)
    }
  }
}

extension TangentMethod {
  /// Floating-point operations of the kernel of n texts with n others, of T tokens each, A of them
  /// in the answer.
  ///
  /// With M values in matrices that multiply and F = 2 M T of a forward pass: 3 F a gradient; 2 for
  /// each parameter and pair by contraction, 3 F a pair by vector products, 2 T^2 (outputs +
  /// inputs) of each matrix and pair by structured derivatives, A^2 for the read-out. Attention,
  /// norms and what moves in memory are left out.
  package func operations(
    _ configuration: ModelConfiguration, texts: Int, tokens: Double, answerTokens: Double
  ) -> Double {
    let layout = ParameterLayout(configuration)
    let (width, vocabulary) = (configuration.modelDimension, configuration.vocabularySize)
    let hidden = layout.tensors.filter { $0.role == .input || $0.role == .output }
    let values = hidden.reduce(vocabulary * width) { $0 + $1.count }
    let (count, forward) = (Double(texts), 2 * tokens * Double(values))
    let pairs = count * count
    switch self {
    case .contraction: return 6 * count * forward + 2 * pairs * Double(layout.count)
    case .vectorProducts: return 3 * count * forward + 3 * pairs * forward
    case .structured:
      let sides = hidden.reduce(width) { $0 + $1.shape.reduce(0, +) }
      return 6 * count * forward
        + 2 * pairs
        * (tokens * tokens * Double(sides)
          + answerTokens * answerTokens * Double(vocabulary + width))
    }
  }
}
