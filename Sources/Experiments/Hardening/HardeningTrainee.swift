import Corpus
import Foundation
import LabCore
import Training

/// What a round of adversarial training starts from: a run's model or one of its detectors, with
/// what it learns from.
protocol HardeningTrainee {
  /// What the round attacks: training examples, drawn by the round's seed, and how.
  func attacked(_ settings: AttackSettings, seed: Seed) throws
    -> (target: AttackTarget, examples: [AttackedExample])
  /// Clean lines to draw from.
  var cleanCount: Int { get throws }
  /// Trains on attacked texts and clean lines, each once, in an order of the round's seed.
  ///
  /// Returns the loss of each of the texts afterwards, in nats, and the floating-point operations:
  /// 6 N T of a line of T tokens and 2 N T of one whose loss is looked at.
  mutating func train(
    on items: [PoolItem], clean count: Int, _ training: AdversarialTraining, seed: Seed,
    _ work: Work
  ) throws -> (losses: [Double], flops: Double)
  /// Writes what training left as the round that it made.
  func write(_ round: HardeningRound, _ tally: HardeningTally, pool: Data) throws
}

/// Where rounds are: the model, or detector, that they begin with, and what each of them made.
protocol HardeningPlace {
  /// Of the model's weights or the detector's record.
  var origin: String { get }
  /// The folder of a round; of round 0 that of what they begin with.
  func folder(_ round: Int) -> URL
  /// What a finished round did, and its pool; nil where it is not there.
  ///
  /// Throws `LabError` where something else is in its place.
  func found(_ round: HardeningRound) throws -> (tally: HardeningTally, pool: Data)?
  /// What a round starts from: what the one before made.
  func trainee(for round: HardeningRound) throws -> any HardeningTrainee
}

extension AdversarialTraining {
  /// The attacks of a round.
  func attacks(ofRound round: Int, seed: Seed) throws -> AttackSettings {
    var settings = AttackSettings()
    // A round has no model beside it that could propose texts.
    guard let kind = AttackKind(rawValue: attack), !kind.hasProposer else {
      let known = AttackKind.allCases.filter { !$0.hasProposer }.map(\.rawValue)
      throw LabError(
        "the attack of adversarial training is '\(attack)'; it can be one of \(known.joined(separator: ", "))"
          + Suggestion.hint(for: attack, in: known), .usage)
    }
    settings.kinds = [kind]
    (settings.position, settings.length) = (position, length)
    settings.exampleCount = attackedCount
    settings.iterations = iterations(ofRound: round)
    settings.randomIterations = settings.iterations
    (settings.candidateCount, settings.topK) = (candidateCount, topK)
    (settings.beamWidth, settings.keepsBest) = (beamWidth, keepsBest)
    settings.seed = seed.derived("attacks").value
    return settings
  }
}
