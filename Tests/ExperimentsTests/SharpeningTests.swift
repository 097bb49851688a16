import Corpus
import Evaluation
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// What self-training gained beyond a lower temperature.
@Suite struct SharpeningTests {
  private static let graph = SmallGraph.people(40)
  private let folder: TemporaryFolder
  private let quiet = Work(shouldStop: { false })

  init() throws {
    folder = try TemporaryFolder()
    try trainTiny(Self.graph, into: folder["base"], epochs: 20)
  }

  private func measured(_ name: String, of origin: String) throws -> MeasuredRun {
    func run(_ name: String, _ siblings: [MeasuredRun] = []) throws -> MeasuredRun {
      let record = try #require(try RunFolder.readRecord(folder[name]))
      return MeasuredRun(folder: folder[name], record: record, siblings: siblings) { Self.graph }
    }
    return try run(name, [run(origin)])
  }

  private func measure(samples: Int = 4) -> SelfTrainingMeasure {
    var settings = SelfTrainingMeasure.Settings()
    (settings.samples, settings.resampleCount) = (samples, 50)
    return SelfTrainingMeasure(settings)
  }

  /// A model is as spread as itself at temperature 1, gains nothing and has not moved.
  @Test func nothingIsGainedOverItself() throws {
    let subject = try measured("base", of: "base")
    #expect(try measure().storedKey(of: subject) == nil)
    let summary = try measure().summary(of: subject, quiet)
    #expect(try measure().storedKey(of: subject) == summary.key)
    #expect(try measure().summary(of: subject, quiet) == summary)
    let graph = Self.graph
    #expect(summary.rows.contains { $0.visibility == .fvs && $0.queries == .asked })
    for row in summary.rows where row.model == .run {
      #expect(abs(row.gain ?? 1) < 1e-9 && abs(row.divergence ?? 1) < 1e-6)
    }
    for row in summary.rows where row.model == .sharpened {
      #expect(abs(row.temperature - 1) < 1e-9)
    }
    // The rates are those of an evaluation, and the entropy is that of enough answers.
    var options = EvaluationOptions()
    (options.samples, options.resampleCount) = (400, 0)
    options.sampleTemperatures = [1]
    let run = try RunFolder.open(folder["base"])
    let evaluation = try run.evaluate(options, graph: graph)
    let all = summary.rows.filter { $0.model == .first && $0.difficulty == nil }
    for visibility in [Visibility.fvs, .ivs] {
      let own = all.first { row in
        visibility == .ivs ? row.queries == .unseen : row.visibility == visibility
      }
      let set = try #require(QuerySet(rawValue: visibility.rawValue))
      let rate = try #require(evaluation.rate(.exact, temperature: 1, set))
      #expect(abs(try #require(own).rate - rate.rate) < 1e-9)
    }
    let answers = try #require(try RunDatabase.read(in: folder["base"])).answers(
      key: evaluation.key, temperature: 1, of: graph,
      vocabularySize: run.record.configuration.model.vocabularySize)
    let seen = answers.filter { graph.queries[$0.query].visibility != .ivs }
    let entropy = -seen.reduce(0) { $0 + $1.answer.logProbability } / Double(seen.count)
    let asked = try #require(all.first { $0.queries == .asked && $0.visibility == nil })
    #expect(abs(try #require(asked.entropy) - entropy) < 0.15 * entropy)
  }

  /// Training on right answers moves the model, which the divergence says; a sharpened model has
  /// the entropy asked for.
  @Test func anotherModelHasMoved() throws {
    var text = AnswerText()
    (text.samples, text.right, text.temperature) = (8, 4, 0.7)
    var request = TrainingRequest(size: "", epochs: 4)
    request.training.tokensPerStep = 128
    request.loss = .object
    let base = try RunFolder.open(folder["base"])
    let rounds = try SelfTraining(
      rounds: 1, arm: .restart, text: text, request: request, measure: measure()
    ).run(on: base, Self.graph, in: folder["graph.sqlite"], into: folder["out"], work: quiet)
    let row = try #require(
      rounds[1].rows.first {
        $0.model == .run && $0.queries == .asked && $0.visibility == nil && $0.difficulty == nil
      })
    let sharpened = try #require(
      rounds[1].rows.first { $0.model == .sharpened && $0.isSameSet(as: row) })
    #expect(try #require(row.divergence) > 0.01)
    #expect(sharpened.temperature < 1 && sharpened.rate < rounds[0].rows[0].rate)
    #expect(abs((row.gain ?? 0) - (sharpened.rate - row.rate)) < 1e-9)
    #expect((row.gainLower ?? 1) <= (row.gain ?? 0) && (row.gain ?? 1) <= (row.gainUpper ?? 0))
    // At the temperature found the first model's answers, drawn anew, are as spread.
    let answering = try AnsweringRun(base, graph: Self.graph, workers: 1)
    let queries = Self.graph.queries.filter { $0.visibility != .ivs }
    var options = EvaluationOptions()
    options.sampleTemperatures = [sharpened.temperature]
    (options.samples, options.seed) = (64, 9)
    let drawn = try answering.draw(queries, options)
    let scores = try answering.logProbabilities(
      zip(queries, drawn).map { (query: $0, texts: $1.map(\.line)) },
      temperatures: [sharpened.temperature])
    let all = scores.flatMap { $0.map { $0[0] } }
    let entropy = -all.reduce(0, +) / Double(all.count)
    #expect(abs(entropy - (row.entropy ?? 0)) < 0.2 * entropy)
  }
}
