import Corpus
import Evaluation
import Experiments
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

struct InversionTests {
  private let graph = SmallGraph.people(24)
  private let quiet = Work(shouldStop: { false })

  private func run(epochs: Int = 60) throws -> TrainedRun {
    try TrainedRun(graph, epochs: epochs) { request, _ in
      request.size = "10k"
      request.loss = .object
      request.learningRate = 0.01
      request.training.tokensPerStep = 128
      request.slotShare = 0.5
      request.slotLength = 1
      request.slotPosition = .infix
    }
  }

  private func subject(_ run: TrainedRun) -> MeasuredRun {
    MeasuredRun(folder: run.folder, record: run.run.record) { run.graph }
  }

  private func measure(_ change: (inout InversionSettings) -> Void = { _ in }) -> InversionMeasure {
    var settings = InversionSettings()
    settings.position = .infix
    settings.exampleCount = 12
    settings.drawCount = 6
    settings.lineCount = 200
    settings.epochCount = 1
    settings.copyCount = 4
    change(&settings)
    return InversionMeasure(settings)
  }

  /// Acceptance of one-token texts from the model's own prior is sum over x of P(x | s) times
  /// whether x gives the wrong answer: by enumeration of all x on the real model, and the sampler
  /// within its binomial error.
  @Test func acceptanceIsThatOfEnumeration() throws {
    let trained = try run(epochs: 40)
    let model = try trained.run.loadModel()
    let tokenizer = trained.run.tokenizer
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    let slot = try #require(tokenizer.slotToken)
    let search = try AttackSearch(.random, AttackSettings(), length: 1, tokenizer: tokenizer)
    let victim = try LanguageModelVictim(
      model, judge: AnswerJudge(graph: graph, tokenizer: tokenizer), maximumNewTokens: 6)
    let proposer = try LanguageModelProposer(model)
    let session = try InferenceSession(model)
    var (expected, variance, accepted) = (0.0, 0.0, 0)
    let count = 400
    for index in graph.queries.indices.prefix(24) {
      let query = graph.queries[index]
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      let start = try #require(SlotPosition.infix.index(in: prompt))
      func example(_ answer: [Int32]) -> AttackedExample {
        AttackedExample(
          query: index, subject: query.subject, predicate: query.predicate,
          before: Array(prompt[..<start]), after: Array(prompt[start...]), answer: answer)
      }
      // The answer that most texts of one token give to the query.
      let blank = example([])
      let answers = try victim.outcomes(
        of: search.allowed.map { AttackedText(blank, field: [slot, $0]) }
      ).map(\.answer)
      let often = Dictionary(grouping: answers, by: \.self).max {
        ($0.value.count, $0.key) < ($1.value.count, $1.key)
      }
      let name = try #require(often?.key)
      let tokens = tokenizer.encode(name)
      let chosen = example(tokens + [SpecialToken.end.rawValue])
      // P(x | s) from the probabilities of whole texts.
      let chances = try session.completionLogProbabilities([
        PromptedCompletions(
          prompt: chosen.before + [slot], completions: search.allowed.map { [$0] })
      ])[0].map { exp($0[0]) }
      let mass = chances.reduce(0, +)
      let share =
        zip(chances, answers).reduce(0.0) { $0 + ($1.1 == name ? $1.0 : 0) } / mass
      expected += share * Double(count)
      variance += share * (1 - share) * Double(count)
      var stream = Seed(5).stream("draws/\(index)")
      let draws = try InversionSearch(search).draws(
        count, on: chosen, after: chosen.before + [slot], proposer, victim, &stream)
      accepted += draws.count { $0.isAccepted }
      #expect(draws.allSatisfy { $0.isAccepted == ($0.answer == name) })
      let n = model.configuration.nonEmbeddingParameterCount
      let read = prompt.count + 2 + chosen.answer.count - 1
      #expect(draws.allSatisfy { $0.flops == Double(2 * n * (start + 2) + 2 * n * read) })
    }
    #expect(variance > 10, "some texts must be accepted, and some not")
    #expect(abs(Double(accepted) - expected) < 4 * variance.squareRoot())
  }

