package import Compute
package import Corpus
import KnowledgeGraph
import LabCore
package import LanguageModel

/// Scores the choices of questions under one model.
package final class ChoiceScorer {
  private let tokenizer: any Tokenizer
  private let pool: SessionPool

  /// Prepares a model to be asked; throws `LabError` when memory is short.
  package init(
    model: any AskedModel, tokenizer: any Tokenizer, precision: Precision = .fp32, workers: Int = 1
  ) throws {
    self.tokenizer = tokenizer
    pool = try SessionPool(model, precision: precision, workers: workers)
  }

  /// Questions to score between two looks at whether to stop.
  package var roundSize: Int { pool.roundSize }

  /// The log-probability in nats of each choice after its prompt, for each question; nil where
  /// `shouldStop` said so.
  package func scores(
    of questions: [ChoiceQuestion], unless shouldStop: @Sendable () -> Bool
  ) throws -> [[Double]]? {
    let tokenizer = tokenizer
    return try pool.map(questions, unless: shouldStop) { unit, session in
      let items = try unit.map { try $0.completions(tokenizer) }
      return try session.checkedLogProbabilities(items).map { $0.map { $0[0] } }
    }
  }
}

extension ChoiceQuestion {
  /// The question in tokens: cut where lm-evaluation-harness cuts it, with the whole text encoded
  /// at once.
  ///
  /// Throws `LabError`, a clause without an end, for a text that the tokenizer does not know, or
  /// that has other tokens where the choice joins the prompt.
  package func completions(_ tokenizer: any Tokenizer) throws -> PromptedCompletions {
    let spaces = prompt.unicodeScalars.reversed().prefix { $0.properties.isWhitespace }.reversed()
    let context = String(prompt.unicodeScalars.dropLast(spaces.count))
    let tokens = tokenizer.encodeLine(context)
    guard !tokens.isEmpty else { throw LabError("the prompt is empty") }
    let completions = try choices.map { choice in
      let whole = tokenizer.encodeLine(
        String(String.UnicodeScalarView(spaces)) + choice, after: context)
      if let unknown = whole.firstIndex(of: SpecialToken.unknown.rawValue) {
        let part = unknown < tokens.count ? "the prompt" : "the choice \(choice.debugDescription)"
        throw LabError(
          "\(part) has a word that the model's tokenizer does not know, token \(unknown + 1) of the text; use "
            + "names of the run's graph")
      }
      guard whole.starts(with: tokens), whole.count > tokens.count else {
        throw LabError(
          "the choice \(choice.debugDescription) does not begin with a token of its own where it follows the prompt; "
            + "begin it with a space")
      }
      return Array(whole[tokens.count...])
    }
    return PromptedCompletions(prompt: tokens, completions: completions)
  }
}
