import Compute
import Foundation
package import LabCore

/// What a model does with a batch, in the numbers that say how stable its training is.
package struct ModelProbe: Sendable {
  /// How far each matrix lines up with what it reads, by the names of tensors, as `AlignmentRatio`
  /// says; the embedding has none, as it reads one coordinate.
  package let alignment: [String: Double]
  /// How what changed since the start lines up, for the same matrices; empty where no start was
  /// given.
  package let updateAlignment: [String: UpdateAlignment]
  /// For each layer the largest q k / sqrt(head size) of a token and one that it sees.
  package let largestAttentionLogits: [Double]
  /// Of all tokens and all words of the vocabulary.
  package let meanOutputLogit: Double
}

/// How what changed since the start of a training lines up: W = W_0 + dW of a matrix that reads z =
/// z_0 + dz, as the exponents alpha, omega and u of Everett 2024 (arXiv 2407.05872); nil where a
/// change is 0.
package struct UpdateAlignment: Codable, Hashable, Sendable {
  /// Of dW with z_0.
  package var alpha: Double?
  /// Of W_0 with dz.
  package var omega: Double?
  /// Of dW with dz.
  package var u: Double?
}

extension TrainingPass {
  /// Runs a batch, which must fit into one micro-batch, under the model's present parameters, and
  /// where `start` is given also under those with which the training began.
  ///
  /// Throws `LabError` when memory is short.
  package func probe(
    _ tokens: TokenBatch, since start: LanguageModel? = nil
  ) throws -> ModelProbe {
    let configuration = model.configuration
    let rows = read(tokens)
    let first = try start.map { try TrainingPass($0, maximumTokens: maximumTokens) }
    _ = first?.read(tokens)
    let (alignment, updates) = try alignment(rows: rows, since: first)
    let logits = try DeviceBuffer<Float>(rows * configuration.vocabularySize, on: model.device).all
    stream.linear(
      logits, input: activations.outputNormed, weight: model.views.readOut, rows: rows)
    let mean = logits.copyOut().reduce(0.0) { $0 + Double($1) } / Double(max(logits.count, 1))
    let offsets = tokens.offsets.map(Int.init)
    return ModelProbe(
      alignment: alignment, updateAlignment: updates,
      largestAttentionLogits: activations.layers.map {
        largestLogit($0.queryKey.prefix(rows * 2 * configuration.modelDimension).copyOut(), offsets)
      }, meanOutputLogit: mean)
  }

  /// Runs a batch under the present parameters; returns its tokens.
  private func read(_ tokens: TokenBatch) -> Int {
    for matrix in model.views.matrices { stream.pack(matrix) }
    return forward(tokens).rows
  }

  /// Those of every matrix with what it read of the batch before, in single precision, and of what
  /// changed since `start`.
  private func alignment(
    rows: Int, since start: TrainingPass?
  ) throws -> (now: [String: Double], updates: [String: UpdateAlignment]) {
    let stream = try KernelStream(
      on: model.device, precision: .fp32,
      limits: model.configuration.streamLimits(maximumTokens: maximumTokens))
    var (now, updates): ([String: Double], [String: UpdateAlignment]) = ([:], [:])
    for tensor in model.layout.tensors {
      let (outputs, inputs) = (tensor.shape[0], tensor.shape.last ?? 1)
      func read(_ pass: TrainingPass) -> (weights: [Float], input: [Float])? {
        pass.input(of: tensor).map {
          (
            pass.model.parameters.slice(tensor.offset, tensor.count).copyOut(),
            $0.prefix(rows * inputs).copyOut()
          )
        }
      }
      func ratio(_ weights: [Float], _ input: [Float]) throws -> Double? {
        let matrix = WeightMatrix(
          try DeviceBuffer<Float>(weights.count, on: model.device).all, outputs: outputs,
          inputs: inputs)
        matrix.values.copyIn(weights)
        let read = try DeviceBuffer<Float>(input.count, on: model.device).all
        read.copyIn(input)
        let product = try DeviceBuffer<Float>(rows * outputs, on: model.device).all
        stream.linear(product, input: read, weight: matrix, rows: rows)
        return AlignmentRatio.of(
          product: product.copyOut(), weights: weights, input: input, inputs: inputs)
      }
      guard let (weights, input) = read(self) else { continue }
      now[tensor.name] = try ratio(weights, input)
      guard let start, let (first, firstInput) = read(start) else { continue }
      let update = zip(weights, first).map { $0 - $1 }
      let change = zip(input, firstInput).map { $0 - $1 }
      updates[tensor.name] = UpdateAlignment(
        alpha: try ratio(update, firstInput), omega: try ratio(first, change),
        u: try ratio(update, change))
    }
    return (now, updates)
  }

  /// What a matrix reads; nil for embeddings and norms.
  private func input(of tensor: ParameterTensor) -> FloatSlice? {
    switch tensor.role {
    case .embedding, .norm: return nil
    case .readOut: return activations.outputNormed
    case .input, .output:
      let parts = tensor.name.split(separator: ".")
      guard let layer = parts.compactMap({ Int($0) }).first else { return nil }
      let states = activations.layers[layer]
      if tensor.role == .output {
        return parts.contains("mlp") ? states.feedForwardHidden : states.attention
      }
      return parts.contains("mlp") ? states.middleNormed : states.inputNormed
    }
  }

  /// The largest scaled product of a query and a key of the same or an earlier token of its
  /// sequence.
  private func largestLogit(_ queryKey: [Float], _ offsets: [Int]) -> Double {
    let width = model.configuration.modelDimension
    let size = model.configuration.headDimension
    var largest = -Float.infinity
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      for query in start..<end {
        for key in start...query {
          for head in stride(from: 0, to: width, by: size) {
            var sum: Float = 0
            let (first, second) = (query * 2 * width + head, key * 2 * width + width + head)
            for place in 0..<size { sum += queryKey[first + place] * queryKey[second + place] }
            largest = max(largest, sum)
          }
        }
      }
    }
    return Double(largest) / Double(size).squareRoot()
  }
}

/// How far a matrix lines up with what it reads (Everett 2024, arXiv 2407.05872).
package enum AlignmentRatio {
  /// log_n of RMS(W z) / (RMS(W) RMS(z)), n the inputs of W: 1/2 for independent random numbers, 1
  /// for W = u v^T and z = v; nil where one of them is 0 or not finite.
  package static func of(
    product: [Float], weights: [Float], input: [Float], inputs: Int
  ) -> Double? {
    let sizes = rootMeanSquare(weights) * rootMeanSquare(input)
    let ratio = log(rootMeanSquare(product) / sizes) / log(Double(inputs))
    return ratio.isFinite ? ratio : nil
  }

  /// The root of the mean of squares; 0 of nothing.
  package static func rootMeanSquare(_ values: [Float]) -> Double {
    (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(values.count, 1)))
      .squareRoot()
  }
}
