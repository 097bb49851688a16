import Compute
import Foundation
import LabCore
import LanguageModel
import Testing

private let shape = ModelConfiguration(
  layerCount: 2, modelDimension: 16, headCount: 2, feedForwardDimension: 32, vocabularySize: 17,
  contextLength: 24)

private func makeSession(tokens: Int = 64) throws -> InferenceSession {
  try InferenceSession(
    LanguageModel(shape, seed: Seed(4), on: .cpu), maximumTokens: tokens)
}

/// Probabilities that transformers gives under a temperature, top-k and top-p.
struct TruncationCase: Sendable {
  let temperature: Double
  let topK: Int?
  let topP: Double?
  let probabilities: [Double]

  static let all: [TruncationCase] = [
    TruncationCase(
      temperature: 1, topK: 3, topP: nil,
      probabilities: [0, 0, 0.211941557617085, 0, 0, 0.576116884765829, 0, 0.211941557617085]),
    TruncationCase(
      temperature: 0.7, topK: 5, topP: 0.8,
      probabilities: [0, 0, 0.162002772006283, 0, 0, 0.675994455987434, 0, 0.162002772006283]),
    TruncationCase(
      temperature: 2, topK: nil, topP: 0.6,
      probabilities: [0, 0, 0.274068619061197, 0, 0, 0.451862761877606, 0, 0.274068619061197]),
    TruncationCase(
      temperature: 1, topK: nil, topP: 0.95,
      probabilities: [
        0.109325329795233, 0, 0.180246996659707, 0.040218541230954, 0, 0.489962135654399, 0,
        0.180246996659707,
      ]),
    TruncationCase(
      temperature: 0.5, topK: 1, topP: 0.9, probabilities: [0, 0, 0, 0, 0, 1, 0, 0]),
    TruncationCase(
      temperature: 1, topK: 100, topP: nil,
      probabilities: [
        0.103885308942864, 0.018052559801569, 0.171277918567354, 0.038217269399823,
        0.02317994562149, 0.465581653657927, 0.008527425441618, 0.171277918567354,
      ]),
  ]
}

struct TruncationTests {
  static let logits: [Float] = [1.5, -0.25, 2, 0.5, 0, 3, -1, 2]

  /// softmax after `TemperatureLogitsWarper`, `TopKLogitsWarper` and `TopPLogitsWarper` of
  /// transformers.
  @Test(arguments: TruncationCase.all)
  func equalsTransformers(expected: TruncationCase) {
    let cut = TruncatedDistribution(
      logits: Self.logits[...], inverseTemperature: Float(1 / expected.temperature),
      Truncation(topK: expected.topK, topP: expected.topP))
    for (token, value) in expected.probabilities.enumerated() {
      #expect(abs(cut.probability(of: Int32(token)) - value) < 1e-7)
    }
  }

  /// Every share of [0, 1) leads to the token whose probability it falls into.
  @Test func drawsFollowTheProbabilities() {
    let cut = TruncatedDistribution(
      logits: Self.logits[...], inverseTemperature: 1, Truncation(topK: 4))
    var counts = [Int](repeating: 0, count: 8)
    for step in 0..<4_096 { counts[Int(cut.draw(Float(step) / 4_096))] += 1 }
    for token in 0..<8 {
      let share = Double(counts[token]) / 4_096
      #expect(abs(share - cut.probability(of: Int32(token))) < 1.0 / 2_048)
    }
    #expect(counts.count { $0 > 0 } == 4)
  }

  /// Of equally likely tokens the first ones are kept.
  @Test func tiesRankById() {
    let cut = TruncatedDistribution(
      logits: [1, 1, 1, 1, 0], inverseTemperature: 1, Truncation(topK: 2))
    #expect((0..<5).map { cut.probability(of: Int32($0)) } == [0.5, 0.5, 0, 0, 0])
  }

  @Test func impossibleValuesAreRefused() {
    let impossible = [
      Truncation(topK: 0), Truncation(topK: -3), Truncation(topP: 0), Truncation(topP: 1.5),
      Truncation(topP: .nan),
    ]
    for truncation in impossible {
      #expect(throws: LabError.self) { try truncation.validate() }
    }
  }
}

struct ScoringTests {
  private let items = [
    PromptedCompletions(
      prompt: [6, 7, 8], completions: [[9, 10, 5], [9, 5], [11, 12, 13, 5], [5]]),
    PromptedCompletions(prompt: [6, 10], completions: [[7, 8, 5]]),
    PromptedCompletions(prompt: [12, 6, 13, 9], completions: [[8, 5], [8, 5, 7]]),
    PromptedCompletions(prompt: [7], completions: [[5]]),
  ]

