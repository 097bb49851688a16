import ArgumentParser
import Foundation
import LabCore

@main
struct Kglab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kglab",
    abstract: "A knowledge-graph hallucination lab.",
    discussion: """
      Generates or imports a graph of facts, trains language models on it, and measures exactly how
      much each of them hallucinates.
      """,
    subcommands: [
      Generate.self, Import.self, Inspect.self, Train.self, Evaluate.self, Ask.self, Detect.self,
      StudyCommand.self, Report.self, Bench.self,
    ])

  /// Runs the command line; every failure ends in one sentence on standard error and its exit code.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as any LabFailure {
      Output.error("error: \(failure)")
      Foundation.exit(failure.exitStatus.rawValue)
    } catch {
      // Help, version and wrong usage (64) are ArgumentParser's; anything else ends with 1.
      exit(withError: error)
    }
  }
}
