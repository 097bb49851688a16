import Corpus
import Evaluation
import KnowledgeGraph
import LanguageModel
import TestSupport
import Testing

struct VerdictTests {
  private static let graph = TestGraph.make([
    SmallGraph.Row("ann", "in", "rome", "city"),
    SmallGraph.Row("ann", "in", "new york", "city", visible: false),
    SmallGraph.Row("bob", "in", "paris", "city"), SmallGraph.Row("bob", "likes", "tea", "drink"),
  ])

  private func judge(_ name: String, ended: Bool = true) throws -> SampledAnswer {
    let tokenizer = try TokenizerKind.word.tokenizer(
      for: Self.graph, vocabularySize: 270)
    var completion = Completion()
    completion.tokens = name.isEmpty ? [] : tokenizer.encode(name)
    completion.ended = ended
    return AnswerJudge(graph: Self.graph, tokenizer: tokenizer)
      .answer(completion, to: Self.graph.queries[0], temperature: 1, sample: 0)
  }

  @Test(arguments: [
    ("rome", Verdict.correct, "rome" as String?), ("new york", .correctHeldOut, "new york"),
    ("paris", .wrongObject, "paris"), ("tea", .wrongType, "tea"), ("bob", .wrongType, "bob"),
    ("new rome", .invented, nil), ("york", .invented, nil), ("", .malformed, nil),
  ])
  func verdictsOnTexts(name: String, verdict: Verdict, object: String?) throws {
    let answer = try judge(name)
    #expect(answer.verdict == verdict)
    #expect(answer.text == name)
    #expect(answer.object.map { Self.graph.entities[Int($0)].name } == object)
  }

  @Test func textsWithoutEndAreMalformed() throws {
    let answer = try judge("rome", ended: false)
    #expect(answer.verdict == .malformed)
    #expect(answer.text == "rome")
    #expect(answer.object == nil)
  }

  @Test func specialTokensAreMalformed() throws {
    let tokenizer = try TokenizerKind.word.tokenizer(
      for: Self.graph, vocabularySize: 270)
    var completion = Completion()
    completion.tokens = tokenizer.encode("rome") + [SpecialToken.unknown.rawValue]
    completion.ended = true
    let answer = AnswerJudge(graph: Self.graph, tokenizer: tokenizer)
      .answer(completion, to: Self.graph.queries[0], temperature: 1, sample: 0)
    #expect(answer.verdict == .malformed)
    #expect(answer.text == "rome <unk>")
    #expect(!answer.isCanonical)
  }

  /// Five answers by hand: counts, recall and distinct texts.
  @Test func outcomesCountAnswers() throws {
    let tokenizer = try TokenizerKind.word.tokenizer(
      for: Self.graph, vocabularySize: 270)
    let answers = try ["rome", "rome", "new york", "tea", "new rome"].map { try judge($0) }
    let outcome = AnswerJudge(graph: Self.graph, tokenizer: tokenizer)
      .outcomes(of: answers, to: Self.graph.queries[0], temperatures: [1])[0]
    #expect(outcome.count(.correct) == 2)
    #expect(outcome.count(.correctHeldOut) == 1)
    #expect(outcome.count(.wrongType) == 1)
    #expect(outcome.count(.invented) == 1)
    #expect(outcome.hallucinationCount == 2)
    #expect(outcome.sampleCount == 5)
    #expect(outcome.distinctCount == 4)
    #expect(outcome.generatedAnswerCount == 2)
    #expect(outcome.generatedVisibleCount == 1)
  }

  /// In a summary, verdicts sum to the completions, and seen is the sum of fvs and pvs.
  @Test func countsAddUp() throws {
    let fixture = try Fixture(TestGraph.people(40))
    let summary = try fixture.summary(options(sampled: [0, 1], samples: 4))
    let queries = Dictionary(grouping: fixture.graph.queries, by: \.visibility).mapValues(\.count)
    for (method, temperature, samples) in [
      (EvaluationMethod.greedy, 0.0, 1), (.sampled, 1.0, 4),
    ] {
      func counts(_ set: QuerySet) -> [Int] {
        summary.verdicts
          .filter { $0.method == method && $0.temperature == temperature && $0.visibility == set }
          .map(\.count)
      }
      #expect(counts(.fvs).reduce(0, +) == samples * (queries[.fvs] ?? 0))
      #expect(counts(.pvs).reduce(0, +) == samples * (queries[.pvs] ?? 0))
      #expect(counts(.ivs).reduce(0, +) == samples * (queries[.ivs] ?? 0))
      #expect(counts(.seen) == zip(counts(.fvs), counts(.pvs)).map { $0 + $1 })
      for set in QuerySet.allCases {
        let wrong = zip(Verdict.allCases, counts(set)).filter { $0.0.isHallucination }
        let rate = try #require(summary.rate(method, temperature: temperature, set))
        let share = Double(wrong.reduce(0) { $0 + $1.1 }) / Double(counts(set).reduce(0, +))
        #expect(abs(rate.rate - share) < 1e-12)
        let coverage = try #require(
          summary.coverage.first {
            $0.method == method && $0.temperature == temperature && $0.visibility == set
          })
        #expect(abs(coverage.precision + rate.rate - 1) < 1e-12)
        #expect((0...1).contains(coverage.recall))
        #expect((coverage.visibleRecall == nil) == (set == .ivs))
      }
    }
  }
}
