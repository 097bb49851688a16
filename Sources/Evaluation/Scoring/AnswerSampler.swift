import Corpus
import KnowledgeGraph
import LanguageModel

/// Draws completions of queries and judges them.
struct AnswerSampler {
  let judge: AnswerJudge
  let text: TripleText
  let options: EvaluationOptions
  /// Longest completion to wait for, in tokens; a longer one is malformed.
  let maximumNewTokens: Int
  private let base: UInt64

  init(judge: AnswerJudge, text: TripleText, options: EvaluationOptions, maximumNewTokens: Int) {
    self.judge = judge
    self.text = text
    self.options = options
    self.maximumNewTokens = maximumNewTokens
    base = SampleUniforms.base(seed: options.seed)
  }

  /// For each query its judged answers: by temperature, then by sample.
  func sample(_ queries: [Query], in session: InferenceSession) throws -> [[SampledAnswer]] {
    var results = [[SampledAnswer]](repeating: [], count: queries.count)
    let prompts = queries.map { text.prompt(subject: $0.subject, predicate: $0.predicate) }
    for temperature in options.sampleTemperatures {
      let completions = try draw(queries, prompts, temperature: temperature, in: session)
      for (index, query) in queries.enumerated() {
        for (sample, completion) in completions[index].enumerated() {
          results[index].append(
            judge.answer(completion, to: query, temperature: temperature, sample: sample))
        }
      }
    }
    return results
  }

  private func draw(
    _ queries: [Query], _ prompts: [[Int32]], temperature: Double, in session: InferenceSession
  ) throws -> [[Completion]] {
    let samples = options.samples(at: temperature)
    let uniforms = queries.map {
      SampleUniforms(
        base: base, subject: $0.subject, predicate: $0.predicate, temperature: temperature)
    }
    let context = session.model.configuration.contextLength
    var results = [[Completion]](repeating: [], count: queries.count)
    for group in groups(prompts, samples: samples, configuration: session.model.configuration) {
      let limit = min(maximumNewTokens, context - prompts[group[0]].count)
      let generation = GenerationOptions(
        samples: samples,
        inverseTemperature: temperature == 0 ? .infinity : Float(1 / temperature),
        maximumNewTokens: limit, endToken: SpecialToken.end.rawValue,
        stopTokens: 0..<Int32(SpecialToken.allCases.count))
      let drawn = try session.generate(prompts: group.map { prompts[$0] }, options: generation) {
        uniforms[group[$0]].value(sample: $1, step: $2)
      }
      for (place, completions) in zip(group, drawn) { results[place] = completions }
    }
    return results
  }

  /// Indices of prompts that are generated side by side.
  ///
  /// Those of one group may grow by the same number of tokens, and their key-value cache fits into
  /// about 64 MiB. A pure function of the prompts, so that results do not depend on the workers.
  private func groups(
    _ prompts: [[Int32]], samples: Int, configuration: ModelConfiguration
  ) -> [[Int]] {
    let capacity = maximumNewTokens + (prompts.map(\.count).max() ?? 0)
    let row = 4 * (2 * configuration.layerCount + 1) * configuration.modelDimension * capacity
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
