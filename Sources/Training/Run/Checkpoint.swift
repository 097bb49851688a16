import LabCore

/// Where training stands between two steps; with weights and moments, all that continuing needs.
struct TrainingState: Codable, Hashable, Sendable {
  /// What a training can take, and how many processes can have worked on it.
  static let seconds = 0...1e12
  static let sessions = 0...1_000_000_000

  /// Steps done.
  var step = 0
  var tokensSeen = 0
  var epochLossSum = 0.0
  var epochLossCount = 0
  /// Mean loss in nats of the first batch, before any update.
  var initialCrossEntropy: Double?
  var metrics: [TrainingMetrics] = []
  /// Seconds of work so far, over all interruptions; not part of the result.
  var secondsElapsed = 0.0
  /// Processes that have worked on it, this one included; not part of the result.
  var sessionCount: Int? = 1
  /// Nil only in checkpoints of versions that did not watch the loss.
  var lossMonitor: LossMonitor? = LossMonitor()

  enum CodingKeys: String, SnakeCaseKey {
    case step, tokensSeen, epochLossSum, epochLossCount, initialCrossEntropy, metrics, lossMonitor
    case secondsElapsed = "seconds"
    case sessionCount = "sessions"
  }
}

extension TrainingState {
  /// Refuses numbers that no training reaches, to which more could not be added; throws `LabError`
  /// naming the field.
  func validate() throws {
    let most = 1 << 60
    let counts = [
      ("step", step, 1_000_000_000), ("tokens_seen", tokensSeen, most),
      ("epoch_loss_count", epochLossCount, most),
      ("sessions", sessionCount ?? 1, Self.sessions.upperBound),
    ]
    for (name, value, most) in counts where !(0...most).contains(value) {
      throw LabError("\(name) is \(value); it must be between 0 and \(most)")
    }
    guard Self.seconds.contains(secondsElapsed) else {
      throw LabError(
        "seconds is \(secondsElapsed); it must be between 0 and \(Self.seconds.upperBound)")
    }
  }
}
