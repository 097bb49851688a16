import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Texts made of a model's answers against what its exact probabilities say of them.
@Suite struct AnswerTextTests {
  private static let graph = TestGraph.people(60)
  private static let trained = Result {
    try TrainedRun(graph, epochs: 12) { request, _ in request.training.tokensPerStep = 128 }
  }
  private let run: RunFolder
  private let statements: [TaughtTriple]

  init() throws {
    run = try Self.trained.get().run
    statements = Self.graph.statements(fraction: 1)
  }

  private func lines(
    workers: Int = 1, of runs: [RunFolder]? = nil, _ change: (inout AnswerText) -> Void = { _ in }
  ) throws -> AnswerLines {
    var text = AnswerText()
    text.seed = 5
    change(&text)
    return try AnswerTextMaker(text, of: runs ?? [run], graph: Self.graph, fraction: 1)
      .lines(Work(workers: workers))
  }

  /// Exact probabilities of what is right, by place in the graph's queries.
  private func exact(_ temperature: Double, topK: Int? = nil) throws -> [ExactOutcome] {
    var options = EvaluationOptions()
    options.exactTemperatures = [temperature]
    options.sampleTemperatures = []
    options.topK = topK
    let evaluator = try Evaluator(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: Self.graph, options: options)
    return try evaluator.outcomes(of: 0..<evaluator.queries.count).map { $0.exact[0] }
  }

  /// Queries with visible answers, and the lines of each in an epoch of the graph's text.
  private var taught: [(place: Int, query: Query, lines: Int)] {
    Self.graph.queries.enumerated().compactMap { place, query in
      let count = statements.count {
        $0.triple.subject == query.subject && $0.triple.predicate == query.predicate
      }
      return count > 0 ? (place, query, count) : nil
    }
  }

  private func count(_ lines: AnswerLines) -> Int {
    lines.lines.reduce(0) { $0 + Int($1.exposures) }
  }

  // MARK: What is drawn

  @Test func theShareOfWrongLinesIsTheExactRate() throws {
    let drawn = try lines { $0.synthetic = 20 }
    let exact = try exact(1)
    var (expected, variance) = (0.0, 0.0)
    for (place, _, lines) in taught {
      let right = exact[place].correct + exact[place].correctHeldOut
      expected += 20 * Double(lines) * right
      variance += 20 * Double(lines) * right * (1 - right)
    }
    #expect(drawn.tally.drawn == 20 * statements.count && count(drawn) == drawn.tally.drawn)
    #expect(abs(Double(drawn.tally.right) - expected) < 4 * variance.squareRoot())
    // Neither right nor wrong throughout, or there would be nothing to compare.
    let share = Double(drawn.tally.right) / Double(drawn.tally.drawn)
    #expect(share > 0.05 && share < 0.95)
  }

  /// A tabular model that learns m draws loses an object of probability f with probability (1 -
  /// f)^m.
  @Test func objectsAreLostAsOftenAsDrawsMissThem() throws {
    let m = 8
    let drawn = try lines { $0.samples = m }
    let said = Set(drawn.lines.map { [$0.subject, $0.predicate] + $0.completion })
    let names = try TripleText(graph: Self.graph, tokenizer: run.tokenizer)
    let maker = QuestionMaker(graph: Self.graph, text: names)
    let session = try InferenceSession(run.loadModel(), maximumTokens: 1_024)
    let questions = taught.map { maker.question($0.query) }
    let scores = try session.completionLogProbabilities(questions.map(\.prompted))
    var (lost, expected, variance) = (0, 0.0, 0.0)
    for (question, own) in zip(questions, scores) {
      for (answer, score) in zip(question.truth, own) {
        let missed = pow(1 - exp(score[0]), Double(m))
        expected += missed
        variance += missed * (1 - missed)
        let words = [question.query.subject, question.query.predicate] + answer.tokens
        lost += said.contains(words) ? 0 : 1
      }
    }
    #expect(abs(Double(lost) - expected) < 4 * variance.squareRoot())
    #expect(expected > 10 && Double(lost) < Double(questions.count))
  }

