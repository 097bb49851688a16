import Compute
import Evaluation
import KnowledgeGraph
import LabCore

/// What one of the few examples of a distilled head is like: the training example that is nearest
/// to it by the kernel.
package struct DistilledPoint: Codable, Hashable, Sendable {
  /// What the head says at the point: above 0 a hallucination.
  package let output: Double
  /// Root mean square of its standardised coordinates; about 1 for a real example.
  package let size: Double
  /// k(p, x) / sqrt(k(p, p) k(x, x)) of the nearest example x.
  package let similarity: Double
  /// The predicate that x answers, and what it says.
  package let predicate: String
  package let text: String
  package let isHallucination: Bool
  /// Shares in [0, 1] of the training examples whose answer has a lower log-probability than x's,
  /// and whose object is said less often under its predicate; ties count half.
  package let logProbability: Double
  package let popularity: Double

  enum CodingKeys: String, SnakeCaseKey {
    case output, size, similarity, predicate, text, isHallucination, logProbability, popularity
  }
}

extension KernelMachine {
  /// Its kept points, in order, beside the training examples that they stand for: rows of `states`,
  /// examples `rows` of the material.
  func described(by states: DenseMatrix, _ rows: [Int], of material: DetectorMaterial)
    -> [DistilledPoint]
  {
    let (own, others) = (kernel.points(points), kernel.points(states))
    let cross = kernel.cross(own, others)
    let outputs = values(points)
    let answers = rows.map { material.answer($0) }
    let probabilities = answers.map(\.answer.logProbability)
    let popularity = answers.map { -material.baselines.value(of: .objectPrior, for: $0) }
    func share(_ values: [Double], below value: Double) -> Double {
      (Double(values.count { $0 < value }) + 0.5 * Double(values.count { $0 == value }))
        / Double(values.count)
    }
    return (0..<points.rows).map { point in
      let likeness = (0..<states.rows).map { row in
        cross[point, row] / (own.diagonal[point] * others.diagonal[row]).squareRoot()
      }
      let nearest = likeness.indices.max { likeness[$0] < likeness[$1] } ?? 0
      let example = material.set.examples[rows[nearest]]
      let graph = material.graph
      let squares = points.row(point).reduce(0) { $0 + $1 * $1 }
      return DistilledPoint(
        output: outputs[point], size: (squares / Double(points.columns)).squareRoot(),
        similarity: likeness[nearest],
        predicate: graph.predicates[Int(graph.queries[example.query].predicate)].name,
        text: example.text, isHallucination: example.isHallucination,
        logProbability: share(probabilities, below: probabilities[nearest]),
        popularity: share(popularity, below: popularity[nearest]))
    }
  }
}
