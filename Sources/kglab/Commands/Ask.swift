import ArgumentParser
import Console
import Corpus
import Evaluation
import Foundation
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

  @Option(help: "Temperature of the probabilities, from 0.000001 to 1000.")
  var temperature: Double = 1

  @Option(
    help:
      "Of a model trained on sentences: ask in the phrasing a fact was shown in, or in one it was not."
  )
  var phrasing: AskedPhrasing = .seen

  @Option(help: "The run's graph, where it is no longer where training found it.")
  var graph: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let run = try RunFolder.open(
      URL(fileURLWithPath: folder, isDirectory: true), checkpoint: checkpoint)
    let inquirer = try Inquirer(
      model: run.loadModel(), tokenizer: run.tokenizer,
      graph: run.graph(at: graph.map { URL(fileURLWithPath: $0) }),
      wording: run.record.configuration.corpus.wording.asked(in: phrasing))
    let inquiry = try inquirer.ask(
      subject: subject, predicate: predicate, top: top, temperature: temperature)
    if json { return try Output.json(inquiry) }
    show(inquiry)
    Output.line("wrote nothing")
    Output.next("kglab", "evaluate", folder)
  }

  // MARK: Text

  private func show(_ inquiry: Inquiry) {
    let seen = inquiry.visibilities.map(\.rawValue).joined(separator: ", ")
    Output.line(
      "question       (\(inquiry.subject), \(inquiry.predicate), ?)  "
        + (seen.isEmpty ? "not in the graph" : seen))
    Output.line()
    var answers = TextTable(["model's answers", "verdict", "probability"], left: [0, 1])
    for answer in inquiry.answers {
      let text = answer.text.isEmpty ? "(nothing)" : answer.text
      let isOtherSpelling = !answer.isCanonical && answer.verdict != .malformed
      answers.add([
        isOtherSpelling ? text + " (another spelling)" : text,
        answer.verdict.rawValue.replacingOccurrences(of: "_", with: " "),
        Self.probability(answer.probability),
      ])
    }
    Output.table(answers)
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
          + (isShared ? [answer.subjectType] : []) + [Self.probability(answer.probability)])
    }
    Output.table(truth)
    Output.line()
    Output.line(
      "hallucination  \(Readable.percent(rate)) of answers at temperature "
        + "\(Readable.number(inquiry.temperature)), exactly")
  }

  private static func probability(_ value: Double) -> String {
    String(format: value >= 0.0001 || value == 0 ? "%.4f" : "%.1e", value)
  }
}
