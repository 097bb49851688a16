import Foundation
import LabCore

/// Which tokens may be drawn: the k likeliest, or the likeliest that reach a probability together.
///
/// After the temperature, first `topK`, then `topP` on what is left, rescaled to sum to 1 each
/// time: the order of Hugging Face's `generate`. Equally likely tokens rank by their id.
package struct Truncation: Codable, Hashable, Sendable {
  /// Keeps this many tokens (Fan 2018).
  package var topK: Int?
  /// Keeps the fewest likeliest tokens with at least this probability together (Holtzman 2020).
  package var topP: Double?

  package init(topK: Int? = nil, topP: Double? = nil) {
    self.topK = topK
    self.topP = topP
  }

  /// Whether every token may be drawn.
  package var isNone: Bool { topK == nil && topP == nil }

  enum CodingKeys: String, SnakeCaseKey {
    case topK, topP
  }

  /// Refuses values that keep no token or mean nothing; throws `LabError` naming the option.
  package func validate() throws {
    if let topK, !(1...1_000_000_000).contains(topK) {
      throw LabError("top-k is \(topK); it must be between 1 and 1000000000", .usage)
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw LabError("top-p is \(topP); it must be above 0 and at most 1", .usage)
    }
  }
}

/// The distribution of the next token at a temperature, cut to the likeliest tokens.
package struct TruncatedDistribution {
  /// Tokens that may be drawn, likeliest first.
  private let tokens: [Int]
  /// Their probabilities, which sum to 1.
  private let probabilities: [Double]

  /// Cuts softmax(logits * inverseTemperature).
  package init(logits: ArraySlice<Float>, inverseTemperature: Float, _ truncation: Truncation) {
    let top = logits.max() ?? 0
    let inverse = Double(inverseTemperature)
    let first = logits.startIndex
    var kept = Self.likeliest(truncation.topK ?? logits.count, in: logits)
    if kept.count == logits.count {
      let weights = logits.map { exp((Double($0) - Double(top)) * inverse) }
      // All tokens rarer than this together are less than what the likeliest leave out.
      let least = (1 - (truncation.topP ?? 1)) / Double(logits.count) * weights.reduce(0, +)
      kept = kept.filter { weights[$0] >= least }
      kept.sort { (logits[first + $1], $0) < (logits[first + $0], $1) }
      self.init(kept, kept.map { weights[$0] }, total: weights.reduce(0, +), truncation.topP)
    } else {
      let weights = kept.map { exp((Double(logits[first + $0]) - Double(top)) * inverse) }
      self.init(kept, weights, total: weights.reduce(0, +), truncation.topP)
    }
  }

  /// Cuts tokens in falling order of their weights to those that reach `topP` of `total`.
  private init(_ order: [Int], _ weights: [Double], total: Double, _ topP: Double?) {
    var count = order.count
    if let topP {
      var sum = 0.0
      count = 0
      while count < order.count, sum < topP * total {
        sum += weights[count]
        count += 1
      }
      count = max(count, 1)
    }
    let sum = weights.prefix(count).reduce(0, +)
    tokens = Array(order.prefix(count))
    probabilities = weights.prefix(count).map { $0 / sum }
  }

  /// The places of the `count` largest values, largest first; all in order of place where none is
  /// left out.
  private static func likeliest(_ count: Int, in logits: ArraySlice<Float>) -> [Int] {
    let first = logits.startIndex
    var best: [Int] = []
    if count >= logits.count {
      best = Array(0..<logits.count)
      return best
    }
    best.reserveCapacity(count + 1)
    for place in 0..<logits.count {
      let value = logits[first + place]
      if best.count == count, value <= logits[first + best[count - 1]] { continue }
      var low = 0
      var high = best.count
      while low < high {
        let middle = (low + high) / 2
        if logits[first + best[middle]] >= value { low = middle + 1 } else { high = middle }
      }
      best.insert(place, at: low)
      if best.count > count { best.removeLast() }
    }
    return best
  }

  /// Probability of a token; 0 for one that is cut off.
  package func probability(of token: Int32) -> Double {
    tokens.firstIndex(of: Int(token)).map { probabilities[$0] } ?? 0
  }

  /// The same as a logarithm in nats, -infinity for a token that is cut off.
  func logProbability(of token: Int32) -> Double { log(probability(of: token)) }

  /// The token whose stretch of the cumulative distribution holds `uniform`, in [0, 1).
  package func draw(_ uniform: Float) -> Int32 {
    var sum = 0.0
    for (token, probability) in zip(tokens, probabilities) {
      sum += probability
      if Double(uniform) < sum { return Int32(token) }
    }
    return Int32(tokens.last ?? 0)
  }

  /// log softmax of a token under plain logits, in nats.
  static func logProbability(of token: Int32, logits: ArraySlice<Float>) -> Double {
    let top = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
    return Double(logits[logits.startIndex + Int(token)]) - top - log(sum)
  }
}
