import ArgumentParser
import Compute
import Console
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore

struct Lifeline: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Follow facts through training: when each was learned, forgotten, confused with what.",
    discussion: """
      Asks every checkpoint that the run keeps (kglab train --keep-steps log) and the finished model. A fact \
      counts as known where its true answers together are likelier than not. It is learned at the kept step \
      from which on it is known up to the last, and forgotten at the one from which on it no longer is. What \
      was asked is stored in run.sqlite; interrupted, the same command continues.

      EXAMPLES:
        kglab lifeline runs/a --all
        kglab lifeline runs/a --fact "Ada Lovelace" "born in"
        kglab lifeline runs/a --fact "Ada Lovelace" "born in" "Alan Turing" "field" --json
      """)

  @Argument(help: ArgumentHelp("The folder of a run that keeps checkpoints.", valueName: "run"))
  var folder: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Facts to follow: a subject and a predicate each.", valueName: "subject predicate"))
  var fact: [String] = []

  @Flag(help: "Follow all facts.")
  var all = false

  @OptionGroup var asking: AskingOptions

  func validate() throws {
    guard all != !fact.isEmpty else {
      throw ValidationError("choose facts with --fact \"subject\" \"predicate\", or all with --all")
    }
    guard fact.count.isMultiple(of: 2) else {
      throw ValidationError("--fact needs pairs: a subject and a predicate each")
    }
  }

  func run() throws {
    Interruption.heed()
    let pairs = stride(from: 0, to: fact.count, by: 2).map { (fact[$0], fact[$0 + 1]) }
    let request = LifelineRequest(
      folder: URL(fileURLWithPath: folder, isDirectory: true), facts: all ? nil : pairs,
      precision: asking.precision, graphURL: asking.graph.url)
    let summary = try asking.workers.during { try request.run(work: $0) }
    if asking.json { return try Output.json(summary) }
    if let facts = summary.facts { for fact in facts { show(fact) } } else { show(summary) }
    Output.wrote(folder, "life-line", key: summary.key)
    Output.next(
      all ? ["kglab", "knowledge", folder] : ["kglab", "explain", folder, fact[0], fact[1]])
  }

  // MARK: Text

  private func show(_ fact: FactLifeline) {
    Output.line(
      "fact           (\(fact.subject), \(fact.predicate), ?)  \(fact.visibility.rawValue)")
    func step(_ value: Int?) -> String { value.map { "at step \($0)" } ?? "never" }
    Output.line(
      "known first    \(step(fact.firstKnownStep)); learned \(step(fact.learnedStep)); "
        + "forgotten \(step(fact.forgottenStep)); lost \(fact.forgettingCount) times")
    if let confusion = fact.confusion {
      Output.line(
        "confused with  \(confusion.answer), at step \(confusion.step) with probability "
          + Readable.number(confusion.probability))
    }
    var table = TextTable(["step", "P(true)", "greedy answer", "probability", "verdict"])
    for point in fact.points {
      table.add([
        "\(point.step)", Readable.fixed(point.probability, 4),
        InquiryText.shown(point.answer),
        Readable.fixed(point.answerProbability, 4),
        Readable.words(point.verdict.rawValue),
      ])
    }
    Output.table(table)
    Output.line()
  }

  private func show(_ summary: LifelineSummary) {
    let sets = summary.counts.map(\.visibility)
    var curve = TextTable(
      ["step"] + sets.flatMap { ["\($0.rawValue) known", "mean P(true)"] })
    for step in summary.steps {
      curve.add(
        ["\(step)"]
          + sets.flatMap { set -> [String] in
            let row = summary.curve.first { $0.step == step && $0.visibility == set }
            return [Readable.percent(row?.knownShare), Readable.fixed(row?.meanProbability, 4)]
          })
    }
    Output.table(curve)
    Output.line()
    var counts = TextTable([
      "queries", "n", "learned", "forgotten", "never known", "median learned step", "lost a fact",
    ])
    for row in summary.counts {
      counts.add([
        row.visibility.rawValue, row.queryCount.grouped, row.learnedCount.grouped,
        row.forgottenCount.grouped, row.neverKnownCount.grouped,
        row.medianLearnedStep.map(Readable.number) ?? "-",
        Readable.fixed(row.meanForgettingCount, 3),
      ])
    }
    Output.table(counts)
    Output.line()
  }
}
