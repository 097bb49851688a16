/// A kind of question on which larger models were found to do worse: ten of the eleven prize tasks
/// of inverse scaling.
///
/// After McKenzie et al. (2023, arXiv 2306.09479), put into triples of a graph, so that each has
/// one answer by its rule and another by what the model remembers or what the prompt suggests.
package enum Trap: String, Codable, CaseIterable, Sendable {
  case resistingCorrection = "resisting-correction"
  case memoTrap = "memo-trap"
  case redefine
  case promptInjection = "prompt-injection"
  case modusTollens = "modus-tollens"
  case patternMatch = "pattern-match-suppression"
  case neqa
  case intoTheUnknown = "into-the-unknown"
  case repetitiveAlgebra = "repetitive-algebra"
  case hindsightNeglect = "hindsight-neglect"

  /// Why models fall for it, in the prize's words.
  package enum Cause: String, Sendable {
    case strongPrior = "strong prior"
    case imitation = "unwanted imitation"
    case distractor = "distractor task"
    case fewShot = "spurious few-shot"
  }

  package var cause: Cause {
    switch self {
    case .resistingCorrection, .memoTrap, .redefine, .promptInjection: .strongPrior
    case .modusTollens: .imitation
    case .patternMatch, .neqa, .intoTheUnknown: .distractor
    case .repetitiveAlgebra, .hindsightNeglect: .fewShot
    }
  }

  /// The two forms of each question.
  package enum Variant: String, Codable, CaseIterable, Sendable {
    /// Rule and memory, or rule and suggestion, say different things.
    case trap
    /// Both say the same.
    case plain
  }
}

/// One question in both forms, about the same facts.
package struct TrapPair: Hashable, Sendable {
  package let trap: ChoiceQuestion
  package let plain: ChoiceQuestion
  /// The trap with the line that leads to its answer said before it, so that the rule remains to be
  /// applied; nil for most.
  package var reasoned: ChoiceQuestion?
}
