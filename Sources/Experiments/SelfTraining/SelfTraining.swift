package import Corpus
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
package import Training

/// Rounds in which a model learns from those of its own answers that the graph judges right (ReST-EM, arXiv 2312.06585).
///
/// Each round is a training on a text of answers of the round before, in a folder of its own, and continues as one.
package struct SelfTraining {
  /// Where a round's training starts from.
  package enum Arm: String, CaseIterable, Codable, Sendable {
    /// From the run that the rounds began with, as published.
    case restart
    /// From the round before.
    case `continue`
  }

  /// The rounds, from 1.
  package let rounds: Int
  package let arm: Arm
  /// Which answers are drawn and kept.
  package let text: AnswerText
  /// The training of a round, but for start and text.
  package let request: TrainingRequest

  package init(rounds: Int, arm: Arm, text: AnswerText, request: TrainingRequest) {
    self.rounds = rounds
    self.arm = arm
    self.text = text
    self.request = request
  }

  /// Trains the rounds that are not there yet, and returns the base, as round 0, with all of them.
  ///
  /// They are `round-1`, `round-2` and so on of `out`; `file` is where the base's graph is. Throws `LabError` where no answer is right, and `LabError.interrupted` when
  /// stopped, after which the same call continues.
  package func run(
    on base: RunFolder, _ graph: KnowledgeGraph, in file: URL, into out: URL,
    options: RuntimeOptions = RuntimeOptions(), work: Work = Work()
  ) throws -> [SelfTrainingRound] {
    let before = try outcomes(of: base, graph, work)
    var results = [result(0, base, before, before, graph)]
    var last = base
    for round in 1...rounds {
      let folder = out.appendingPathComponent("round-\(round)")
      let part = work.part(
        Double(round - 1) / Double(rounds)...Double(round) / Double(rounds), "round \(round): ")
      var request = request
      request.fraction = base.record.configuration.corpus.fraction
      request.start = arm == .restart ? base.url : last.url
      request.answers = try AnswerTextMaker(
        text, of: [last], graph: graph, fraction: request.fraction
      ).lines(storedIn: folder, part.part(0...0.3))
      _ = try Trainer(
        graph: graph, graphURL: file, request: request, folder: folder, options: options
      ).run { state in
        part.report(
          0.3 + 0.7 * Double(state.step) / Double(max(1, state.stepCount)),
          "step \(state.step)/\(state.stepCount)")
      }
      last = try RunFolder.open(folder)
      results.append(result(round, last, try outcomes(of: last, graph, work), before, graph))
    }
    return results
  }

  /// The exact probability of a hallucination at temperature 1, by place in the graph's queries.
  private func outcomes(
    of run: RunFolder, _ graph: KnowledgeGraph, _ work: Work
  ) throws -> [(query: Int, rate: Double)] {
    var options = EvaluationOptions()
    options.sampleTemperatures = []
    let corpus = run.record.configuration.corpus
    let evaluator = try Evaluator(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, fraction: corpus.fraction,
      wording: corpus.wording, options: options, workers: work.workers)
    let found = try evaluator.outcomes(of: 0..<evaluator.queries.count, unless: work.shouldStop)
    guard let found else {
      throw LabError.interrupted(
        "stopped while \(run.url.path) was measured; the same command goes on")
    }
    return found.map { ($0.query, $0.exact[0].hallucination) }
  }

  /// A round with its rates, those of the asked queries also by how hard they were for the base.
  private func result(
    _ round: Int, _ run: RunFolder, _ own: [(query: Int, rate: Double)],
    _ base: [(query: Int, rate: Double)], _ graph: KnowledgeGraph
  ) -> SelfTrainingRound {
    let asked = run.record.configuration.corpus.fraction * text.queries
    var rates: [SelfTrainingRound.Rate] = []
    for set in SelfTrainingRound.Queries.allCases {
      let places = own.indices.filter { set.contains(graph.queries[own[$0].query], asked: asked) }
      let parts = [nil] + (set == .asked ? SelfTrainingRound.Difficulty.allCases : [])
      rates += parts.compactMap { difficulty in
        let those = places.filter { place in
          difficulty == nil || .init(right: 1 - base[place].rate) == difficulty
        }.map { own[$0] }
        guard !those.isEmpty else { return nil }
        let bootstrap = SubjectBootstrap(
          subjects: those.map { graph.queries[$0.query].subject }, series: [those.map(\.rate)])
        var stream = Seed(text.seed).stream(
          "self-training/\(set.rawValue)/\(difficulty?.rawValue ?? "")")
        let interval = bootstrap.intervals(resamples: 1_000, stream: &stream)?[0]
        return SelfTrainingRound.Rate(
          queries: set, difficulty: difficulty, rate: bootstrap.means[0], lower: interval?.lower,
          upper: interval?.upper, queryCount: those.count)
      }
    }
    return SelfTrainingRound(
      round: round, folder: run.url.relativePath, weightsHash: run.record.weightsHash ?? "",
      answers: round == 0 ? nil : run.record.answers, rates: rates)
  }
}

/// A round of self-training, or what it began with.
package struct SelfTrainingRound: Codable, Hashable, Sendable {
  /// Which queries a rate is of.
  package enum Queries: String, Codable, CaseIterable, Sendable {
    /// With answers that are trained on: those whose answers were drawn, and the others.
    case asked
    case notAsked = "not_asked"
    /// Without an answer that is trained on.
    case unseen

    func contains(_ query: Query, asked rank: Double) -> Bool {
      switch self {
      case .asked: query.visibility != .ivs && query.rank < rank
      case .notAsked: query.visibility != .ivs && query.rank >= rank
      case .unseen: query.visibility == .ivs
      }
    }
  }

  /// How likely the base was right at temperature 1: from 3/4, 1/2, 1/4, or less (the bins of the paper).
  package enum Difficulty: String, Codable, CaseIterable, Sendable {
    case easy, medium, hard
    case veryHard = "very_hard"

    init(right: Double) {
      self = right >= 0.75 ? .easy : right >= 0.5 ? .medium : right >= 0.25 ? .hard : .veryHard
    }
  }

  /// A mean exact hallucination rate with its 95 % interval over subjects.
  package struct Rate: Codable, Hashable, Sendable {
    package let queries: Queries
    /// Only of queries this hard for the base; nil for all.
    package let difficulty: Difficulty?
    package let rate: Double
    package let lower: Double?
    package let upper: Double?
    package let queryCount: Int

    enum CodingKeys: String, SnakeCaseKey {
      case queries, difficulty, rate, lower, upper, queryCount
    }
  }

  /// 0 for what the rounds began with.
  package let round: Int
  package let folder: String
  package let weightsHash: String
  /// How the round's text came about.
  package let answers: AnswerTally?
  package let rates: [Rate]

  enum CodingKeys: String, SnakeCaseKey {
    case round, folder, answers, rates
    case weightsHash = "weights_sha256"
  }
}
