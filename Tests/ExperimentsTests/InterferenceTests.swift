import Compute
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

/// Whose fact a wrong answer is, against ranks worked out from whole kernels.
struct InterferenceTests {
  private struct Row: Decodable, FetchableRecord {
    let queryID: Int
    let object: String
    let scorer: InterferenceScorer
    let rank: Double
    let candidateCount: Int
    let nearestSubject: String
    let nearestObject: String
    let nearestCosine: Double

    enum CodingKeys: String, CodingKey {
      case object, scorer, rank
      case queryID = "query_id"
      case candidateCount = "candidate_count"
      case nearestSubject = "nearest_subject"
      case nearestObject = "nearest_object"
      case nearestCosine = "nearest_cosine"
    }
  }

  /// Knows most of what it was taught, so that wrong answers are objects.
  private static func trained(_ graph: KnowledgeGraph) throws -> TrainedRun {
    try TrainedRun(graph, epochs: 25) { request, _ in
      request.size = "10k"
      request.loss = .object
      request.training.tokensPerStep = 128
      request.learningRate = 0.01
    }
  }

  private func measure(_ change: (inout InterferenceMeasure.Settings) -> Void)
    -> InterferenceMeasure
  {
    var settings = InterferenceMeasure.Settings()
    (settings.resampleCount, settings.candidateCount, settings.factCount) = (50, 100, 100)
    change(&settings)
    return InterferenceMeasure(settings)
  }

