package import Corpus
import Detection
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
package import Training

/// Rounds in which a model learns from those of its own answers that the graph judges right
/// (ReST-EM, arXiv 2312.06585).
///
/// Each round is a training on a text of answers of the round before, in a folder of its own, and
/// continues as one.
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
  /// How rounds are held against the base.
  private let measure: SelfTrainingMeasure

  package init(
    rounds: Int, arm: Arm, text: AnswerText, request: TrainingRequest,
    measure: SelfTrainingMeasure = SelfTrainingMeasure()
  ) {
    self.measure = measure
    self.rounds = rounds
    self.arm = arm
    self.text = text
    self.request = request
  }

  /// Trains the rounds that are not there yet, measures them against the base, and returns it, as
  /// round 0, with all of them.
  ///
  /// They are `round-1`, `round-2` and so on of `out`; `file` is where the base's graph is. Throws
  /// `LabError` where no answer is taken to be right, and `LabError.interrupted` when stopped,
  /// after which the same call continues.
  package func run(
    on base: RunFolder, _ graph: KnowledgeGraph, in file: URL, into out: URL,
    options: RuntimeOptions = RuntimeOptions(), work: Work = Work()
  ) throws -> [SelfTrainingRound] {
    guard try RunFolder.readRecord(out) == nil else {
      throw LabError("\(out.relativePath) holds a run; choose another --out for the rounds")
    }
    let origin = MeasuredRun(folder: base.url, record: base.record) { graph }
    var text = text
    text.reward?.of = base.record.weightsHash ?? ""
    var results: [SelfTrainingRound] = []
    var last = base
    for round in 1...rounds {
      let folder = out.appendingPathComponent("round-\(round)")
      let part = work.part(round - 1, of: rounds, "round \(round): ")
      var request = request
      request.fraction = base.record.configuration.corpus.fraction
      request.start = arm == .restart ? base.url : last.url
      request.answers = try AnswerTextMaker(
        text, of: [last], graph: graph, fraction: request.fraction,
        reward: ProxyReward.maker(text.reward, of: base, graph: graph, part)
      ).lines(storedIn: folder, part.part(0...0.2))
      _ = try Trainer(
        graph: graph, graphURL: file, request: request, folder: folder, options: options
      ).run { state in
        part.report(
          0.2 + 0.6 * Double(state.step) / Double(max(1, state.stepCount)),
          "step \(state.step)/\(state.stepCount)")
      }
      last = try RunFolder.open(folder)
      let subject = MeasuredRun(folder: folder, record: last.record, siblings: [origin]) { graph }
      let rows = try measure.summary(of: subject, part.part(0.8...1)).rows
      if round == 1 {
        results.append(
          SelfTrainingRound(0, base, answers: nil, rows.filter { $0.model == .first }))
      }
      results.append(
        SelfTrainingRound(
          round, last, answers: last.record.answers, rows.filter { $0.model != .first }))
    }
    return results
  }
}

/// A round of self-training, or what it began with.
package struct SelfTrainingRound: Codable, Hashable, Sendable {
  /// 0 for what the rounds began with.
  package let round: Int
  package let folder: String
  package let weightsHash: String
  /// How the round's text came about.
  package let answers: AnswerTally?
  /// The round's model on sets of queries, and beside it the base sharpened to its entropy.
  package let rows: [SelfTrainingRow]

  init(_ round: Int, _ run: RunFolder, answers: AnswerTally?, _ rows: [SelfTrainingRow]) {
    self.round = round
    folder = run.url.relativePath
    weightsHash = run.record.weightsHash ?? ""
    self.answers = answers
    self.rows = rows
  }

  enum CodingKeys: String, SnakeCaseKey {
    case round, folder, answers, rows
    case weightsHash = "weights_sha256"
  }
}