  /// Of k draws one at least is right with probability 1 - (1 - pi)^k, pi summed over the right
  /// answers.
  @Test(arguments: [(1.0, nil), (0.7, 3)] as [(Double, Int?)])
  func theShareOfQueriesThatAreKeptIsTheExpectedOne(temperature: Double, topK: Int?) throws {
    let k = 4
    let drawn = try lines {
      ($0.temperature, $0.topK, $0.samples, $0.right) = (temperature, topK, k, 1)
    }
    let exact = try exact(temperature, topK: topK)
    let chances = taught.map { 1 - pow(1 - exact[$0.place].correct, Double(k)) }
    let expected = chances.reduce(0, +)
    let variance = chances.reduce(0) { $0 + $1 * (1 - $1) }
    #expect(drawn.tally.asked == taught.count && drawn.tally.kept == drawn.tally.answered)
    #expect(abs(Double(drawn.tally.answered) - expected) < 4 * variance.squareRoot() + 1e-9)
    #expect(drawn.tally.answered < drawn.tally.asked)
  }

  /// What is kept without a limit has the shares of P(o | right): where a tabular policy lands
  /// after one fit.
  @Test func keptAnswersHaveTheDistributionOfRightOnes() throws {
    let drawn = try lines { ($0.samples, $0.right) = (400, 400) }
    let names = try TripleText(graph: Self.graph, tokenizer: run.tokenizer)
    let maker = QuestionMaker(graph: Self.graph, text: names)
    let session = try InferenceSession(run.loadModel(), maximumTokens: 1_024)
    var squares: [Double] = []
    for (_, query, _) in taught {
      let question = maker.question(query)
      let scores = try session.completionLogProbabilities([question.prompted])[0]
      let visible = zip(question.truth, scores).filter { $0.0.isVisible }
      guard visible.count > 1 else { continue }
      let own = drawn.lines.filter {
        $0.subject == query.subject && $0.predicate == query.predicate
      }
      let kept = Double(own.reduce(0) { $0 + $1.exposures })
      let all = visible.reduce(0) { $0 + exp($1.1[0]) }
      for (answer, score) in visible.dropLast() {
        let share = exp(score[0]) / all
        let found = Double(own.first { $0.completion == answer.tokens }?.exposures ?? 0)
        guard kept * share * (1 - share) > 5 else { continue }
        squares.append(pow(found - kept * share, 2) / (kept * share * (1 - share)))
      }
    }
    // Squared standard scores: mean 1, none far out.
    let mean = squares.reduce(0, +) / Double(squares.count)
    #expect(squares.count > 10)
    #expect(abs(mean - 1) < 4 * (2 / Double(squares.count)).squareRoot())
    #expect((squares.max() ?? 0) < 20)
  }

  // MARK: Which lines

