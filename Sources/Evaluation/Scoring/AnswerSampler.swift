import Corpus
import KnowledgeGraph
import LanguageModel

/// Draws completions of queries and judges them.
struct AnswerSampler {
  let judge: AnswerJudge
  let options: EvaluationOptions
  /// Longest completion to wait for, in tokens; a longer one is malformed.
  let maximumNewTokens: Int
  private let base: UInt64

  init(judge: AnswerJudge, options: EvaluationOptions, maximumNewTokens: Int) {
    self.judge = judge
    self.options = options
    self.maximumNewTokens = maximumNewTokens
    base = SampleUniforms.base(seed: options.seed)
  }

  /// For each question its judged answers: by temperature, then by sample.
  func sample(_ questions: [Question], in session: any AskedSession) throws -> [[SampledAnswer]] {
    guard !options.sampleTemperatures.isEmpty else { return questions.map { _ in [] } }
    let prompts = questions.map(\.prompt)
    let uniforms = questions.map { question in
      options.sampleTemperatures.map {
        SampleUniforms(
          base: base, subject: question.query.subject, predicate: question.query.predicate,
          temperature: $0)
      }
    }
    var results = [[SampledAnswer]](repeating: [], count: questions.count)
    for group in groups(prompts, configuration: session.configuration) {
      let room = session.configuration.contextLength - prompts[group[0]].count
      let limits = GenerationLimits(
        maximumNewTokens: min(maximumNewTokens, room), endToken: SpecialToken.end.rawValue,
        stopTokens: 0..<Int32(SpecialToken.allCases.count))
      let drawn = try session.generate(
        prompts: group.map { prompts[$0] }, plans: plans, limits: limits
      ) { prompt, plan, sample, step in
        uniforms[group[prompt]][plan].value(sample: sample, step: step)
      }
      try judge.tokenizer.learn(drawn.flatMap { $0.flatMap { $0.map(\.tokens) } })
      for (place, completions) in zip(group, drawn) {
        results[place] = zip(options.sampleTemperatures, completions).flatMap { temperature, own in
          own.enumerated().map { sample, completion in
            judge.answer(
              completion, to: questions[place].query, temperature: temperature, sample: sample)
          }
        }
      }
    }
    return results
  }

  /// How to draw at each temperature.
  private var plans: [SamplePlan] {
    options.sampleTemperatures.map { temperature in
      SamplePlan(
        samples: options.samples(at: temperature),
        inverseTemperature: temperature == 0 ? .infinity : Float(1 / temperature),
        truncation: options.truncation)
    }
  }

  /// Indices of prompts that are generated side by side.
  ///
  /// Those of one group may grow by the same number of tokens, and their key-value cache fits into
  /// about 64 MiB even if no two completions are alike. A pure function of the prompts, so that
  /// results do not depend on the workers.
  private func groups(_ prompts: [[Int32]], configuration: ModelConfiguration) -> [[Int]] {
    let capacity = maximumNewTokens + (prompts.map(\.count).max() ?? 0)
    let row = 4 * (2 * configuration.layerCount + 1) * configuration.modelDimension * capacity
    let samples = options.sampleTemperatures.reduce(0) { $0 + options.samples(at: $1) }
    let size = max(1, (64 << 20) / max(1, row * samples))
    var groups: [[Int]] = []
    var limitOfLast = 0
    for (index, prompt) in prompts.enumerated() {
      let limit = min(maximumNewTokens, configuration.contextLength - prompt.count)
      if let last = groups.last, last.count < size, limit == limitOfLast {
        groups[groups.count - 1].append(index)
      } else {
        groups.append([index])
        limitOfLast = limit
      }
    }
    return groups
  }
}
