import Foundation
import LabCore

/// How long a training is, in one of four units.
package enum Horizon: Hashable, Sendable {
  /// Passes over the training triples.
  case epochs(Int)
  /// Updates.
  case steps(Int)
  /// Input tokens.
  case tokens(Int)
  /// Floating-point operations, forward and backward.
  case flops(Double)

  /// The number of steps on a corpus.
  ///
  /// Tokens and operations are turned into steps at the mean of an epoch's steps, rounded up: at
  /// least one. Nil where it is more than 10^9.
  package func stepCount(
    stepsPerEpoch: Int, tokensPerEpoch: Int, flopsPerToken: Double
  ) -> Int? {
    let epochs: Double
    switch self {
    case .epochs(let count): epochs = Double(count)
    case .steps(let count): epochs = Double(count) / Double(stepsPerEpoch)
    case .tokens(let count): epochs = Double(count) / Double(tokensPerEpoch)
    case .flops(let count): epochs = count / (flopsPerToken * Double(tokensPerEpoch))
    }
    // What is a whole number but for rounding stays that number.
    let steps = (epochs * Double(stepsPerEpoch) * (1 - 1e-12)).rounded(.up)
    return steps <= 1e9 ? max(1, Int(steps)) : nil
  }

  /// "20 epochs", "500 steps", "1000000 tokens", "1e+12 FLOPs".
  package var words: String {
    switch self {
    case .epochs(let count): "\(count) epoch\(count == 1 ? "" : "s")"
    case .steps(let count): "\(count) step\(count == 1 ? "" : "s")"
    case .tokens(let count): "\(count) tokens"
    case .flops(let count): String(format: "%.4g FLOPs", count)
    }
  }

  /// "e20", "n500", "t1000000", "f1e+12": part of the names of folders.
  package var slug: String {
    switch self {
    case .epochs(let count): "e\(count)"
    case .steps(let count): "n\(count)"
    case .tokens(let count): "t\(count)"
    case .flops(let count): String(format: "f%.4g", count)
    }
  }

  /// The number of epochs, where that is the unit.
  package var epochs: Int? {
    if case .epochs(let count) = self { count } else { nil }
  }
}

extension Horizon {
  /// The unit as a key of run.json and of a study.
  var key: String {
    switch self {
    case .epochs: "epochs"
    case .steps: "steps"
    case .tokens: "tokens"
    case .flops: "flops"
    }
  }

  /// Refuses a length that no training has; throws `LabError` naming the unit.
  func validate() throws {
    func require(_ isAllowed: Bool, _ count: Any, _ rule: String) throws {
      guard isAllowed else { throw LabError("\(key) is \(count); it must be \(rule)", .usage) }
    }
    switch self {
    case .epochs(let count):
      try require((1...1_000_000).contains(count), count, "between 1 and 1000000")
    case .steps(let count):
      try require((1...1_000_000_000).contains(count), count, "between 1 and 1000000000")
    case .tokens(let count): try require(count >= 1, count, "at least 1")
    case .flops(let count):
      try require(count > 0 && count.isFinite, count, "above 0 and finite")
    }
  }
}
