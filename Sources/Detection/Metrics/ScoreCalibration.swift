import Foundation

/// How a score is turned into a probability on the validation part.
package enum CalibrationMethod: String, Codable, CaseIterable, Sendable {
  /// A logistic curve of the score (Platt 1999, with his smoothed targets).
  case platt
  /// The rising step function of least squares, found by pooling adjacent violators.
  case isotonic
}

/// A rising map from scores to probabilities.
package enum ScoreCalibration: Codable, Hashable, Sendable {
  /// p = 1 / (1 + exp(-(slope * score + intercept))).
  case platt(slope: Double, intercept: Double)
  /// Linear between the knots, constant outside; scores rise strictly.
  case isotonic(scores: [Double], probabilities: [Double])

  /// Fits the method to examples; infinite scores count as the largest finite ones.
  ///
  /// Throws `DetectionError.oneClass` where all labels are equal.
  package init(
    _ method: CalibrationMethod, fitting examples: ScoredExamples
  ) throws(DetectionError) {
    guard examples.labels.contains(true), examples.labels.contains(false) else {
      throw examples.oneClassError
    }
    let scores = Self.finite(examples.scores)
    switch method {
    case .platt: self = Self.fitPlatt(scores, examples.labels)
    case .isotonic: self = Self.fitIsotonic(scores, examples.labels)
    }
  }

  /// The probability that a score stands for.
  package func probability(_ score: Double) -> Double {
    switch self {
    case .platt(let slope, let intercept):
      // An infinite score with slope 0 says nothing.
      let logit = slope == 0 ? intercept : slope * score + intercept
      return LogLoss.probability(logit)
    case .isotonic(let scores, let probabilities):
      guard let first = scores.first, let last = scores.last else { return 0.5 }
      if score <= first { return probabilities[0] }
      if score >= last { return probabilities[probabilities.count - 1] }
      var (low, high) = (0, scores.count - 1)
      while high - low > 1 {
        let middle = (low + high) / 2
        if scores[middle] <= score { low = middle } else { high = middle }
      }
      let share = (score - scores[low]) / (scores[high] - scores[low])
      return probabilities[low] + share * (probabilities[high] - probabilities[low])
    }
  }

  /// Whether every score has a probability: numbers are finite, and knots come in pairs.
  var isSound: Bool {
    switch self {
    case .platt(let slope, let intercept): slope.isFinite && intercept.isFinite
    case .isotonic(let scores, let probabilities):
      scores.count == probabilities.count && (scores + probabilities).allSatisfy(\.isFinite)
    }
  }

  private static func finite(_ scores: [Double]) -> [Double] {
    let known = scores.filter(\.isFinite)
    let (low, high) = (known.min() ?? 0, known.max() ?? 0)
    return scores.map { $0.isFinite ? $0 : ($0 > 0 ? high : low) }
  }

  // MARK: Platt

  /// Newton's method on the log-loss with Platt's targets, on scores scaled to deviation 1.
  private static func fitPlatt(_ scores: [Double], _ labels: [Bool]) -> ScoreCalibration {
    let positive = Double(labels.count { $0 })
    let total = Double(labels.count)
    let mean = scores.reduce(0, +) / total
    let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / total
    let deviation = variance > 0 ? variance.squareRoot() : 1
    let high = (positive + 1) / (positive + 2)
    let low = 1 / (total - positive + 2)
    let inputs = scores.map { ($0 - mean) / deviation }
    let targets = labels.map { $0 ? high : low }

    func loss(_ slope: Double, _ intercept: Double) -> Double {
      var sum = 0.0
      for index in inputs.indices {
        let logit = slope * inputs[index] + intercept
        sum += max(0, logit) + log1p(exp(-abs(logit))) - targets[index] * logit
      }
      return sum
    }
    var (slope, intercept) = (0.0, log((positive + 1) / (total - positive + 1)))
    var value = loss(slope, intercept)
    for _ in 0..<100 {
      var (g1, g0, h11, h10, h00) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for index in inputs.indices {
        let x = inputs[index]
        let p = LogLoss.probability(slope * x + intercept)
        let error = p - targets[index]
        let curvature = p * (1 - p)
        g1 += error * x
        g0 += error
        h11 += curvature * x * x
        h10 += curvature * x
        h00 += curvature
      }
      if max(abs(g1), abs(g0)) < 1e-12 * total { break }
      h11 += 1e-12 * total
      h00 += 1e-12 * total
      let determinant = h11 * h00 - h10 * h10
      guard determinant > 0 else { break }
      let step = ((h00 * g1 - h10 * g0) / determinant, (h11 * g0 - h10 * g1) / determinant)
      if step.0 * g1 + step.1 * g0 < 1e-18 * total {
        // The loss is flat to its rounding, and Newton's last step squares what is left of the
        // error.
        slope -= step.0
        intercept -= step.1
        break
      }
      var length = 1.0
      var next = value
      while length > 1e-10 {
        next = loss(slope - length * step.0, intercept - length * step.1)
        if next <= value { break }
        length /= 2
      }
      guard next <= value else { break }
      slope -= length * step.0
      intercept -= length * step.1
      value = next
    }
    return .platt(slope: slope / deviation, intercept: intercept - slope * mean / deviation)
  }

  // MARK: Isotonic

  private struct Block {
    var first: Double
    var last: Double
    var weight: Double
    var sum: Double
  }

  /// Pools adjacent violators; equal scores are one point to begin with.
  private static func fitIsotonic(_ scores: [Double], _ labels: [Bool]) -> ScoreCalibration {
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    var points: [Block] = []
    for index in order {
      let sum: Double = labels[index] ? 1 : 0
      if let last = points.last, last.last == scores[index] {
        points[points.count - 1].weight += 1
        points[points.count - 1].sum += sum
      } else {
        points.append(Block(first: scores[index], last: scores[index], weight: 1, sum: sum))
      }
    }
    var blocks: [Block] = []
    for point in points {
      blocks.append(point)
      while blocks.count > 1 {
        let (a, b) = (blocks[blocks.count - 2], blocks[blocks.count - 1])
        guard a.sum * b.weight >= b.sum * a.weight else { break }
        blocks.removeLast(2)
        blocks.append(
          Block(first: a.first, last: b.last, weight: a.weight + b.weight, sum: a.sum + b.sum))
      }
    }
    var knots: (scores: [Double], probabilities: [Double]) = ([], [])
    for block in blocks {
      for score in block.first == block.last ? [block.first] : [block.first, block.last] {
        knots.scores.append(score)
        knots.probabilities.append(block.sum / block.weight)
      }
    }
    return .isotonic(scores: knots.scores, probabilities: knots.probabilities)
  }
}
