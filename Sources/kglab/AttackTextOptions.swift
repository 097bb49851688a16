import ArgumentParser
import Console
import Corpus
import Experiments

/// The text that is put into a slot.
struct SlotTextOptions: ParsableArguments {
  @Option(help: "Where the text stands: before <O>, <P> or <S>.")
  var position = AttackSettings().position

  @Option(help: "Tokens of the text; by default as many as in training.")
  var length: Int?

  func validate() throws {
    try OptionRange.require(length, AttackSettings.lengthRange, "--length")
  }
}

/// How gcg and beam search a text.
struct TextSearchOptions: ParsableArguments {
  @Option(help: "Texts scored in an iteration of gcg and beam.")
  var candidates = usual.candidateCount

  @Option(help: "Tokens of steepest gradient a place, of which gcg draws.")
  var topK = usual.topK

  @Option(help: "Texts that beam keeps side by side.")
  var beamWidth = usual.beamWidth

  @Flag(help: "Let gcg go on from its best text so far, in place of the last iteration's.")
  var keepBest = false

  private static let usual = AttackSettings()
}

extension SlotPosition: ExpressibleByArgument {}
