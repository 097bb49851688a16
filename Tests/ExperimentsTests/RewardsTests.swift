import Corpus
import Detection
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

/// Optimising against detectors in place of the graph.
@Suite struct RewardsTests {
  private static let graph = SmallGraph.people(60)
  private let folder: TemporaryFolder
  private let base: RunFolder
  private let quiet = Work(shouldStop: { false })

  init() throws {
    folder = try TemporaryFolder()
    try trainTiny(Self.graph, into: folder["base"], epochs: 45) { request, _ in
      request.size = "30k"
    }
    base = try RunFolder.open(folder["base"])
  }

  private func measured(_ run: RunFolder) -> MeasuredRun {
    func measured(_ run: RunFolder, _ siblings: [MeasuredRun] = []) -> MeasuredRun {
      MeasuredRun(folder: run.url, record: run.record, siblings: siblings) { Self.graph }
    }
    return measured(run, [measured(base)])
  }

  private func measure(samples: Int = 64) -> RewardsMeasure {
    var settings = RewardsMeasure.Settings()
    (settings.samples, settings.resampleCount) = (samples, 50)
    settings.reward.hidden = 16
    return RewardsMeasure(settings)
  }

  @Test func theBestOfNByTheGraphIsExact() throws {
    let subject = measured(base)
    #expect(try measure().storedKey(of: subject) == nil)
    let summary = try measure().summary(of: subject, quiet)
    #expect(try measure().storedKey(of: subject) == summary.key)
    #expect(try measure().summary(of: subject, quiet) == summary)
    let graph = summary.points.filter { $0.reward == RewardPoint.graph }
    #expect(graph.map(\.n) == [1, 2, 4, 8, 16, 32, 64])
    for point in graph {
      // Of so few queries a standard error is about half of the root of p (1 - p) / n q, and less
      // for larger n.
      let error = 3 / Double(point.queryCount * 64).squareRoot() * Double(point.n).squareRoot()
      #expect(abs(point.rate - (try #require(point.exactRate))) < error)
      #expect(abs(point.said + point.rate - 1) < 1e-9)
    }
    for (less, more) in zip(graph, graph.dropFirst()) { #expect(more.rate < less.rate) }
    let others = Set(summary.points.map { "\($0.reward) \($0.combination)" })
    #expect(
      others == [
        "graph none", "one mean", "three mean", "three min", "three penalized", "heads mean",
        "heads min", "heads penalized",
      ])
    for name in ["one", "three", "heads"] {
      let own = summary.points.filter { $0.reward == name && $0.combination == "mean" }
      // All begin with what the model says, and rise in their own eyes.
      #expect(abs(own[0].rate - graph[0].rate) < 1e-9 && own[0].divergence == 0)
      #expect(own[6].said > own[0].said && own.allSatisfy { $0.exactRate == nil })
    }
  }

  @Test func severalRewardsBecomeOne() {
    var choice = RewardChoice()
    let rewards = [1.0, 2, 6]
    #expect(ProxyReward.combined(rewards, choice) == 3)
    choice.combination = .min
    #expect(ProxyReward.combined(rewards, choice) == 1)
    (choice.combination, choice.penalty) = (.penalized, 0.5)
    #expect(abs(ProxyReward.combined(rewards, choice) - (3 - 0.5 * 14 / 3)) < 1e-12)
  }

  /// Detectors keep what they take to be right, wrong or not, and never a held-out fact; the same
  /// text comes again.
  @Test func detectorsStandInForTheGraph() throws {
    var text = AnswerText()
    (text.samples, text.right, text.temperature) = (8, 4, 1)
    var choice = RewardChoice()
    (choice.hidden, choice.of) = (16, base.record.weightsHash ?? "")
    text.reward = choice
    let judge = ProxyReward.maker(choice, of: base, graph: Self.graph, quiet)
    let maker = try AnswerTextMaker(
      text, of: [base], graph: Self.graph, fraction: 1, reward: judge)
    let lines = try maker.lines()
    #expect(lines.text.reward == choice && lines.tally.wrong > 0)
    #expect(lines.tally.kept > lines.tally.wrong, "most are right all the same")
    #expect(try maker.lines() == lines)
    let heldOut = lines.lines.filter { line in
      let query = Self.graph.query(subject: line.subject, predicate: line.predicate)
      let name = base.tokenizer.decode(Array(line.completion.dropLast()))
      return query.map { Self.graph.verdict(on: name, for: $0) == .correctHeldOut } ?? true
    }
    #expect(heldOut.isEmpty)
    // Without flips they are better judges.
    choice.flips = 0
    text.reward = choice
    let clean = try AnswerTextMaker(
      text, of: [base], graph: Self.graph, fraction: 1,
      reward: ProxyReward.maker(choice, of: base, graph: Self.graph, quiet)
    ).lines()
    let shares = [clean, lines].map { Double($0.tally.wrong) / Double($0.tally.kept) }
    #expect(shares[0] < shares[1])
    choice.flips = 0.5
    text.reward = choice
    expectFailure("flips is 0.5") { try text.validate() }
    text.right = nil
    expectFailure("right is missing") { try text.validate() }
  }

  @Test func aModelThatLearnedFromAJudgeIsOnePoint() throws {
    var text = AnswerText()
    (text.samples, text.right) = (8, 4)
    text.reward = RewardChoice()
    text.reward?.hidden = 16
    var request = TrainingRequest(size: "", epochs: 3)
    request.training.tokensPerStep = 128
    request.loss = .object
    let training = SelfTraining(rounds: 1, arm: .restart, text: text, request: request)
    func run() throws -> [SelfTrainingRound] {
      try training.run(
        on: base, Self.graph, in: folder["graph.sqlite"], into: folder["out"], work: quiet)
    }
    let rounds = try run()
    #expect(try run() == rounds)
    let round = try RunFolder.open(folder["out/round-1"])
    guard case .answers(let learned) = round.record.configuration.corpus.source else {
      Issue.record("the round learned from another text")
      return
    }
    #expect(learned.reward?.of == base.record.weightsHash)
    let points = try measure(samples: 16).summary(of: measured(round), quiet).points
    #expect(points.count == 8 && points.allSatisfy { $0.n == 0 && $0.exactRate == nil })
    #expect(Set(points.map(\.divergence)).count == 1 && points[0].divergence > 0)
    #expect(Set(points.map(\.rate)).count == 1)
  }
}
