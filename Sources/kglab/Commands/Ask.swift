import ArgumentParser
import Console
import Corpus
import Evaluation
import KnowledgeGraph
import LabCore
import Training

struct Ask: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a trained model one question, and see its answers beside the truth.",
    discussion: """
      Shows the answers the model is likeliest to give, found by exact search and not by sampling, with \
      their probabilities and verdicts, then every true answer with the probability of the model giving \
      it. Where several entities share the subject's name, the answers of all of them are true.

      EXAMPLES:
        kglab ask runs/a "Ada Lovelace" "born in"
        kglab ask runs/a "Ada Lovelace" "born in" --top 20 --temperature 0.5 --json
      """)

  @OptionGroup var question: QuestionOptions

  @Option(help: "Temperature of the probabilities, from 0.000001 to 1000.")
  var temperature: Double = 1

  @Option(
    help:
      "Of a model trained on sentences: ask in the phrasing a fact was shown in, or in one it was not."
  )
  var phrasing: AskedPhrasing = .seen

  @OptionGroup var graph: GraphOptions

  func run() throws {
    let run = try question.open()
    let inquirer = try Inquirer(
      model: run.loadModel(), tokenizer: run.tokenizer,
      graph: run.graph(at: graph.url),
      wording: run.record.configuration.corpus.wording.asked(in: phrasing))
    let inquiry = try inquirer.ask(
      subject: question.subject, predicate: question.predicate, top: question.top,
      temperature: temperature)
    if graph.json { return try Output.json(inquiry) }
    show(inquiry)
    Output.line("wrote nothing")
    Output.next("kglab", "evaluate", question.folder)
  }

  // MARK: Text

  private func show(_ inquiry: Inquiry) {
    InquiryText.question(inquiry)
    Output.line()
    InquiryText.answers(inquiry, marksSpelling: true)
    if !inquiry.isCertain {
      Output.line("the search gave up before these were certain to be the likeliest answers")
    }
    Output.line()
    guard let rate = inquiry.hallucinationProbability else {
      Output.line("truth          the graph holds no answer to this question")
      return
    }
    let isShared = inquiry.visibilities.count > 1
    var truth = TextTable(
      ["true answers", "trained on"] + (isShared ? ["subject is a"] : []) + ["probability"],
      left: isShared ? [0, 1, 2] : [0, 1])
    for answer in inquiry.truth {
      truth.add(
        [answer.text, answer.isVisible ? "yes" : "held out"]
          + (isShared ? [answer.subjectType] : []) + [Readable.probability(answer.probability)])
    }
    Output.table(truth)
    Output.line()
    Output.line(
      "hallucination  \(Readable.percent(rate)) of answers at temperature "
        + "\(Readable.number(inquiry.temperature)), exactly")
  }
}
