import Analysis
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

@testable import Experiments

/// Losses of lines of known status over a training.
@Suite struct TrajectoriesTests {
  private static let graph = SmallGraph.people(60)
  private let folder: TemporaryFolder
  private let quiet = Work(shouldStop: { false })

  init() throws { folder = try TemporaryFolder() }

  private func train(_ size: String, into name: String) throws -> MeasuredRun {
    try trainTiny(Self.graph, into: folder[name], epochs: 80) { request, options in
      request.size = size
      options.keep = try KeepPlan(steps: "log,4", epochs: nil)
    }
    let record = try #require(try RunFolder.readRecord(folder[name]))
    return MeasuredRun(folder: folder[name], record: record) { Self.graph }
  }

  private func measure(_ contrast: [String] = []) -> TrajectoriesMeasure {
    var settings = TrajectoriesMeasure.Settings()
    (settings.lineCount, settings.resampleCount, settings.contrast) = (200, 50, contrast)
    return TrajectoriesMeasure(settings)
  }

  @Test func linesGoTheirWays() throws {
    let (small, large) = (try train("10k", into: "small"), try train("30k", into: "large"))
    let subject = MeasuredRun(
      folder: small.folder, record: small.record, siblings: [small, large]
    ) { Self.graph }
    let measure = measure(["10k", "30k"])
    #expect(try measure.storedKey(of: subject) == nil)
    let summary = try measure.summary(of: subject, quiet)
    #expect(try measure.storedKey(of: subject) == summary.key)
    #expect(try measure.summary(of: subject, quiet) == summary)
    let steps = RunFolder.checkpointSteps(small.folder)
    func family(_ family: LineFamily) -> [TrajectoryPoint] {
      summary.points.filter { $0.family == family }
    }
    for name in LineFamily.allCases {
      let own = family(name)
      #expect(own.map(\.step).prefix(steps.count) == steps[...])
      #expect(own.last?.step == small.record.stepCount)
      #expect(abs((own.last?.flops ?? 0) - small.record.trainingFLOPs) < 1)
      let classes = summary.trends.filter { $0.family == name }
      #expect(abs(classes.reduce(0) { $0 + $1.share } - 1) < 1e-9)
      for point in own {
        #expect((point.lower ?? .infinity) <= point.loss && point.loss <= (point.upper ?? 0))
      }
    }
    let right = family(.right)
    let last = try #require(right.last)
    #expect(last.loss < right[0].loss && right.allSatisfy { $0.trueShare == 1 })
    #expect(abs(last.loss - last.validationLoss) < 0.5)
    #expect(right[0].knownShare == 0 && last.knownShare > 0.1)
    // The mean loss of true lines is that of the model's own probabilities.
    for name in [LineFamily.wrong, .broken] {
      let own = family(name)
      #expect(own.allSatisfy { $0.trueShare == 0 } && (own.last?.loss ?? 0) > last.loss)
    }
    #expect((family(.broken).last?.loss ?? 0) > (family(.wrong).last?.loss ?? 0))
    #expect((family(.scrambled).last?.loss ?? 0) > last.loss)
    #expect(family(.contrast)[0].trueShare < 1)
  }

  @Test func lossesAreThoseOfTheModel() throws {
    let subject = try train("3k", into: "run")
    let summary = try measure().summary(of: subject, quiet)
    let run = try RunFolder.open(folder["run"])
    let lines = try TrajectoryLines(run, Self.graph, count: 200, seed: Seed(0))
    let answering = try AnsweringRun(run, graph: Self.graph, workers: 1)
    let exact = try answering.exact(lines.items.map(\.query), temperatures: [1])
    // A query's true line is at most as likely as all of its answers.
    var sum = 0.0
    for (item, outcome) in zip(lines.items, exact) {
      let loss = -(try answering.logProbabilities([(item.query, [item.lines[0].tokens])])[0][0][0])
      #expect(exp(-loss) <= 1 - outcome[0].hallucination + 1e-5)
      let answers = Self.graph.truth(of: item.query)
      if answers.count == 1 { #expect(abs(exp(-loss) - (1 - outcome[0].hallucination)) < 1e-5) }
      sum += loss
    }
    let last = try #require(summary.points.last { $0.family == .right })
    #expect(abs(last.loss - sum / Double(lines.items.count)) < 1e-5)
    let followed = Set(lines.items.map(\.query.subject))
    #expect(lines.validation.allSatisfy { !followed.contains($0.query.subject) })
    let bare = try trainTiny(Self.graph, into: folder["bare"])
    let without = MeasuredRun(folder: folder["bare"], record: bare) { Self.graph }
    expectFailure("keeps no checkpoint") { try measure().summary(of: without, quiet) }
  }

  /// A table that learns P(o | p) and then P(o | s, p): a false line of the right type falls to the
  /// log of the range and rises.
  @Test func falseLinesOfATableTurn() {
    let range = 8.0
    // Shares of the three stages at a time: uniform over 50 names, over the range, and the fact
    // itself with 1 % of error.
    func loss(_ uniform: Double, _ typed: Double, _ known: Double, right: Bool) -> Double {
      let fact = right ? 0.99 : 0.01 / (range - 1)
      return -log(uniform / 50 + typed / range + known * fact)
    }
    let times =
      stride(from: 0.0, through: 1, by: 0.2).map { (1 - $0, $0, 0.0) }
      + [0.2, 0.4, 0.6, 0.8, 0.9].map { (0, 1 - $0, $0) }
    let falses = times.map { loss($0.0, $0.1, $0.2, right: false) }
    #expect(abs(falses[5] - log(range)) < 1e-12)
    #expect(TrendClass(Array(falses[...5]).map(exp)) == .downward)
    #expect(TrendClass(Array(falses[5...]).map(exp)) == .upward)
  }

  @Test func contrastIsWhatTheLargeModelFindsLessLikely() {
    let specials = [Double](repeating: 0, count: SpecialToken.allCases.count)
    let small = specials + [0.5, 0.3, 0.2]
    let large = specials + [0.1, 0.4, 0.1]
    let left = ContrastDecoder.distribution(small, large)
    let tail = Array(left.suffix(3))
    #expect(abs(tail[0] - 0.8) < 1e-12 && tail[1] == 0 && abs(tail[2] - 0.2) < 1e-12)
    #expect(ContrastDecoder.distribution(small, small).suffix(3).elementsEqual([0.5, 0.3, 0.2]))
  }
}
