import ArgumentParser
import Console
import Evaluation
import KnowledgeGraph
import LabCore
import Training

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain a trained model's answers to one question.",
    discussion: """
      Shows the likeliest answers and the truth, how often training presented it, whose fact each wrong \
      answer is (subjects that training says it of, nearest name first), which facts of other subjects pull \
      towards it (by the cosine of their gradients, among at most 256 of the predicate), what each layer would have answered \
      (logit lens), and every score that a detector gave to answers of this question.

      EXAMPLES:
        kglab explain runs/a "Ada Lovelace" "born in"
        kglab explain runs/a "Ada Lovelace" "born in" --checkpoint 64 --nearest 10
        kglab explain runs/a "Ada Lovelace" "born in" --json
      """)

  @OptionGroup var question: QuestionOptions

  @Option(help: "How many subjects to show that a wrong answer belongs to.")
  var nearest: Int = 5

  @Option(help: "How many facts to show that pull towards a wrong answer; 0 takes no gradients.")
  var pulls: Int = 3

  @OptionGroup var graph: GraphOptions

  func validate() throws {
    try OptionRange.require(nearest, 0...1_000, "--nearest")
    try OptionRange.require(pulls, 0...256, "--pulls")
  }

  func run() throws {
    let run = try question.open()
    let explanation = try Explainer(run, graph: run.graph(at: graph.url)).explain(
      subject: question.subject, predicate: question.predicate, top: question.top,
      nearest: nearest, pulls: pulls)
    if graph.json { return try Output.json(explanation) }
    show(explanation)
    Output.line("wrote nothing")
    Output.next(
      run.hasCheckpoints
        ? ["kglab", "lifeline", question.folder, "--fact", question.subject, question.predicate]
        : ["kglab", "knowledge", question.folder])
  }

  // MARK: Text

  private func show(_ explanation: Explanation) {
    let inquiry = explanation.inquiry
    InquiryText.question(inquiry)
    if let rate = inquiry.hallucinationProbability {
      Output.line("hallucination  \(Readable.percent(rate)) of answers at temperature 1, exactly")
    }
    Output.line()
    InquiryText.answers(inquiry, marksSpelling: false)
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
        Readable.probability(answer.probability),
      ])
    }
    Output.table(table)
    Output.line()
  }

  private func borrowed(_ borrowed: [BorrowedAnswer]) {
    for answer in borrowed {
      defer { pulls(answer) }
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

  private func pulls(_ answer: BorrowedAnswer) {
    guard !answer.pulls.isEmpty else { return }
    let facts = answer.pulls.map {
      "\($0.subject): \($0.object) (\(Readable.fixed($0.cosine, 2)))"
    }
    Output.line(
      "  pulled by " + facts.joined(separator: ", ")
        + " of \(answer.searchedCount.grouped) facts")
  }

  private func lens(_ explanation: Explanation) {
    let own = explanation.lensToken.map { "P(\($0))" } ?? "P(true)"
    var table = TextTable(["layer", own, "rank", "likeliest token", "probability"])
    for layer in explanation.lens {
      table.add([
        layer.layer == 0 ? "embedding" : "\(layer.layer)",
        layer.trueProbability.map(Readable.probability) ?? "-",
        layer.trueRank.map(String.init) ?? "-",
        layer.topToken, Readable.probability(layer.topProbability),
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
        score.detector, score.task, InquiryText.shown(score.answer),
        score.isHallucination ? "hallucination" : "right", "\(score.answerCount)",
        Readable.number(score.meanScore),
      ])
    }
    Output.table(table)
  }
}
