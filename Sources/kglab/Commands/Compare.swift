import Analysis
import ArgumentParser
import Console
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two evaluated runs on one graph, query by query.",
    discussion: """
      Exact rates at temperature 1 are paired by subject: the difference has a bootstrap interval. Greedy \
      answers (or the first samples at temperature 1, where greedy ones are missing) are paired by query and \
      tested by McNemar's exact and mid-p tests. Runs on different graphs are refused; where runs saw \
      different nested fractions, the queries that both were asked are compared.

      EXAMPLES:
        kglab compare runs/small runs/large
        kglab compare runs/a runs/b --json
      """)

  @Argument(help: ArgumentHelp("The folder of an evaluated run.", valueName: "first run"))
  var first: String

  @Argument(help: ArgumentHelp("The folder of another one.", valueName: "second run"))
  var second: String

  @Option(help: "Seed of the resamples.")
  var seed: UInt64 = 0

  @Option(help: "Resamples of the subjects.")
  var resamples: Int = 1_000

  @OptionGroup var result: ResultOptions

  func validate() throws { try OptionRange.require(resamples, 1...1_000_000, "--resamples") }

  func run() throws {
    let databases = try [first, second].map { folder in
      let url = URL(fileURLWithPath: folder, isDirectory: true)
      guard FileKind.of(url) == .folder else {
        throw LabError("\(folder) is no folder; give the folder of a run that was evaluated")
      }
      guard let database = try RunDatabase.read(in: url) else {
        throw LabError(
          "\(folder) was not evaluated yet; run kglab evaluate \(Readable.shellWord(folder))")
      }
      return database
    }
    let comparison = try EvaluationComparison(
      databases[0], databases[1], names: (first, second), seed: seed, resamples: resamples)
    if result.json { return try Output.json(comparison) }
    show(comparison)
    Output.line("wrote nothing")
    Output.next("kglab", "detect", second, "--kind", "head", "--task", "sentence")
  }

  private func show(_ comparison: EvaluationComparison) {
    Output.line("first          \(first)")
    Output.line("second         \(second)")
    Output.line("asked of both  \(comparison.queryCount.grouped) queries")
    Output.line()
    Output.line("exact hallucination rate at temperature 1, second less first in points")
    var rates = TextTable([
      "queries", "n", "subjects", "first", "second", "difference", "95 % interval", "p",
    ])
    for row in comparison.rows {
      let interval = row.exact?.difference.interval
      rates.add([
        row.visibility.rawValue, row.queryCount.grouped, row.subjectCount.grouped,
        Readable.percent(row.exact?.first), Readable.percent(row.exact?.second),
        row.exact.map { String(format: "%+.2f", 100 * $0.difference.value) } ?? "-",
        Readable.interval(interval?.low, interval?.high, "%+.2f"),
        row.exact?.probability.map(Self.probability) ?? "-",
      ])
    }
    Output.table(rates)
    Output.line()
    Output.line(
      (comparison.answer == "greedy" ? "greedy answers" : "first samples at temperature 1")
        + " right, by McNemar's test")
    var answers = TextTable([
      "queries", "both", "first only", "second only", "neither", "p exact", "p mid",
    ])
    for row in comparison.rows {
      answers.add(
        [row.visibility.rawValue]
          + [
            row.answers.bothCount, row.answers.onlyFirstCount, row.answers.onlySecondCount,
            row.answers.neitherCount,
          ].map(\.grouped)
          + [row.exactProbability, row.midProbability].map(Self.probability))
    }
    Output.table(answers)
  }

  private static func probability(_ value: Double) -> String {
    String(format: value < 0.001 ? "%.1e" : "%.3f", value)
  }
}
