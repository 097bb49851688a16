import ArgumentParser
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// A training text of what models answer.
struct TextOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A finished run whose answers to the graph's questions are the text; may be given several times.",
      valueName: "run"))
  var textOf: [String] = []

  @Option(help: "Temperature of the answers (default: 1).") var textTemperature: Double?
  @Option(help: "Draw answers from this many of the likeliest tokens.") var textTopK: Int?
  @Option(help: "Share of the queries whose lines are used (default: 1).") var textQueries: Double?
  @Option(help: "Share of the graph's lines that stay (default: 0).") var textReal: Double?
  @Option(help: "Answers of each run, as a multiple of the graph's lines (default: 1).")
  var textSynthetic: Double?
  @Option(help: "Answers of each run to each query, instead of --text-synthetic.")
  var textSamples: Int?
  @Option(help: "Keep right answers that training may show only, this many of each query at most.")
  var textRight: Int?

  @Option(
    help: ArgumentHelp(
      "Let detectors say what is right, which learned from this run's answers with some labels flipped.",
      valueName: "run"))
  var textJudge: String?

  @OptionGroup var reward: RewardOptions

  func validate() throws {
    let settings: [(String, Bool)] = [
      ("--text-temperature", textTemperature != nil), ("--text-top-k", textTopK != nil),
      ("--text-queries", textQueries != nil), ("--text-real", textReal != nil),
      ("--text-synthetic", textSynthetic != nil), ("--text-samples", textSamples != nil),
      ("--text-right", textRight != nil), ("--text-judge", textJudge != nil),
    ]
    if textOf.isEmpty, let (name, _) = settings.first(where: \.1) {
      throw ValidationError("\(name) says how the runs of --text-of answer; give --text-of RUN too")
    }
    if textJudge == nil, let name = reward.given {
      throw ValidationError("\(name) says how detectors judge answers; give --text-judge RUN too")
    }
  }

  /// What is asked for; nil for the graph's own text.
  func text(seed: UInt64) -> AnswerText? {
    guard !textOf.isEmpty else { return nil }
    var text = AnswerText()
    text.seed = seed
    text.temperature = textTemperature ?? text.temperature
    text.topK = textTopK
    text.queries = textQueries ?? text.queries
    text.real = textReal ?? text.real
    text.synthetic = textSynthetic ?? text.synthetic
    text.samples = textSamples
    text.right = textRight
    if textJudge != nil { text.reward = reward.choice(seed: seed) }
    return text
  }

  /// The answers of the runs, or those that the run in `folder` has of them already.
  func answers(
    _ text: AnswerText, on graph: KnowledgeGraph, fraction: Double, for folder: URL, workers: Int
  ) throws -> AnswerLines {
    try text.validate()
    return try ProgressReporter.during { progress in
      var text = text
      let judge = try textJudge.map { try RunFolder.open($0) }
      text.reward?.of = judge?.record.weightsHash ?? ""
      let work = Work(workers: workers, progress)
      return try AnswerTextMaker(
        text, of: textOf.map { try RunFolder.open($0) }, graph: graph, fraction: fraction,
        reward: ProxyReward.maker(text.reward, of: judge, graph: graph, work)
      ).lines(storedIn: folder, work)
    }
  }
}
