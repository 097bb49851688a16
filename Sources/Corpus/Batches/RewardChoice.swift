import LabCore

/// What judges answers in place of the graph: detectors that learned from one model's answers, with
/// some labels flipped.
package struct RewardChoice: Codable, Hashable, Sendable {
  /// How many detectors judge.
  package enum Ensemble: String, Codable, CaseIterable, Sendable {
    case one, three
    /// Three read-outs of one body, trained together.
    case heads
  }

  /// How the rewards of several detectors become one.
  package enum Combination: String, Codable, CaseIterable, Sendable {
    case mean, min
    /// The mean less a multiple of the variance.
    case penalized
  }

  /// SHA-256 of the weights whose answers they learned from and whose states they read; in a plan
  /// the id of its training.
  package var of = ""
  package var ensemble = Ensemble.one
  package var combination = Combination.mean
  /// Of the variance, where that is taken off.
  package var penalty = 0.5
  /// Share of the labels learned from that are flipped.
  package var flips = 0.25
  /// Answers drawn of each query to learn from.
  package var samples = 2
  /// Units of each hidden layer.
  package var hidden = 64
  /// Decides answers, split, flips and initial weights.
  package var seed: UInt64 = 0

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case of, ensemble, combination, penalty, flips, samples, hidden, seed
  }

  /// "three detectors, min".
  package var words: String {
    let who =
      switch ensemble {
      case .one: "a detector"
      case .three: "three detectors"
      case .heads: "three heads"
      }
    return ensemble == .one ? who : "\(who), \(combination.rawValue)"
  }

  /// Throws `LabError` naming the setting that is impossible.
  package func validate() throws {
    func require(_ isPossible: Bool, _ name: String, _ value: some Any, _ range: String) throws {
      guard !isPossible else { return }
      throw LabError("the reward's \(name) is \(value); it must be \(range)", .usage)
    }
    try require(flips >= 0 && flips < 0.5, "flips", flips, "at least 0, below 0.5")
    try require(penalty >= 0 && penalty <= 100, "penalty", penalty, "from 0 to 100")
    try require((1...256).contains(samples), "samples", samples, "from 1 to 256")
    try require((1...4_096).contains(hidden), "hidden", hidden, "from 1 to 4096")
  }
}
