import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// `kglab study`: many runs from one file.
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Plan, run and watch a study: many models from one file, to one report.",
    discussion: """
      A study file lists a graph, model sizes, epochs, seeds, evaluations and detectors; see \
      docs/studies.md and experiments/.

      EXAMPLES:
        kglab study plan experiments/quickstart
        kglab study run experiments/quickstart
        kglab study status runs/quickstart
      """,
    subcommands: [
      StudyPlanCommand.self, StudyRunCommand.self, StudyWorkCommand.self, StudyExportCommand.self,
      StudyStatusCommand.self,
    ])
}

/// Where a study comes from and where its results go.
struct StudyLocation: ParsableArguments {
  @Argument(help: "The study: its file, or the folder with its study.yaml.")
  var study: String

  @Option(help: "The folder of the results; by default runs/NAME.")
  var out: String?

  func file() throws -> StudyFile { try StudyFile.read(URL(fileURLWithPath: study)) }

  func folder(of file: StudyFile) -> URL {
    URL(fileURLWithPath: out ?? "runs/\(file.name)", isDirectory: true)
  }
}

/// `kglab study plan`.
struct StudyPlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show the tasks of a study, their sizes, FLOPs, time, memory and disk.",
    discussion: """
      Nothing is written. Times are estimates: operations divided by a rate that grows with the width of \
      the model (docs/studies.md); a running study corrects them.

      EXAMPLES:
        kglab study plan experiments/quickstart
        kglab study plan experiments/quickstart --json
      """)

  @OptionGroup var location: StudyLocation

  @Flag(help: "Print the plan as JSON, as plan.json holds it.")
  var json = false

  func run() throws {
    let file = try location.file()
    let runner = try StudyRunner(file: file, folder: location.folder(of: file))
    if json { return try Output.json(runner.plan) }
    PlanText.show(runner, workers: file.workers, sideBySide: file.sideBySide)
    Output.next(
      ["kglab", "study", "run", location.study] + (location.out.map { ["--out", $0] } ?? []))
  }
}

/// A plan on standard output.
enum PlanText {
  /// Prints the table, and what the machine has too little of.
  static func show(_ runner: StudyRunner, workers: Int, sideBySide: Int) {
    runner.plan.table(workers: workers, sideBySide: sideBySide)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast().forEach { Output.line(String($0)) }
    let shortages = runner.plan.shortages(
      .current, folder: runner.folder.url, sideBySide: sideBySide)
    for clause in shortages { Output.line("does not fit here: \(clause)") }
  }
}