  /// With nothing left to draws, every rank is that of all objects by all facts, by another
  /// algorithm.
  @Test func ranksAreThoseOfTheWholeKernel() throws {
    let graph = SmallGraph.people(24)
    let trained = try Self.trained(graph)
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { graph }
    let measure = measure { $0.answerCount = 4 }
    expectFailure("nothing is stored") {
      _ = try measure.summary(of: subject, Work(shouldStop: { true }))
    }
    #expect(try measure.storedKey(of: subject) == nil)
    let summary = try measure.summary(of: subject, Work(workers: 2, shouldStop: { false }))
    #expect(summary.wrongCount == 4 && summary.askedCount >= 4)
    let database = try #require(try RunDatabase.read(in: trained.folder))
    let rows = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM ranked_answer") }
    #expect(rows.count == 4 * summary.rates[0].answerCount && rows.count > 4)
    let text = try TripleText(graph: graph, tokenizer: trained.run.tokenizer)
    let kernel = try EmpiricalKernel(trained.run.loadModel(), maximumTokens: 64)
    func asked(_ subject: Int32, _ predicate: Int32, _ object: Int32) -> AnsweredPrompt {
      AnsweredPrompt(
        prompt: text.prompt(subject: subject, predicate: predicate),
        answer: text.completion(object: object))
    }
    for (id, own) in Dictionary(grouping: rows, by: \.queryID) {
      let query = graph.queries[id]
      let truth = graph.truth(of: query).map(\.object)
      let facts = graph.statements(fraction: 1).filter {
        $0.triple.predicate == query.predicate && $0.triple.subject != query.subject
          && !truth.contains($0.triple.object)
      }
      let objects = Set(facts.map(\.triple.object)).sorted()
      #expect(own.allSatisfy { $0.candidateCount == objects.count })
      let texts =
        objects.map { asked(query.subject, query.predicate, $0) }
        + facts.map { asked($0.triple.subject, $0.triple.predicate, $0.triple.object) }
      let values = try kernel.kernel(texts, texts, by: .structured)
      let given = try #require(objects.firstIndex { graph.entities[Int($0)].name == own[0].object })
      var scores: [InterferenceScorer: [Double]] = [:]
      var nearest = (cosine: -1.0, fact: 0)
      for (place, object) in objects.enumerated() {
        let mine = facts.indices.filter { facts[$0].triple.object == object }
        let cosines = mine.map { fact in
          values[place, objects.count + fact]
            / (values[place, place] * values[objects.count + fact, objects.count + fact])
            .squareRoot()
        }
        if let best = zip(cosines, mine).max(by: { $0.0 < $1.0 }), best.0 > nearest.cosine {
          nearest = best
        }
        scores[.kernel, default: []].append(
          mine.reduce(0) {
            $0 + values[place, objects.count + $1] * Double(facts[$1].exposures)
          })
        scores[.cosine, default: []].append(cosines.max() ?? 0)
        scores[.popularity, default: []].append(
          Double(mine.reduce(0) { $0 + Int(facts[$1].exposures) }))
        let names = mine.map { fact in
          Suggestion.distance(
            graph.entities[Int(facts[fact].triple.subject)].name.lowercased(),
            graph.entities[Int(query.subject)].name.lowercased())
        }
        scores[.names, default: []].append(-Double(names.min() ?? 0))
      }
      for row in own {
        let scores = try #require(scores[row.scorer])
        let better = scores.count { $0 > scores[given] }
        let equal = scores.count { $0 == scores[given] } - 1
        #expect(row.rank == 1 + Double(better) + Double(equal) / 2, "\(id) \(row.scorer)")
        let fact = facts[nearest.fact].triple
        #expect(row.nearestSubject == graph.entities[Int(fact.subject)].name)
        #expect(row.nearestObject == graph.entities[Int(fact.object)].name)
        #expect(abs(row.nearestCosine - nearest.cosine) < 1e-4)
      }
    }
    // Rates are means of the rows, chance what a draw would give, and differences those of means.
    func rate(
      _ scorer: String, _ quantity: InterferenceQuantity, against: String = ""
    ) throws -> InterferenceRate {
      try #require(
        summary.rates.first {
          $0.scorer == scorer && $0.quantity == quantity && $0.against == against
        })
    }
    let kernelRows = rows.filter { $0.scorer == .kernel }
    let mean = kernelRows.reduce(0) { $0 + ($1.rank - 1) / Double($1.candidateCount - 1) }
    let rank = try rate("kernel", .rank)
    #expect(abs(rank.value - mean / Double(kernelRows.count)) < 1e-12)
    #expect(try #require(rank.lower) <= rank.value && rank.value <= (rank.upper ?? 0))
    let chance = kernelRows.reduce(0) { $0 + 1 / Double($1.candidateCount) }
    #expect(
      abs(try rate("chance", .first).value - chance / Double(kernelRows.count)) < 1e-12)
    #expect(try rate("chance", .rank).value == 0.5)
    let difference = try rate("kernel", .rank, against: "popularity").value
    #expect(abs(difference - (rank.value - (try rate("popularity", .rank).value))) < 1e-12)
    #expect(try measure.summary(of: subject, Work(shouldStop: { false })) == summary)
    try FileManager.default.removeItem(at: trained.folder.appendingPathComponent("run.sqlite"))
    #expect(try measure.summary(of: subject, Work(shouldStop: { false })) == summary)
  }

  /// Few candidates and facts are drawn, the same for any number of workers.
  @Test func drawsAreThoseOfTheSeed() throws {
    let graph = SmallGraph.people(24)
    let trained = try Self.trained(graph)
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { graph }
    func rates(_ seed: UInt64, workers: Int) throws -> InterferenceSummary {
      try measure {
        ($0.answerCount, $0.candidateCount, $0.factCount, $0.seed) = (12, 3, 1, seed)
      }.summary(of: subject, Work(workers: workers, shouldStop: { false }))
    }
    let first = try rates(0, workers: 1)
    try FileManager.default.removeItem(at: trained.folder.appendingPathComponent("run.sqlite"))
    #expect(try rates(0, workers: 3) == first)
    #expect(try rates(1, workers: 1).rates != first.rates)
    let chance = first.rates.first { $0.scorer == "chance" && $0.quantity == .first }
    #expect(abs((chance?.value ?? 0) - 1.0 / 3) < 1e-12)
  }
}