  /// Wrong answers at each distance are what they say, and no right ones.
  @Test func wrongAnswersAreAtTheirDistance() throws {
    let errors = ErrorDraw(graph: graph, seed: Seed(1))
    var found: Set<ErrorDistance> = []
    for query in graph.queries {
      let right = Set(graph.truth(of: query).map(\.object))
      let types = graph.objectTypes(of: query.predicate)
      for distance in ErrorDistance.allCases {
        guard let object = errors.object(distance, for: query) else { continue }
        found.insert(distance)
        #expect(!right.contains(object))
        let isOfType = types.contains(graph.entities[Int(object)].type)
        let isObject = graph.queries.contains { other in
          other.predicate == query.predicate
            && graph.answers[other.answers].contains { $0.object == object }
        }
        switch distance {
        case .near: #expect(isObject)
        case .type: #expect(isOfType && !isObject)
        case .other: #expect(!isOfType && !isObject)
        }
      }
    }
    #expect(found.contains(.near) && found.contains(.other))
  }

  /// Rates are those of the rows, whatever the workers and whether or not it was interrupted.
  @Test func ratesAreThoseOfTheRows() throws {
    let (first, second) = (try run(), try run())
    let stopped = Work(workers: 1, shouldStop: stopping(after: 30))
    expectFailure("stopped") { _ = try measure().summary(of: subject(first), stopped) }
    #expect(try measure().storedKey(of: subject(first)) == nil)
    let summary = try measure().summary(of: subject(first), quiet)
    #expect(try measure().storedKey(of: subject(first)) == summary.key)
    let other = try measure().summary(
      of: subject(second), Work(workers: 3, shouldStop: { false }))
    #expect(other == summary)
    #expect(summary.exampleCount == 12 && summary.rightCount > 3)
    #expect(try #require(summary.heldOutLoss) < 1.5 * log(Double(summary.allowedCount)))
    let database = try #require(try RunDatabase.read(in: first.folder))
    try database.read { rows in
      for rate in summary.rates {
        let counts = try #require(
          try Row.fetchOne(
            rows,
            sql: """
              SELECT count(DISTINCT query_id), count(DISTINCT CASE WHEN is_accepted THEN query_id END),
                avg(is_accepted), avg(is_wrong) FROM pirs_text
              WHERE origin = ? AND distance = ? AND draw <= ?
              """,
            arguments: [rate.origin.rawValue, rate.distance.rawValue, rate.drawCount]))
        #expect(counts[0] == rate.attackedCount && counts[1] == rate.brokenCount)
        #expect(abs((counts[2] as Double) - rate.acceptance) < 1e-12)
        #expect(abs((counts[3] as Double) - rate.wrongShare) < 1e-12)
        #expect(rate.lower <= rate.brokenRate && rate.brokenRate <= rate.upper)
      }
      for rate in summary.overloads {
        let flipped = try Int.fetchOne(
          rows, sql: "SELECT count(*) FROM overload_copy WHERE is_wrong AND copies <= ?",
          arguments: [rate.copies])
        #expect(flipped == rate.flippedCount && rate.attackedCount == summary.rightCount)
      }
      // Copies are tried one after the other until the answer is wrong.
      let copies = try Row.fetchAll(
        rows,
        sql: "SELECT query_id, count(*), max(copies), sum(is_wrong) FROM overload_copy GROUP BY 1")
      for row in copies { #expect(row[1] == (row[2] as Int) && (row[3] as Int) <= 1) }
      #expect(copies.contains { (($0[3] as Int) == 1) || $0[1] == 4 })
    }
    #expect(Set(summary.rates.map(\.drawCount)) == [1, 2, 4, 6])
  }

  /// The first number of copies by which half have flipped, and none where that is never.
  @Test func theMedianIsWhereHalfHaveFlipped() {
    #expect(InversionSummary.median(flipped: [0, 3, 4, 8], of: 8) == 3)
    #expect(InversionSummary.median(flipped: [0, 3, 3], of: 8) == nil)
  }
}