  /// Shared prompts and packed texts against one full pass for each text.
  @Test(arguments: [64, 12, 8])
  func sharedPromptsEqualWholePasses(tokens: Int) throws {
    let temperatures: [Float] = [1, 2]
    let scores = try makeSession(tokens: tokens).completionLogProbabilities(
      items, options: ScoringOptions(inverseTemperatures: temperatures))
    let session = try makeSession()
    for (item, own) in zip(items, scores) {
      #expect(own.count == item.completions.count)
      for (completion, values) in zip(item.completions, own) {
        var batch = TokenBatch()
        batch.append(
          tokens: item.prompt + completion.dropLast(),
          targets: [Int32](repeating: -1, count: item.prompt.count - 1) + completion)
        let whole = try session.logProbabilities(batch, inverseTemperatures: temperatures)
        for (value, row) in zip(values, whole) {
          #expect(abs(value - row.reduce(0) { $0 + Double($1) }) < 1e-5)
        }
      }
    }
  }

  /// More completions than one tree holds, many of which begin alike or are the same, in passes of
  /// any size.
  @Test(arguments: [1_024, 150, 16])
  func manyCompletionsEqualEachAlone(tokens: Int) throws {
    var stream = Seed(3).stream("completions")
    let item = PromptedCompletions(
      prompt: [6, 7, 8],
      completions: (0..<200).map { _ in
        (0..<1 + stream.below(4)).map { _ in Int32(6 + stream.below(4)) }
      })
    let together = try makeSession(tokens: tokens).completionLogProbabilities([item])[0]
    let session = try makeSession()
    for (completion, values) in zip(item.completions, together) {
      let alone = try session.completionLogProbabilities([
        PromptedCompletions(prompt: item.prompt, completions: [completion])
      ])[0][0]
      #expect(abs(values[0] - alone[0]) < 1e-5)
    }
  }

  /// Prompts that begin alike, in any order and some of them twice, as the queries of one subject
  /// do.
  @Test(arguments: [1_024, 70, 16])
  func manyPromptsEqualEachAlone(tokens: Int) throws {
    var stream = Seed(5).stream("prompts")
    func text(_ length: Int) -> [Int32] { (0..<length).map { _ in Int32(6 + stream.below(2)) } }
    let items = (0..<150).map { _ in
      PromptedCompletions(
        prompt: text(2 + stream.below(5)), completions: (0..<stream.below(4)).map { _ in text(2) })
    }
    let together = try makeSession(tokens: tokens).completionLogProbabilities(items)
    let session = try makeSession()
    for (item, scores) in zip(items, together) {
      #expect(scores.count == item.completions.count)
      for (completion, values) in zip(item.completions, scores) {
        let alone = try session.completionLogProbabilities([
          PromptedCompletions(prompt: item.prompt, completions: [completion])
        ])[0][0]
        #expect(abs(values[0] - alone[0]) < 1e-5)
      }
    }
  }

  /// The product of truncated probabilities along the tokens, from logits.
  @Test func truncatedScoresFollowTheTokens() throws {
    let truncation = Truncation(topK: 12, topP: 0.9)
    let scores = try makeSession().completionLogProbabilities(
      items, options: ScoringOptions(inverseTemperatures: [0.5], truncation: truncation))
    let session = try makeSession()
    var kinds: Set<Bool> = []
    for (item, own) in zip(items, scores) {
      for (completion, values) in zip(item.completions, own) {
        var expected = 0.0
        for place in completion.indices {
          let input = item.prompt + completion[..<place]
          var batch = TokenBatch()
          batch.append(tokens: input, targets: input)
          let cut = TruncatedDistribution(
            logits: session.allLogits(batch).suffix(17), inverseTemperature: 0.5, truncation)
          expected += log(cut.probability(of: completion[place]))
        }
        kinds.insert(expected.isFinite)
        #expect(values[0] == expected || abs(values[0] - expected) < 1e-5)
      }
    }
    #expect(kinds == [true, false], "some texts must be cut off, and some not")
  }
}

struct SharedGenerationTests {
  private let prompts: [[Int32]] = [[6, 7, 8], [9, 10, 7], [6, 7, 8]]
  private let limits = GenerationLimits(maximumNewTokens: 6, endToken: 5, stopTokens: 0..<6)

  private func uniform(_ prompt: Int, _ plan: Int, _ sample: Int, _ step: Int) -> Float {
    var stream = Seed(9).stream("\(prompt)/\(plan)/\(sample)/\(step)")
    return Float(stream.uniform())
  }

