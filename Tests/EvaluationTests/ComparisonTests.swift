import Analysis
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct ComparisonTests {
  private func evaluated(
    _ graph: KnowledgeGraph, epochs: Int, _ options: EvaluationOptions
  ) throws -> (TrainedRun, EvaluationSummary) {
    let trained = try TrainedRun(graph, epochs: epochs, rate: 0.02)
    return (
      trained, try trained.run.evaluate(options, graph: graph, work: Work(shouldStop: { false }))
    )
  }

  private func compare(_ one: TrainedRun, _ other: TrainedRun) throws -> EvaluationComparison {
    let databases = try [one, other].map { try #require(try RunDatabase.read(in: $0.folder)) }
    return try EvaluationComparison(databases[0], databases[1], names: ("a", "b"), resamples: 200)
  }

  @Test func rowsAreThoseOfTheEvaluations() throws {
    let graph = TestGraph.people(40)
    let wanted = options(sampled: [0], resamples: 20)
    let (one, first) = try evaluated(graph, epochs: 1, wanted)
    let (other, second) = try evaluated(graph, epochs: 10, wanted)
    let comparison = try compare(one, other)
    #expect(comparison.answer == "greedy")
    #expect(comparison.queryCount == 120)
    for row in comparison.rows {
      let rates = try [first, second].map {
        try #require($0.rate(.exact, temperature: 1, row.visibility))
      }
      let exact = try #require(row.exact)
      #expect(abs(exact.first - rates[0].rate) < 1e-9)
      #expect(abs(exact.second - rates[1].rate) < 1e-9)
      #expect(abs(exact.difference.value - (rates[1].rate - rates[0].rate)) < 1e-9)
      let interval = try #require(exact.difference.interval)
      #expect(interval.contains(exact.difference.value))
      let greedy = try [first, second].map {
        try #require($0.rate(.greedy, temperature: 0, row.visibility))
      }
      let n = Double(row.queryCount)
      #expect(row.answers.count == row.queryCount)
      let right = Double(row.answers.bothCount + row.answers.onlyFirstCount)
      #expect(abs(right / n - (1 - greedy[0].rate)) < 1e-9)
      #expect(row.midProbability <= row.exactProbability)
    }
    let fvs = try #require(comparison.rows.first { $0.visibility == .fvs })
    let interval = try #require(fvs.exact?.difference.interval)
    #expect(interval.high < 0, "ten epochs hallucinate less than one")
    // The other way round, signs and sides change.
    let back = try #require(try compare(other, one).rows.first { $0.visibility == .fvs })
    #expect(back.answers.onlyFirstCount == fvs.answers.onlySecondCount)
    #expect(back.exactProbability == fvs.exactProbability)
  }

  @Test func samplesStandInForGreedyAnswers() throws {
    let graph = TestGraph.people(20)
    let (one, _) = try evaluated(graph, epochs: 1, options(sampled: [1], samples: 2))
    let comparison = try compare(one, one)
    #expect(comparison.answer == "sample")
    #expect(comparison.rows.allSatisfy { $0.answers.discordantCount == 0 })
    #expect(comparison.rows.allSatisfy { $0.exactProbability == 1 })
    #expect(comparison.rows.allSatisfy { $0.exact?.difference.value == 0 })
  }

  @Test func differentGraphsAreRefused() throws {
    let wanted = options(sampled: [0], resamples: 0)
    let (one, _) = try evaluated(TestGraph.people(20), epochs: 1, wanted)
    let (other, _) = try evaluated(TestGraph.people(25), epochs: 1, wanted)
    expectFailure("different graphs") { try compare(one, other) }
  }

  @Test func evaluationsWithoutAnswersAreRefused() throws {
    let graph = TestGraph.people(20)
    let (one, _) = try evaluated(graph, epochs: 1, options(sampled: [0], resamples: 0))
    let (other, _) = try evaluated(graph, epochs: 1, options(sampled: [0.5], resamples: 0))
    expectFailure("same options") { try compare(one, other) }
  }
}
