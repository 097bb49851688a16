import ArgumentParser
import Console
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain a trained model's answers to one question.",
    discussion: """
      Shows the likeliest answers and the truth, how often training presented it, whose fact each wrong \
      answer is (subjects that training says it of, nearest name first), what each layer would have answered \
      (logit lens), and every score that a detector gave to answers of this question.

      EXAMPLES:
        kglab explain runs/a "Ada Lovelace" "born in"
        kglab explain runs/a "Ada Lovelace" "born in" --checkpoint 64 --nearest 10
        kglab explain runs/a "Ada Lovelace" "born in" --json
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Argument(help: "The name of an entity.")
  var subject: String

  @Argument(help: "The name of a predicate.")
  var predicate: String

  @Option(help: "Ask the weights that training kept at this step, instead of the last.")
  var checkpoint: Int?

  @Option(help: "How many answers to show.")
  var top: Int = 5

  @Option(help: "How many subjects to show that a wrong answer belongs to.")
  var nearest: Int = 5

  @Option(help: "The run's graph, where it is no longer where training found it.")
  var graph: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws { try OptionRange.require(nearest, 0...1_000, "--nearest") }

  func run() throws {
    let run = try RunFolder.open(
      URL(fileURLWithPath: folder, isDirectory: true), checkpoint: checkpoint)
    let graph = try run.graph(at: graph.map { URL(fileURLWithPath: $0) })
    let explanation = try Explainer(run, graph: graph).explain(
      subject: subject, predicate: predicate, top: top, nearest: nearest)
    if json { return try Output.json(explanation) }
    show(explanation)
    Output.line("wrote nothing")
    Output.next("kglab", "lifeline", folder, "--fact", subject, predicate)
  }

  // MARK: Text

  private func show(_ explanation: Explanation) {
    let inquiry = explanation.inquiry
    let seen = inquiry.visibilities.map(\.rawValue).joined(separator: ", ")
    Output.line(
      "question       (\(inquiry.subject), \(inquiry.predicate), ?)  "
        + (seen.isEmpty ? "not in the graph" : seen))
    if let rate = inquiry.hallucinationProbability {
      Output.line("hallucination  \(Readable.percent(rate)) of answers at temperature 1, exactly")
    }
    Output.line()
    var answers = TextTable(["model's answers", "verdict", "probability"], left: [0, 1])
    for answer in inquiry.answers {
      answers.add([
        answer.text.isEmpty ? "(nothing)" : answer.text,
        answer.verdict.rawValue.replacingOccurrences(of: "_", with: " "),
        Self.probability(answer.probability),
      ])
    }
    Output.table(answers)
    Output.line()
    truth(explanation.truth)
    borrowed(explanation.borrowed)
    lens(explanation)
    scores(explanation.detectorScores)
  }

  private func truth(_ truth: [ExplainedTruth]) {
    guard !truth.isEmpty else { return }
    var table = TextTable(
      [
        "true answers", "trained on", "follows", "exposures an epoch", "in all", "bits",
        "probability",
      ],
      left: [0, 1, 2])
    for answer in truth {
      let way = answer.derivation.map { "by \($0.rawValue)" } ?? "no"
      table.add([
        answer.text, answer.isTrained ? "yes" : "held out",
        answer.isInferable ? way + ", from trained" : way, "\(answer.exposures)",
        Readable.number(answer.presentations), answer.bits.map(Readable.number) ?? "-",
        Self.probability(answer.probability),
      ])
    }
    Output.table(table)
    Output.line()
  }

  private func borrowed(_ borrowed: [BorrowedAnswer]) {
    for answer in borrowed {
      guard answer.lenderCount > 0 else {
        Output.line("\(answer.answer): training says it of no subject under this predicate")
        continue
      }
      let names = answer.lenders.map { lender in
        lender.subject + (lender.noise.map { " (false: \($0.rawValue))" } ?? "")
          + " (\(lender.distance) edits)"
      }
      Output.line(
        "\(answer.answer): training says it of \(answer.lenderCount.grouped), nearest names "
          + names.joined(separator: ", "))
    }
    if !borrowed.isEmpty { Output.line() }
  }

  private func lens(_ explanation: Explanation) {
    let own = explanation.lensToken.map { "P(\($0))" } ?? "P(true)"
    var table = TextTable(["layer", own, "rank", "likeliest token", "probability"])
    for layer in explanation.lens {
      table.add([
        layer.layer == 0 ? "embedding" : "\(layer.layer)",
        layer.trueProbability.map(Self.probability) ?? "-", layer.trueRank.map(String.init) ?? "-",
        layer.topToken, Self.probability(layer.topProbability),
      ])
    }
    Output.table(table)
    Output.line()
  }

  private func scores(_ scores: [StoredDetectorScore]) {
    guard !scores.isEmpty else {
      Output.line("detectors      none has scored an answer to this question")
      return
    }
    var table = TextTable(
      ["detector", "task", "answer", "verdict", "answers", "mean score"], left: [0, 1, 2, 3])
    for score in scores {
      table.add([
        score.detector, score.task, score.answer.isEmpty ? "(nothing)" : score.answer,
        score.isHallucination ? "hallucination" : "right", "\(score.answerCount)",
        Readable.number(score.meanScore),
      ])
    }
    Output.table(table)
  }

  private static func probability(_ value: Double) -> String {
    String(format: value >= 0.0001 || value == 0 ? "%.4f" : "%.1e", value)
  }
}
