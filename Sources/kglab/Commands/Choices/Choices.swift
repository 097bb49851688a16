import ArgumentParser
import Console
import Experiments
import Foundation
import LabCore
import Training

struct Choices: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a model the multiple-choice questions of a file.",
    discussion: """
      Each line of the file is a JSON object with prompt, choices and gold, the place of the right choice from 0, \
      as in the JSON Lines of lm-evaluation-harness tasks; classes and answer_index are read too, and task, \
      variant, subject and exposures where they are there. A choice's score is the log-probability of its whole \
      text after the prompt; special tokens such as <S> and <E> are written out. docs/traps.md defines the \
      numbers. All of it is stored in run.sqlite; interrupted, the same command continues.

      EXAMPLES:
        kglab choices runs/a --questions questions.jsonl
        kglab choices runs/a --questions tasks/kglab_facts_fvs.jsonl --json > facts.json
      """)

  @OptionGroup var asked: RunOptions

  @Option(help: "The file of questions, one JSON object a line.")
  var questions: String

  @OptionGroup var drawing: ChoiceOptions

  func run() throws {
    Interruption.heed()
    let run = try asked.open()
    let file = try QuestionFile.read(URL(fileURLWithPath: questions), for: run)
    let summary = try drawing.asking.workers.during {
      try TrapsMeasure(drawing.settings).summary(of: run, asking: file, $0)
    }
    try drawing.show(summary, of: run, folder: asked.folder)
  }
}
