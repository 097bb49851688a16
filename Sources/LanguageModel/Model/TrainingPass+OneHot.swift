import Compute

extension TrainingPass {
  /// The gradient of the objective with respect to the one-hot rows of some input tokens, shape (R, V): what replacing
  /// a token by each other changes, to first order.
  ///
  /// After `run` or `backward` on the batch that the rows are of. It is that of the embedding times its transpose, by
  /// single-precision products, and leaves the memory of the backward pass used up.
  package func oneHotGradients(of rows: [Int]) -> [Float] {
    let width = model.configuration.modelDimension
    let vocabulary = model.configuration.vocabularySize
    guard let last = rows.max() else { return [] }
    let all = flow.residual.prefix((last + 1) * width).copyOut()
    let embedding = WeightMatrix(model.views.embedding, outputs: vocabulary, inputs: width)
    var gradients: [Float] = []
    gradients.reserveCapacity(rows.count * vocabulary)
    for first in stride(from: 0, to: rows.count, by: chunkRows) {
      let part = rows[first..<min(first + chunkRows, rows.count)]
      flow.normed.copyIn(part.flatMap { all[($0 * width)..<(($0 + 1) * width)] })
      stream.linear(logits, input: flow.normed, weight: embedding, rows: part.count)
      gradients += logits.prefix(part.count * vocabulary).copyOut()
    }
    return gradients
  }
}
