package import LabCore
import LanguageModel

/// A training whose loss left the numbers or the range it had been in.
///
/// Thrown by `Trainer.run`; the run's folder keeps the checkpoints from before it.
package struct TrainingDiverged: LabFailure, Codable, Hashable {
  /// What went wrong.
  package enum Reason: String, Codable, Sendable {
    /// The loss or the gradient's norm is not a finite number.
    case notFinite = "not_finite"
    /// The loss stayed far above what it had been.
    case lossSpike = "loss_spike"
  }

  package var reason: Reason
  /// The step at which it was seen, counted from 1.
  package var step: Int
  /// Mean next-token loss in nats of that step's batch; may be NaN or infinite.
  package var loss: Double
  /// Norm of that step's gradient before clipping; may be NaN or infinite.
  package var gradientNorm: Double
  /// The highest loss that would have been ordinary; nil where the loss is not finite.
  package var ordinaryLimit: Double?
  /// What to change, in a few words with the names of options.
  package var advice: String
  /// The newest checkpoint from before it, as a path; nil without one.
  package var checkpoint: String?
  /// The run's folder, where this is read back from its record.
  var wasRecordedIn: String?

  enum CodingKeys: String, SnakeCaseKey {
    case reason, step, loss, advice, checkpoint, gradientNorm, ordinaryLimit
  }

  /// A divergence with what to change.
  package init(
    _ reason: Reason, step: Int, loss: Double, gradientNorm: Double, ordinaryLimit: Double? = nil,
    advice: String, checkpoint: String? = nil
  ) {
    self.reason = reason
    self.step = step
    self.loss = loss
    self.gradientNorm = gradientNorm
    self.ordinaryLimit = ordinaryLimit
    self.checkpoint = checkpoint
    self.advice = advice
  }

  package var exitStatus: ExitStatus { .failure }

  /// Where and how, without what to do.
  package var summary: String {
    let what =
      switch reason {
      case .notFinite: "loss \(loss), gradient norm \(gradientNorm)"
      case .lossSpike:
        "for \(LossMonitor.patience) steps the loss was above what is ordinary, at last "
          + "\(Self.short(loss)) nats where at most \(ordinaryLimit.map(Self.short) ?? "?") was "
          + "to be expected"
      }
    return "training diverged at step \(step): \(what)"
  }

  package var description: String {
    let kept =
      checkpoint.map { "the last checkpoint from before it is \($0)" }
      ?? "no checkpoint was written before it"
    guard let folder = wasRecordedIn else { return "\(summary); try \(advice); \(kept)" }
    let goOn = reason == .lossSpike ? ", or go on with --on-spike continue" : ""
    return
      "\(folder) holds a run that diverged (\(summary)); try \(advice) and another --out\(goOn); "
      + kept
  }

  /// What usually helps, the most likely first; what is set already is left out.
  static func advice(_ configuration: RunConfiguration) -> String {
    let training = configuration.training
    var ways = [
      "a lower --learning-rate (now \(training.learningRate))",
      training.warmUpSteps.map { "a longer --warm-up-steps (now \($0))" }
        ?? "a longer --warm-up-share (now \(training.warmUpShare))",
    ]
    if training.clipNorm == 0 { ways.append("--clip-norm 1") }
    if !configuration.model.queryKeyNorm { ways.append("no --no-query-key-norm") }
    if training.zLoss == 0 { ways.append("--z-loss 1e-4") }
    return ways.dropLast().joined(separator: ", ") + " or " + (ways.last ?? "")
  }

  private static func short(_ value: Double) -> String {
    "\((value * 1000).rounded() / 1000)"
  }
}
