import Compute
import Foundation

/// A step of gradient descent with momentum (heavy ball): m <- momentum m + g, w <- w - rate m -
/// decay w.
struct Momentum {
  let rate: Double
  let decay: Double
  let momentum: Double

  /// Updates weights and moments; `scale` multiplies the gradient first.
  func step(
    _ weights: FloatSlice, _ moments: FloatSlice, gradient: FloatSlice, scale: Double
  ) {
    var values = weights.copyOut()
    var moment = moments.copyOut()
    let gradients = gradient.copyOut()
    let (rate, kept) = (Float(rate), Float(1 - decay))
    let (momentum, scale) = (Float(momentum), Float(scale))
    for index in values.indices {
      moment[index] = momentum * moment[index] + scale * gradients[index]
      values[index] = kept * values[index] - rate * moment[index]
    }
    weights.copyIn(values)
    moments.copyIn(moment)
  }
}

/// A step of Adafactor with parameter scaling on one tensor (Shazeer & Stern 2018, arXiv
/// 1804.04235, algorithm 4).
///
/// v is the running mean of g^2 + 1e-30 with 1 - t^-0.8 of the old one kept at step t from 1; of a
/// matrix only the means of its rows R and columns C are kept, and v = R C / mean(R). u = g /
/// sqrt(v) is scaled down to a root mean square of 1 where that is larger, and theta <- theta -
/// rate max(1e-3, RMS(theta)) u. No momentum.
struct Adafactor {
  let shape: [Int]
  /// Of weights: the learning rate times the multiplier.
  let rate: Double
  let decay: Double
  let multiplier: Double
  /// Counted from 0.
  let stepNumber: Int

  private static let squareFloor = 1e-30
  private static let scaleFloor = 1e-3

  /// Updates weights, and means of squares in the first places of `moments`; `scale` multiplies the
  /// gradient first.
  func step(
    _ weights: FloatSlice, _ moments: FloatSlice, gradient: FloatSlice, scale: Double
  ) {
    var values = weights.copyOut()
    var means = moments.copyOut()
    let gradients = gradient.copyOut().map { Float(scale) * $0 }
    let update = direction(gradients, &means)
    let size = Self.rootMeanSquare(values) / multiplier
    let shrink = max(1, Self.rootMeanSquare(update))
    let step = Float(rate * max(Self.scaleFloor, size) / shrink)
    let kept = Float(1 - decay)
    for index in values.indices { values[index] = kept * values[index] - step * update[index] }
    weights.copyIn(values)
    moments.copyIn(means)
  }

  /// g / sqrt(v), with v brought up to date.
  private func direction(_ gradients: [Float], _ means: inout [Float]) -> [Float] {
    let old = 1 - pow(Double(stepNumber + 1), -0.8)
    func mix(_ mean: Float, _ square: Double) -> Float {
      Float(old * Double(mean) + (1 - old) * (square + Self.squareFloor))
    }
    guard shape.count == 2, shape[0] + shape[1] <= gradients.count else {
      return gradients.indices.map { index in
        let square = Double(gradients[index]) * Double(gradients[index])
        means[index] = mix(means[index], square)
        return Float(Double(gradients[index]) / Double(means[index]).squareRoot())
      }
    }
    let (rows, columns) = (shape[0], shape[1])
    var rowSums = [Double](repeating: 0, count: rows)
    var columnSums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let value = Double(gradients[row * columns + column])
        rowSums[row] += value * value
        columnSums[column] += value * value
      }
    }
    for row in 0..<rows { means[row] = mix(means[row], rowSums[row] / Double(columns)) }
    for column in 0..<columns {
      means[rows + column] = mix(means[rows + column], columnSums[column] / Double(rows))
    }
    let mean = means[..<rows].reduce(0.0) { $0 + Double($1) } / Double(rows)
    let rowFactors = means[..<rows].map { Float((mean / Double($0)).squareRoot()) }
    let columnFactors = means[rows..<(rows + columns)].map { Float(1 / Double($0).squareRoot()) }
    var update = gradients
    for row in 0..<rows {
      for column in 0..<columns {
        update[row * columns + column] *= rowFactors[row] * columnFactors[column]
      }
    }
    return update
  }

  private static func rootMeanSquare(_ values: [Float]) -> Double {
    (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(values.count, 1)))
      .squareRoot()
  }
}
