import Corpus
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

/// Rounds of learning from one's own right answers.
@Suite struct SelfTrainingTests {
  private static let graph = SmallGraph.people(40)
  private let folder: TemporaryFolder
  private let base: RunFolder

  init() throws {
    folder = try TemporaryFolder()
    try trainTiny(Self.graph, into: folder["base"], epochs: 20) { request, _ in
      request.learningRate = 0.0125
    }
    base = try RunFolder.open(folder["base"])
  }

  private func train(
    _ arm: SelfTraining.Arm, queries: Double = 1, right: Int = 4, into name: String
  ) throws -> [SelfTrainingRound] {
    var text = AnswerText()
    (text.samples, text.right, text.queries, text.temperature) = (8, right, queries, 0.7)
    var request = TrainingRequest(size: "", epochs: 2)
    request.training.tokensPerStep = 128
    request.loss = .object
    return try SelfTraining(rounds: 2, arm: arm, text: text, request: request)
      .run(on: base, Self.graph, in: folder["graph.sqlite"], into: folder[name])
  }

  private func record(_ name: String) throws -> RunRecord {
    try #require(try RunFolder.readRecord(folder[name]))
  }

  @Test(arguments: SelfTraining.Arm.allCases)
  func roundsStartWhereTheArmSays(arm: SelfTraining.Arm) throws {
    let rounds = try train(arm, queries: 0.5, into: "out")
    let (first, second) = (try record("out/round-1"), try record("out/round-2"))
    let hash = base.record.weightsHash
    #expect(rounds.map(\.round) == [0, 1, 2])
    #expect(rounds.map(\.weightsHash) == [hash, first.weightsHash, second.weightsHash])
    #expect(first.configuration.start == hash)
    #expect(second.configuration.start == (arm == .restart ? hash : first.weightsHash))
    // The words are those of the round before in either arm.
    for (record, speaker) in [(first, hash), (second, first.weightsHash)] {
      let source = record.configuration.corpus.source
      guard case .answers(let text) = source else {
        Issue.record("the text is another: \(source)")
        continue
      }
      #expect(text.of == [speaker ?? ""])
      #expect(record.configuration.corpus.loss == .object)
      let tally = try #require(record.answers)
      #expect(tally.drawn == 8 * tally.asked && tally.kept <= min(tally.right, 4 * tally.asked))
      #expect(tally.kept > tally.answered)
    }
    // Asked and not asked are the trained queries, and the rate of all unseen is that of an
    // evaluation.
    let rates = Dictionary(
      uniqueKeysWithValues: rounds[2].rows.filter {
        $0.model == .run && $0.difficulty == nil && $0.visibility == nil
      }.map { ($0.queries, $0) }
    )
    let asked = try #require(rates[.asked])
    let others = try #require(rates[.notAsked])
    let unseen = try #require(rates[.unseen])
    #expect(rounds[1].answers?.asked == asked.queryCount)
    var options = EvaluationOptions()
    (options.samples, options.resampleCount) = (1, 0)
    let summary = try RunFolder.open(folder["out/round-2"]).evaluate(options, graph: Self.graph)
    let seen = try #require(summary.rate(.exact, temperature: 1, .seen))
    #expect(asked.queryCount + others.queryCount == seen.queryCount)
    let mean =
      (asked.rate * Double(asked.queryCount) + others.rate * Double(others.queryCount))
      / Double(seen.queryCount)
    #expect(abs(mean - seen.rate) < 1e-9)
    let ivs = try #require(summary.rate(.exact, temperature: 1, .ivs))
    #expect(abs(ivs.rate - unseen.rate) < 1e-12)
    #expect((asked.lower ?? 1) < asked.rate && asked.rate < (asked.upper ?? 0))
    // The bins part the asked queries, by what the base says of them.
    for round in rounds {
      let own = round.rows.filter { $0.model != .sharpened }
      let bins = own.filter { $0.difficulty != nil }
      #expect(bins.reduce(0) { $0 + $1.queryCount } == asked.queryCount)
      let all = own.first {
        $0.queries == .asked && $0.difficulty == nil && $0.visibility == nil
      }
      let sum = bins.reduce(0) { $0 + $1.rate * Double($1.queryCount) }
      #expect(abs(sum / Double(asked.queryCount) - (all?.rate ?? 0)) < 1e-9)
    }
    for bin in rounds[0].rows where bin.difficulty != nil {
      let range: ClosedRange<Double> =
        switch bin.difficulty {
        case .easy: 0...0.25
        case .medium: 0.25...0.5
        case .hard: 0.5...0.75
        default: 0.75...1
        }
      #expect(range.contains(bin.rate))
    }
    // The same again finds all of it; other settings are refused.
    #expect(try train(arm, queries: 0.5, into: "out") == rounds)
    expectFailure("holds another run", "right") {
      try train(arm, queries: 0.5, right: 3, into: "out")
    }
  }

  /// Weight on right answers alone makes them likelier where they were asked for.
  @Test func theRateFallsOnWhatWasAsked() throws {
    let rounds = try train(.restart, into: "out")
    let rates = rounds.map { round in
      round.rows.first { $0.queries == .asked && $0.model != .sharpened }?.rate ?? 0
    }
    #expect(rates[1] < rates[0] && rounds[0].rows.allSatisfy { $0.queries != .notAsked })
  }

  @Test func nothingRightIsNothingToLearnFrom() throws {
    try trainTiny(Self.graph, into: folder["new"], epochs: 1) { request, _ in
      request.learningRate = 1e-9
    }
    var text = AnswerText()
    (text.samples, text.right, text.temperature) = (1, 1, 1)
    let new = try RunFolder.open(folder["new"])
    expectFailure("is right, so that there is nothing to learn from") {
      try AnswerTextMaker(text, of: [new], graph: Self.graph, fraction: 1).lines()
    }
  }
}
