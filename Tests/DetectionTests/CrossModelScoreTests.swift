import Corpus
import Detection
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// The log-probability that another run's model gives to answers.
struct CrossModelScoreTests {
  private let temporary: TemporaryFolder
  private let run: RunFolder
  private let graph: KnowledgeGraph

  init() throws {
    temporary = try TemporaryFolder()
    let shared = try sharedRun.get()
    run = try shared.copy(to: temporary.url)
    graph = shared.graph
  }

  private func options(_ judges: [RunFolder]) -> DetectionOptions {
    var options = DetectionOptions()
    options.kinds = [.score]
    options.positions = [.each, .before, .number(2)]
    options.evidence = 0
    options.resampleCount = 0
    options.judges = DetectionRunner.judges(judges)
    return options
  }

  private func experiment(_ judge: RunFolder) throws -> DetectionExperiment {
    try DetectionExperiment(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options([judge]),
      others: [#require(judge.record.weightsHash): judge.loadModel()])
  }

  /// Equal to the exact scorer's number of every answer, and of each token as the difference of two
  /// of its numbers.
  @Test func isTheOtherModelsExactLogProbability() throws {
    let larger = try TrainedRun(epochs: 5, size: "10k")
    defer { withExtendedLifetime(larger) {} }
    let judge = try RunFolder.open(larger.folder)
    let experiment = try experiment(judge)
    let materials = try experiment.materials()
    let measured = try experiment.measure(key: "judge")
    let names = measured.map { task in
      task.detectors.map(\.result.name).filter { $0.hasPrefix("log-probability-of") }
    }
    #expect(
      names == [
        ["log-probability-of-10k"], ["log-probability-of-10k"], [], ["log-probability-of-10k@2"],
      ])
    let session = try InferenceSession(judge.loadModel())
    let text = try TripleText(graph: graph, tokenizer: run.tokenizer)
    for (material, task) in zip(materials, measured) where task.counts.position != .before {
      let detector = try #require(
        task.detectors.first { $0.result.name.hasPrefix("log-probability-of") })
      #expect(detector.result.kind == .score && detector.trained == nil)
      #expect(detector.result.parameters == judge.record.nonEmbeddingParameterCount)
      for (row, score) in zip(material.rows(.test), detector.scores) {
        let example = material.set.examples[row]
        let answer = material.answer(row).answer
        let query = graph.queries[example.query]
        let written = answer.tokens + (answer.ended ? [SpecialToken.end.rawValue] : [])
        func exact(_ count: Int) throws -> Double {
          guard count > 0 else { return 0 }
          let item = PromptedCompletions(
            prompt: text.prompt(subject: query.subject, predicate: query.predicate),
            completions: [Array(written.prefix(count))])
          return try session.completionLogProbabilities([item])[0][0][0]
        }
        let expected =
          try example.place.map { try exact($0) - exact($0 - 1) } ?? exact(written.count)
        #expect(abs(score + expected) < 1e-4, "\(score), \(expected)")
      }
    }
  }

  @Test func ofTheRunItselfItIsItsOwn() throws {
    let measured = try experiment(run).measure(key: "own")
    for task in measured where task.counts.position == .each {
      func scores(_ name: String) throws -> [Double] {
        try #require(task.detectors.first { $0.result.name == name }).scores
      }
      let own = try scores("log-probability-of-3k")
      let isSentence = task.counts.task == .sentence
      let expected = try scores(
        isSentence ? "sequence-log-probability" : "token-log-probability")
      #expect(own.count == expected.count && !own.isEmpty)
      for (a, b) in zip(own, expected) { #expect(abs(a - b) < (isSentence ? 1e-3 : 1e-6)) }
    }
  }

  @Test func theRunnerStoresItAndKnowsItAgain() throws {
    let judge = try TrainedRun(epochs: 2, size: "10k")
    defer { withExtendedLifetime(judge) {} }
    let larger = judge.run
    func runner(_ judges: [RunFolder]) throws -> DetectionRunner {
      try DetectionRunner(run: run, graph: graph, options: options(judges), sources: judges)
    }
    let summary = try runner([larger]).run()
    #expect(summary.detector(.sentence, "log-probability-of-10k")?[.auroc] != nil)
    #expect(try runner([larger]).run() == summary)
    #expect(try runner([]).identity.key != summary.key)
    // Without judges the options say nothing of them, so that what was measured before is known.
    let json = String(decoding: try CanonicalJSON.compact(options([])), as: UTF8.self)
    #expect(!json.contains("judges"))
    let database = try #require(try RunDatabase.read(in: run.url))
    let rows = try database.read {
      try String.fetchAll(
        $0, sql: "SELECT DISTINCT family FROM detector WHERE name LIKE 'log-probability-of-%'")
    }
    #expect(rows == ["cross-log-probability"])
  }

  @Test func judgesThatCannotReadTheAnswersAreRefused() throws {
    func refusal(_ judge: RunFolder, of run: RunFolder, _ graph: KnowledgeGraph) -> LabError? {
      #expect(throws: LabError.self) {
        try DetectionRunner(run: run, graph: graph, options: options([judge]), sources: [judge])
      }
    }
    let stranger = try TrainedRun(epochs: 1, people: 30)
    defer { withExtendedLifetime(stranger) {} }
    #expect(
      refusal(stranger.run, of: run, graph)?.description.contains("another tokenizer") == true)
    // Bytes are the same on every graph.
    let bytes = try [60, 30].map { try TrainedRun(epochs: 1, people: $0, tokenizer: .byte) }
    defer { withExtendedLifetime(bytes) {} }
    let runs = bytes.map(\.run)
    #expect(
      refusal(runs[1], of: runs[0], bytes[0].graph)?.description.contains("on another graph than")
        == true)
    var heads = options([run])
    heads.kinds = [.head]
    let error = #expect(throws: LabError.self) { try heads.validate() }
    #expect(error?.exitStatus == .usage && error?.description.contains("--judge") == true)
  }
}
