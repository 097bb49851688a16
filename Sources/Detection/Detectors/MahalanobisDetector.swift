import Compute
import Evaluation
import KnowledgeGraph
package import LanguageModel

/// The distance of an answer's last state from what the model has read in training (arXiv
/// 2106.09022 for `relative`).
///
/// Centroid and covariance are those of the training part's answers that are triples trained on.
/// The relative distance is the paper's: the squared distance less that from all answers of the
/// training part, the background, as in a ratio of two normal likelihoods. No verdict on a
/// hallucination is used.
package struct MahalanobisDetector: DetectorRecipe {
  private let isRelative: Bool

  package var kind: DetectorKind { .score }
  package var name: String { isRelative ? "relative-mahalanobis" : "mahalanobis" }
  package var shape: DetectorShape {
    DetectorShape(layer: LayerChoice.final.name, place: AnswerPlace.last.rawValue)
  }
  package var streams: Set<CaptureStream> { [.finalNorm] }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.isSentence ? [false, true].map { MahalanobisDetector(isRelative: $0) } : []
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let train = material.rows(.train)
    let known = train.filter { material.answer($0).answer.verdict == .correct }
    guard !known.isEmpty else {
      throw DetectionError.oneClassInTraining(hallucinated: true, count: train.count)
    }
    func states(_ rows: [Int]) throws -> [Float] {
      try material.features.matrix(
        FeatureSelection([.finalNorm]), rows: material.featureRows(rows, at: .last))
    }
    let width = material.features.configuration.modelDimension
    let near = try NormalCloud(try states(known), width: width)
    let far = isRelative ? try NormalCloud(try states(train), width: width) : nil
    func scores(_ rows: [Int]) throws -> [Double] {
      let values = try states(rows)
      return rows.indices.map { row in
        let state = values[(row * width)..<((row + 1) * width)]
        let distance = near.distance(state)
        guard let background = far?.distance(state) else { return distance }
        return distance * distance - background * background
      }
    }
    return FittedDetector(
      validation: try scores(material.rows(.validation)), test: try scores(material.rows(.test)))
  }
}

/// Mean and covariance of some rows.
struct NormalCloud {
  private let mean: [Double]
  private let covariance: SymmetricMatrix

  /// Share of the mean variance that is added to the diagonal, so that few rows suffice.
  private static let regularization = 1e-3

  /// Measures rows of `width` values; throws `LabError` when memory is short.
  init(_ rows: [Float], width: Int) throws {
    let count = rows.count / width
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<count {
      for column in 0..<width { mean[column] += Double(rows[row * width + column]) }
    }
    mean = mean.map { $0 / Double(count) }
    var centred = rows
    for row in 0..<count {
      for column in 0..<width { centred[row * width + column] -= Float(mean[column]) }
    }
    let product = try GramMatrix(centred, width: width)
    var matrix = (0..<width).map { row in
      (0..<width).map { Double(product.values[row * width + $0]) / Double(count) }
    }
    let trace = (0..<width).reduce(0) { $0 + matrix[$1][$1] }
    for index in 0..<width {
      matrix[index][index] += Self.regularization * trace / Double(width) + 1e-30
    }
    self.mean = mean
    covariance = SymmetricMatrix(matrix)
  }

  /// sqrt((x - mean)^T covariance^-1 (x - mean)).
  func distance(_ x: ArraySlice<Float>) -> Double {
    covariance.distance(zip(x, mean).map { Double($0) - $1 })
  }
}

/// X^T X of rows X, by the device's products.
struct GramMatrix {
  let values: [Float]

  init(_ rows: [Float], width: Int, on device: Device = .cpu) throws {
    let chunk = 1_024
    let stream = try KernelStream(
      on: device, precision: .fp32,
      limits: StreamLimits(
        maximumTokens: chunk, maximumSequenceLength: 1, maximumWidth: width))
    let input = try DeviceBuffer<Float>(chunk * width, on: device).all
    let result = try DeviceBuffer<Float>(width * width, on: device).all
    let matrix = WeightMatrix(result, outputs: width, inputs: width)
    for start in stride(from: 0, to: rows.count, by: chunk * width) {
      let part = Array(rows[start..<min(start + chunk * width, rows.count)])
      input.copyIn(part)
      stream.linearBackwardWeight(
        matrix, outputGradient: input, input: input, rows: part.count / width)
    }
    values = result.copyOut()
  }
}
