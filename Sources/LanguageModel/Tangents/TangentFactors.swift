package import Compute

/// Gradients of several examples with respect to one matrix, each a sum over rows of output
/// gradient times input.
///
/// What structured derivatives keep of a matrix (arXiv 2206.08720): never the gradient itself, only
/// its factors.
package struct TangentFactors: Sendable {
  /// Rows of one side.
  package enum Side: Sendable {
    case dense(DenseMatrix)
    /// Rows with a single 1, in these columns: what an embedding reads.
    case oneHot([Int32])

    fileprivate func gathered(_ rows: [Int]) -> Side {
      switch self {
      case .dense(let matrix): .dense(matrix.gathered(rows))
      case .oneHot(let columns): .oneHot(rows.map { columns[$0] })
      }
    }

    /// Inner products of all rows of this side with all of another, shape (rows, other rows).
    fileprivate func products(_ other: Side) -> DenseMatrix {
      switch (self, other) {
      case (.dense(let a), .dense(let b)): return a.timesTransposed(b)
      case (.oneHot(let a), .oneHot(let b)):
        return DenseMatrix(
          rows: a.count, columns: b.count, a.flatMap { left in b.map { left == $0 ? 1 : 0 } })
      case (.oneHot(let a), .dense(let b)):
        return DenseMatrix(
          rows: a.count, columns: b.rows,
          a.flatMap { column in (0..<b.rows).map { b[$0, Int(column)] } })
      case (.dense, .oneHot): return other.products(self).transposed
      }
    }
  }

  /// One part of the rows: most matrices have one, tied embeddings have what is read and what is
  /// put out.
  package struct Part: Sendable {
    package let outputs: Side
    package let inputs: Side
    /// The example that each row is of.
    package let examples: [Int]

    /// Sides of as many rows as there are `examples`, which ascend.
    package init(outputs: Side, inputs: Side, examples: [Int]) {
      self.outputs = outputs
      self.inputs = inputs
      self.examples = examples
    }

    fileprivate func slice(_ rows: Range<Int>) -> Part {
      Part(
        outputs: outputs.gathered(Array(rows)), inputs: inputs.gathered(Array(rows)),
        examples: Array(examples[rows]))
    }
  }

  package let parts: [Part]

  package init(_ parts: [Part]) { self.parts = parts }

  /// Rows that are multiplied at once, so that memory stays small.
  private static let blockRows = 512

  /// Adds the inner products of the examples' gradients with those of others to `kernel` (examples,
  /// others).
  ///
  /// Of rows t and t': sum of (output gradient t . t')(input t . t').
  package func add(to kernel: inout DenseMatrix, with others: TangentFactors) {
    for left in parts {
      for start in stride(from: 0, to: left.examples.count, by: Self.blockRows) {
        let block = left.slice(start..<min(start + Self.blockRows, left.examples.count))
        for right in others.parts {
          let outputs = block.outputs.products(right.outputs)
          let inputs = block.inputs.products(right.inputs)
          for (row, example) in block.examples.enumerated() {
            for (column, other) in right.examples.enumerated() {
              kernel[example, other] += outputs[row, column] * inputs[row, column]
            }
          }
        }
      }
    }
  }
}
