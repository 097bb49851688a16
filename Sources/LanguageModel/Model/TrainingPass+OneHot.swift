import Compute

extension TrainingPass {
  /// The gradient of the objective with respect to the one-hot rows of some input tokens, shape (R,
  /// V): what replacing a token by each other changes, to first order.
  ///
  /// After `run` or `backward` on the batch that the rows are of. It is that of the embedding times
  /// its transpose, by single-precision products, and leaves the memory of the backward pass used
  /// up.
  package func oneHotGradients(of rows: [Int]) -> [Float] {
    let width = model.configuration.modelDimension
    let vocabulary = model.configuration.vocabularySize
    guard let last = rows.max() else { return [] }
    let all = flow.residual.prefix((last + 1) * width).copyOut()
    var gradients: [Float] = []
    gradients.reserveCapacity(rows.count * vocabulary)
    for first in stride(from: 0, to: rows.count, by: chunkRows) {
      let part = rows[first..<min(first + chunkRows, rows.count)]
      flow.normed.copyIn(part.flatMap { all[($0 * width)..<(($0 + 1) * width)] })
      stream.linear(
        logits, input: flow.normed, weight: embedding(in: model.views), rows: part.count)
      gradients += logits.prefix(part.count * vocabulary).copyOut()
    }
    return gradients
  }

  /// What is added to the embeddings where one-hot rows are moved, shape (T, C), in the memory of
  /// the backward pass.
  func shift(of moved: [Float], rows: Int) -> FloatSlice {
    let width = model.configuration.modelDimension
    forEachChunk(of: moved, rows: rows) { first, count in
      stream.linearBackwardInput(
        flow.normed.slice(first * width, count * width), outputGradient: logits,
        weight: embedding(in: model.views), rows: count)
    }
    return flow.normed.prefix(rows * width)
  }

  /// The part of the embedding's gradient that comes through what one-hot rows were moved by, after
  /// `backward`.
  func addEmbeddingGradient(of moved: [Float], rows: Int, into gradients: Gradients) {
    let width = model.configuration.modelDimension
    forEachChunk(of: moved, rows: rows) { first, count in
      stream.linearBackwardWeight(
        embedding(in: gradients.views), outputGradient: logits,
        input: flow.residual.slice(first * width, count * width), rows: count)
    }
  }

  private func embedding(in views: ParameterViews) -> WeightMatrix {
    WeightMatrix(
      views.embedding, outputs: model.configuration.vocabularySize,
      inputs: model.configuration.modelDimension)
  }

  /// Copies rows of vocabulary width into `logits`, as many as it holds at a time.
  private func forEachChunk(of values: [Float], rows: Int, _ body: (Int, Int) -> Void) {
    let vocabulary = model.configuration.vocabularySize
    precondition(values.count == rows * vocabulary, "what is moved is one row a token")
    for first in stride(from: 0, to: rows, by: chunkRows) {
      let count = min(chunkRows, rows - first)
      logits.copyIn(Array(values[(first * vocabulary)..<((first + count) * vocabulary)]))
      body(first, count)
    }
  }
}