  /// Plans drawn together give what each gives alone, in sessions of any size.
  @Test(arguments: [64, 24])
  func plansDoNotDisturbEachOther(tokens: Int) throws {
    let plans = [
      SamplePlan(samples: 5, inverseTemperature: 1),
      SamplePlan(samples: 1, inverseTemperature: .infinity),
      SamplePlan(samples: 9, inverseTemperature: 2),
      SamplePlan(samples: 7, inverseTemperature: 1, truncation: Truncation(topK: 3)),
    ]
    let together = try makeSession(tokens: tokens).generate(
      prompts: prompts, plans: plans, limits: limits, uniform: uniform)
    var lengths: Set<Int> = []
    for (index, plan) in plans.enumerated() {
      let alone = try makeSession().generate(
        prompts: prompts, plans: [plan], limits: limits
      ) { prompt, _, sample, step in uniform(prompt, index, sample, step) }
      for prompt in prompts.indices {
        #expect(together[prompt][index].map(\.tokens) == alone[prompt][0].map(\.tokens))
        #expect(together[prompt][index].map(\.ended) == alone[prompt][0].map(\.ended))
        #expect(together[prompt][index].count == plan.samples)
        lengths.formUnion(alone[prompt][0].map(\.tokens.count))
      }
    }
    #expect(lengths.count > 2)
  }

  /// Prompts that begin alike are read together, and drawn from as each is alone.
  @Test(arguments: [256, 64])
  func promptsDoNotDisturbEachOther(tokens: Int) throws {
    let prompts: [[Int32]] = [
      [6, 7, 8, 9, 10], [6, 7, 8, 12], [7], [6, 7, 8, 9, 11, 12], [6, 7, 8], [13, 7, 8, 9],
      [6, 7, 8, 9, 10, 11],
    ]
    let plans = [SamplePlan(samples: 4, inverseTemperature: 1)]
    let together = try makeSession(tokens: tokens).generate(
      prompts: prompts, plans: plans, limits: limits, uniform: uniform)
    for (index, prompt) in prompts.enumerated() {
      let alone = try makeSession().generate(
        prompts: [prompt], plans: plans, limits: limits
      ) { _, plan, sample, step in uniform(index, plan, sample, step) }
      #expect(together[index][0].map(\.tokens) == alone[0][0].map(\.tokens))
      for (one, other) in zip(together[index][0], alone[0][0]) {
        #expect(abs(one.logProbability - other.logProbability) < 1e-4)
      }
    }
  }

  /// Each completion's log-probability is that of its tokens under the whole distribution.
  @Test func logProbabilitiesAreAtTemperatureOne() throws {
    let plans = [
      SamplePlan(samples: 12, inverseTemperature: 2),
      SamplePlan(samples: 12, inverseTemperature: 1, truncation: Truncation(topP: 0.7)),
    ]
    let session = try makeSession()
    let drawn = try session.generate(
      prompts: prompts, plans: plans,
      limits: GenerationLimits(maximumNewTokens: 6, endToken: 12, stopTokens: 0..<0),
      uniform: uniform)
    var checked = 0
    for (prompt, own) in zip(prompts, drawn) {
      for completion in own.joined() where completion.ended {
        let item = PromptedCompletions(prompt: prompt, completions: [completion.tokens + [12]])
        let score = try session.completionLogProbabilities([item])[0][0][0]
        #expect(abs(score - completion.logProbability) < 1e-4)
        checked += 1
      }
    }
    #expect(checked > 0)
  }

  /// Next-token log-probabilities of texts side by side are those of each alone, and sum to one.
  @Test func nextTokensOfTextsSideBySide() throws {
    let session = try makeSession()
    let texts: [[Int32]] = [[6, 7, 8], [9], [10, 7, 6, 8], [9, 10]]
    let all = session.nextLogProbabilities(of: texts)
    #expect(all.count == 4)
    for (text, values) in zip(texts, all) {
      #expect(abs(values.reduce(0.0) { $0 + exp(Double($1)) } - 1) < 1e-5)
      let completions = (0..<17).map { [Int32($0)] }
      let expected = try session.completionLogProbabilities(
        [PromptedCompletions(prompt: text, completions: completions)])[0].map { $0[0] }
      for (a, b) in zip(values, expected) { #expect(abs(Double(a) - b) < 1e-4) }
    }
  }

  /// Only the likeliest tokens are drawn, and each of them.
  @Test func truncatedDrawsStayInside() throws {
    let session = try makeSession()
    var batch = TokenBatch()
    batch.append(tokens: prompts[0], targets: prompts[0])
    let logits = session.allLogits(batch).suffix(17)
    let cut = TruncatedDistribution(
      logits: logits, inverseTemperature: 1, Truncation(topK: 4))
    let drawn = try session.generate(
      prompts: [prompts[0]],
      plans: [SamplePlan(samples: 60, inverseTemperature: 1, truncation: Truncation(topK: 4))],
      limits: GenerationLimits(maximumNewTokens: 1, endToken: -1, stopTokens: 0..<0),
      uniform: uniform)
    let tokens = Set(drawn[0][0].map { $0.tokens[0] })
    #expect(tokens == Set((0..<17).filter { cut.probability(of: $0) > 0 }))
  }
}
