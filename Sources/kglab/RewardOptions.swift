import ArgumentParser
import Corpus

/// How detectors judge answers in place of the graph.
struct RewardOptions: ParsableArguments {
  @Option(
    help: "Detectors that judge answers: one, three, or three heads on one body (default: one).")
  var detectors: RewardChoice.Ensemble?

  @Option(help: "How their rewards become one (default: mean).")
  var combine: RewardChoice.Combination?

  @Option(help: "Share of the labels that they learn from that are flipped (default: 0.25).")
  var flips: Double?

  /// The first option that was given; nil for none.
  var given: String? {
    let options = [
      ("--detectors", detectors != nil), ("--combine", combine != nil), ("--flips", flips != nil),
    ]
    return options.first(where: \.1)?.0
  }

  func choice(seed: UInt64) -> RewardChoice {
    var choice = RewardChoice()
    choice.ensemble = detectors ?? choice.ensemble
    choice.combination = combine ?? choice.combination
    choice.flips = flips ?? choice.flips
    choice.seed = seed
    return choice
  }
}

extension RewardChoice.Ensemble: ExpressibleByArgument {}
extension RewardChoice.Combination: ExpressibleByArgument {}
