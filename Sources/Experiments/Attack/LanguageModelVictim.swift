import Compute
import Corpus
package import Evaluation
import KnowledgeGraph
import LabCore
package import LanguageModel
import Training

/// A language model: wrong where its greedy answer is none of the graph's.
package final class LanguageModelVictim: AttackVictim {
  private let session: any AskedSession
  /// Nil for a model of elsewhere, which is asked alone.
  private let gradient: GradientPass?
  private let judge: AnswerJudge
  private let limits: GenerationLimits

  package let unreadCount = 1
  package let parameterCount: Int

  /// `maximumNewTokens` must fit into the context after every prompt.
  ///
  /// Throws `LabError` when memory is short.
  package init(_ model: any AskedModel, judge: AnswerJudge, maximumNewTokens: Int) throws {
    let model = try model.asked(in: .fp32)
    parameterCount = model.nonEmbeddingParameterCount
    session = try model.session(maximumTokens: max(1_024, model.configuration.contextLength))
    gradient = try (model as? LanguageModel).map { try GradientPass($0) }
    self.judge = judge
    limits = GenerationLimits(
      maximumNewTokens: maximumNewTokens, endToken: SpecialToken.end.rawValue,
      stopTokens: 0..<Int32(SpecialToken.allCases.count))
  }

  package func outcomes(of texts: [AttackedText]) throws -> [AttackOutcome] {
    let greedy = SamplePlan(samples: 1, inverseTemperature: .infinity)
    let drawn = try session.generate(prompts: texts.map(\.prompt), plans: [greedy], limits: limits)
    { _, _, _, _ in 0 }
    try judge.tokenizer.learn(drawn.map { $0[0][0].tokens })
    return zip(texts, drawn).map { text, completions in
      let completion = completions[0][0]
      let answer = judge.answer(
        completion, to: judge.graph.queries[text.example.query], temperature: 0, sample: 0)
      return AttackOutcome(
        answer: answer.text, isWrong: answer.verdict.isHallucination,
        isTarget: completion.ended
          && text.example.answer.dropLast().elementsEqual(completion.tokens))
    }
  }

  /// -log P(wrong answer, end token included).
  package func losses(of texts: [AttackedText]) throws -> [Double] {
    let items = texts.map {
      PromptedCompletions(prompt: $0.prompt, completions: [$0.example.answer])
    }
    let losses = try session.completionLogProbabilities(items).map { -$0[0][0] }
    guard losses.allSatisfy({ !$0.isNaN }) else {
      throw LabError(
        "the model's probabilities are not numbers: its weights hold NaN or infinity; train it again with a lower "
          + "learning rate")
    }
    return losses
  }

  package func gradients(of texts: [AttackedText]) throws -> [[Float]] {
    guard let gradient else {
      throw LabError(
        "an outside model gives no gradients, which gcg needs; choose --kind random, beam or beast",
        .usage)
    }
    return try gradient.gradients(of: texts)
  }
}

/// Gradients of a model's losses with respect to the fields of texts.
private struct GradientPass {
  private let pass: TrainingPass
  private let scratch: Gradients
  private let vocabulary: Int

  init(_ model: LanguageModel) throws {
    pass = try TrainingPass(model)
    scratch = try Gradients(model.layout, on: model.device)
    vocabulary = model.configuration.vocabularySize
  }

  func gradients(of texts: [AttackedText]) throws -> [[Float]] {
    var results: [[Float]] = []
    var batch = TokenBatch()
    var rows: [[Int]] = []
    func finish() {
      pass.stream.zero(scratch.values)
      _ = pass.run(batch, into: scratch, scale: 1, zLoss: 0)
      var all = pass.oneHotGradients(of: rows.flatMap(\.self))[...]
      for own in rows {
        results.append(Array(all.prefix(own.count * vocabulary)))
        all = all.dropFirst(own.count * vocabulary)
      }
      (batch, rows) = (TokenBatch(), [])
    }
    for text in texts {
      let prompt = text.prompt
      let line = text.line
      if !rows.isEmpty, batch.tokens.count + line.count - 1 > pass.maximumTokens { finish() }
      let first = batch.tokens.count + text.example.before.count + 1
      rows.append(Array(first..<(first + text.field.count - 1)))
      batch.append(
        tokens: line.dropLast(),
        targets: line.indices.dropFirst().map { $0 < prompt.count ? -1 : line[$0] })
    }
    if !rows.isEmpty { finish() }
    return results
  }
}
