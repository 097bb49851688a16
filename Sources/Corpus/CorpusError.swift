package import LabCore

/// What can go wrong between a graph and the batches a model is trained on.
package enum CorpusError: LabFailure, Equatable {
  /// The tokenizer cannot spell a name so that it can be read back.
  case nameUnspellable(name: String, kind: TokenizerKind, reason: String)
  /// Two names differ in bytes although they are the same text in another Unicode normal form.
  case namesAlike(first: String, second: String)
  /// The tokenizer lacks a piece of a name: it was made for another graph.
  case nameUnknown(name: String)
  /// A byte-level vocabulary needs the special tokens and 256 bytes.
  case vocabularyTooSmall(requested: Int, least: Int)
  /// No triple is trained on.
  case empty(fraction: Double)
  /// The fraction is not in (0, 1].
  case fractionOutOfRange(Double)
  /// A window has no room for a token.
  case windowTooShort(Int)
  /// A batch cannot hold two of the longest sequences.
  case batchTooSmall(tokens: Int, longest: String, length: Int)
  /// `tokenizer.json` is missing, malformed or not one of ours.
  case tokenizerFile(path: String, reason: String)

  package var exitStatus: ExitStatus {
    switch self {
    case .vocabularyTooSmall, .fractionOutOfRange, .windowTooShort, .batchTooSmall: .usage
    default: .badInput
    }
  }

  package var description: String {
    switch self {
    case .nameUnspellable(let name, let kind, let reason):
      "the \(kind.rawValue) tokenizer cannot spell \(Self.quoted(name)): \(reason); "
        + (kind == .word
          ? "use --tokenizer bpe, or rename it in the graph" : "rename it in the graph")
    case .namesAlike(let first, let second):
      "\(Self.quoted(first)) and \(Self.quoted(second)) contain the same word in two Unicode normal "
        + "forms, which the word tokenizer cannot tell apart; use --tokenizer bpe, or normalise the names"
    case .nameUnknown(let name):
      "the tokenizer has no tokens for \(Self.quoted(name)): it was made for another graph; "
        + "train on the graph it belongs to, or start a new run"
    case .vocabularyTooSmall(let requested, let least):
      "a vocabulary of \(requested) is too small for byte-level pairs: use at least \(least) "
        + "(\(SpecialToken.allCases.count) special tokens and 256 bytes)"
    case .empty(let fraction):
      "no triple of the graph is trained on at fraction \(fraction): "
        + "use a larger fraction, or hold out less"
    case .fractionOutOfRange(let fraction):
      "the fraction \(fraction) is not above 0 and at most 1"
    case .windowTooShort(let length):
      "a window of \(length) tokens is too short: use at least 1"
    case .batchTooSmall(let tokens, let longest, let length):
      "a batch of \(tokens) tokens is too small: \(longest) has \(length) input tokens, and "
        + "a batch must hold two of the longest; use at least \(2 * length)"
    case .tokenizerFile(let path, let reason):
      "\(path) is not a tokenizer that kglab can use: \(reason); "
        + "restore the file, or train again to make a new one"
    }
  }

  /// A name in quotes, with control characters and quotes escaped so that they can be seen.
  private static func quoted(_ name: String) -> String { name.debugDescription }
}
