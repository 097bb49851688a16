package import LabCore

/// What can go wrong between a graph and the batches a model is trained on.
package enum CorpusError: LabFailure, Equatable {
  /// The tokenizer cannot spell a name so that it can be read back.
  case nameUnspellable(name: String, kind: TokenizerKind, reason: String)
  /// Two names differ in bytes although they are the same text in another Unicode normal form.
  case namesAlike(first: String, second: String, kind: TokenizerKind = .word)
  /// The tokenizer lacks a piece of a name: it was made for another graph.
  case nameUnknown(name: String)
  /// A predicate that is to be said in sentences has none.
  case templatesMissing(predicate: String)
  /// A predicate has fewer templates than each fact is to be shown in.
  case templatesFew(predicate: String, count: Int, paraphrases: Int)
  /// A predicate has no template that a fact was not shown in.
  case templatesAllSeen(predicate: String, count: Int)
  /// A template is no sentence with the subject inside and the object at its end.
  case templateMalformed(predicate: String, template: String, reason: String)
  /// The share of lines that teach rules is not in [0, 0.9].
  case ruleShareOutOfRange(Double)
  /// The tokenizer lacks words that rules are given in.
  case rulesUnknown
  /// Rules are to be taught beside sentences.
  case rulesInSentences
  /// Several paraphrases are asked for without sentences, or fewer than one.
  case paraphrasesImpossible(Int)
  /// A phrasing that was never seen is asked for, and the model was trained on triples.
  case phrasingsAllSeen
  /// An epoch presents more than can be numbered.
  case presentationsTooMany(Int)
  /// A byte-level vocabulary needs the special tokens and 256 bytes.
  case vocabularyTooSmall(requested: Int, least: Int)
  /// No triple is trained on.
  case empty(fraction: Double)
  /// The fraction is not in (0, 1].
  case fractionOutOfRange(Double)
  /// Lines cannot have the slot that is asked for; what it needs.
  case slotImpossible(String)
  /// A window has no room for a token.
  case windowTooShort(Int)
  /// A batch cannot hold two of the longest sequences.
  case batchTooSmall(tokens: Int, longest: String, length: Int)
  /// `tokenizer.json` is missing, malformed or not one of ours.
  case tokenizerFile(path: String, reason: String)
  /// The tokenizer is another program's, which failed; the reason is a sentence.
  case tokenizerFailed(String)
  /// The process was asked to stop while a tokenizer was learned.
  case interrupted

  package var exitStatus: ExitStatus {
    switch self {
    case .vocabularyTooSmall, .fractionOutOfRange, .windowTooShort, .batchTooSmall,
      .paraphrasesImpossible, .phrasingsAllSeen, .slotImpossible, .rulesUnknown, .rulesInSentences,
      .ruleShareOutOfRange:
      .usage
    case .interrupted: .interrupted
    default: .badInput
    }
  }

  package var description: String {
    switch self {
    case .nameUnspellable(let name, let kind, let reason):
      "the \(kind.rawValue) tokenizer cannot spell \(Self.quoted(name)): \(reason); "
        + (kind == .word || kind == .entity
          ? "use --tokenizer bpe, or rename it in the graph" : "rename it in the graph")
    case .namesAlike(let first, let second, let kind):
      "\(Self.quoted(first)) and \(Self.quoted(second)) "
        + (kind == .entity ? "are the same name" : "contain the same word")
        + " in two Unicode normal forms, which the \(kind.rawValue) tokenizer cannot tell apart; "
        + "use --tokenizer bpe, or normalise the names"
    case .nameUnknown(let name):
      "the tokenizer has no tokens for \(Self.quoted(name)): it was made for another graph; "
        + "train on the graph it belongs to, or start a new run"
    case .templatesMissing, .templatesFew, .templatesAllSeen, .templateMalformed:
      templateFault
    case .paraphrasesImpossible(let count):
      count < 1
        ? "each fact must be shown in at least 1 template, not \(count)"
        : "\(count) paraphrases need templates: add --phrasing template, or leave --paraphrases out"
    case .phrasingsAllSeen:
      "the model was trained on triples, which are said in one way only: there is no unseen phrasing "
        + "to ask in; ask in the seen one, or train with --phrasing template"
    case .ruleShareOutOfRange(let share):
      "the share of lines that teach rules is \(share); it must be between 0 and 0.9"
    case .rulesUnknown:
      "the tokenizer has no tokens for words of rules such as \(RuleWord.copy.rawValue): it was made for a "
        + "training without them; train a new model with --rule-share"
    case .rulesInSentences:
      "rules are taught beside triples, not beside sentences; leave out --rule-share or --phrasing template"
    case .presentationsTooMany(let count):
      "an epoch of \(count) presentations is more than \(Int32.max); use a smaller --fraction, or a "
        + "graph with fewer exposures"
    case .vocabularyTooSmall(let requested, let least):
      "a vocabulary of \(requested) is too small for byte-level pairs: use at least \(least) "
        + "(\(SpecialToken.allCases.count) special tokens and 256 bytes)"
    case .empty(let fraction):
      "no triple of the graph is trained on at fraction \(fraction): "
        + "use a larger fraction, or hold out less"
    case .fractionOutOfRange(let fraction):
      "the fraction \(fraction) is not above 0 and at most 1"
    case .slotImpossible(let need):
      "a slot in training lines needs \(need)"
    case .windowTooShort(let length):
      "a window of \(length) tokens is too short: use at least 1"
    case .batchTooSmall(let tokens, let longest, let length):
      "a batch of \(tokens) tokens is too small: \(longest) has \(length) input tokens, and "
        + "a batch must hold two of the longest; use at least \(2 * length)"
    case .tokenizerFile(let path, let reason):
      "\(path) is not a tokenizer that kglab can use: \(reason); "
        + "restore the file, or train again to make a new one"
    case .tokenizerFailed(let reason): reason
    case .interrupted:
      "stopped while the tokenizer was learned; run the same command again"
    }
  }

  private var templateFault: String {
    switch self {
    case .templatesMissing(let predicate):
      "the predicate '\(predicate)' has no templates, so it cannot be said in sentences; give it some in "
        + "the schema, such as templates: [\"{subject} was born in {object}\"], and generate the graph "
        + "again, or use --phrasing triple"
    case .templatesFew(let predicate, let count, let paraphrases):
      "the predicate '\(predicate)' has \(count) template\(count == 1 ? "" : "s"), and each fact is to be "
        + "shown in \(paraphrases); lower --paraphrases, or add templates to the schema and generate "
        + "the graph again"
    case .templatesAllSeen(let predicate, let count):
      "the predicate '\(predicate)' has \(count) template\(count == 1 ? "" : "s"), and each fact was "
        + "shown in all of them: there is no unseen phrasing to ask in; train with fewer --paraphrases, "
        + "or ask in the seen one"
    case .templateMalformed(let predicate, let template, let reason):
      "the template \(Self.quoted(template)) of the predicate '\(predicate)' \(reason); write it like "
        + "\"{subject} was born in {object}\""
    default: ""
    }
  }

  /// A name in quotes, with control characters and quotes escaped so that they can be seen.
  private static func quoted(_ name: String) -> String { name.debugDescription }
}