  @Test func realAndSyntheticLinesAddUp() throws {
    let total = statements.count
    let names = try TripleText(graph: Self.graph, tokenizer: run.tokenizer)
    let mixed = try lines { ($0.real, $0.synthetic) = (0.75, 0.25) }
    #expect(count(mixed) == total && mixed.tally.real == Int((0.75 * Double(total)).rounded()))
    // No line that stays was asked: each query has as many lines as before.
    for (_, query, lines) in taught {
      let own = mixed.lines.filter {
        $0.subject == query.subject && $0.predicate == query.predicate
      }
      #expect(own.reduce(0) { $0 + Int($1.exposures) } == lines)
    }
    let all = try lines { $0.real = 1 }
    #expect(count(all) == 2 * total && all.tally.real == total)
    let said = Set(all.lines.map { [$0.subject, $0.predicate] + $0.completion })
    #expect(
      statements.allSatisfy {
        said.contains(
          [$0.triple.subject, $0.triple.predicate] + names.completion(object: $0.triple.object))
      })
    #expect(try count(lines { $0.synthetic = 3 }) == 3 * total)
    #expect(try count(lines(of: [run, run])) == 2 * total)
    let half = try lines { $0.queries = 0.5 }
    #expect(
      half.lines.allSatisfy { line in
        (Self.graph.query(subject: line.subject, predicate: line.predicate)?.rank ?? 1) < 0.5
      })
    #expect(count(half) < total && count(half) > 0)
  }

  @Test func drawsDependOnModelAndSeedAlone() throws {
    let one = try lines()
    #expect(try lines(workers: 2) == one)
    #expect(try lines { $0.seed = 6 }.lines != one.lines)
    #expect(one.text.of == [run.record.weightsHash ?? ""])
  }

  @Test func whatCannotBeIsRefused() throws {
    expectFailure("the text's queries is 0.0; it must be above 0") { try lines { $0.queries = 0 } }
    expectFailure("temperature is 0.0") { try lines { $0.temperature = 0 } }
    expectFailure("samples is 2000; it must be from 1 to 1024") { try lines { $0.samples = 2_000 } }
    expectFailure("left out where samples is given") {
      try lines { ($0.samples, $0.synthetic) = (2, 3) }
    }
    expectFailure("was trained on another graph") {
      try AnswerTextMaker(AnswerText(), of: [run], graph: TestGraph.tiny, fraction: 1)
    }
  }

  // MARK: Training on them

  @Test func aModelLearnsTheWordsOfAnother() throws {
    let folder = try TemporaryFolder()
    let text = try lines { ($0.real, $0.synthetic) = (0.5, 0.5) }
    func train(_ name: String, stopAfter: Int? = nil) throws -> RunRecord {
      try trainTiny(Self.graph, into: folder[name], epochs: 3) { request, options in
        request.training.tokensPerStep = 128
        request.answers = text
        if let stopAfter { options.shouldStop = stopping(after: stopAfter) }
      }
    }
    let whole = try train("whole")
    guard case .answers(let source) = whole.configuration.corpus.source else {
      Issue.record("the source is \(whole.configuration.corpus.source)")
      return
    }
    #expect(source == text.text && source.lines != nil && whole.answers == text.tally)
    #expect(whole.presentationsPerEpoch == count(text))
    #expect(whole.trainedTripleCount == text.lines.count)
    // Each epoch shows each line as often as the text has it, in the words that were said.
    let epoch = try TrainingCorpus(
      graph: Self.graph, tokenizer: run.tokenizer, configuration: whole.configuration.corpus,
      lines: text.lines
    ).schedule(tokensPerBatch: 128, seed: Seed(1)).epoch(2)
    var counts: [[Int32]: Int32] = [:]
    for batch in (0..<epoch.batchCount).map({ epoch.batch($0) }) {
      for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
        let (tokens, last) = (batch.tokens[Int(start)..<Int(end)], batch.targets[Int(end) - 1])
        counts[tokens + [last], default: 0] += 1
      }
    }
    let names = try TripleText(graph: Self.graph, tokenizer: run.tokenizer)
    let expected = Dictionary(
      uniqueKeysWithValues: text.lines.map {
        (names.prompt(subject: $0.subject, predicate: $0.predicate) + $0.completion, $0.exposures)
      })
    #expect(counts == expected)
    // The same bytes after a stop; the list is found again, and belongs to the run.
    #expect(throws: LabError.self) { try train("cut", stopAfter: 4) }
    #expect(try AnswerLines.stored(in: folder["cut"], source) == text)
    // As after a kill between run.json and the list.
    let list = folder["cut"].appendingPathComponent(AnswerLines.fileName)
    try FileManager.default.removeItem(at: list)
    #expect(try AnswerLines.stored(in: folder["cut"], source) == nil)
    #expect(try train("cut").weightsHash == whole.weightsHash)
    try Data("0\t0\t1\t7\n".utf8).write(to: list)
    expectFailure("lines.tsv is truncated or altered") {
      try AnswerLines.stored(in: folder["cut"], source)
    }
  }
}
