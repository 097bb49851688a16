import ArgumentParser
import BenchmarkCommands
import Console
import Foundation
import LabCore

@main
struct Kglab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kglab",
    abstract: "A knowledge-graph hallucination lab.",
    discussion: """
      Generates or imports a graph of facts, trains language models on it, and measures exactly how \
      much each of them hallucinates.
      """,
    subcommands: [
      Init.self, Generate.self, Import.self, FitSchema.self, Export.self, Inspect.self, Train.self,
      Batches.self, Compress.self, SelfTrain.self, Evaluate.self, Ask.self, Knowledge.self,
      Lifeline.self, Explain.self, Compare.self, CascadeCommand.self, Fit.self, Attack.self,
      AttackSlopes.self, Harden.self, Pirs.self, SaliencyCommand.self, Disjoint.self, Traps.self,
      Choices.self, ExportTask.self,
      Detect.self, ExportModel.self, ImportModel.self, StudyCommand.self, Report.self, Bench.self,
      CheckCoordinates.self,
    ])

  /// Runs the command line; every failure ends in one sentence on standard error and its exit code.
  static func main() {
    Interruption.prepare()
    // Whoever reads the output may stop; a parent may have left this ignored.
    signal(SIGPIPE, SIG_DFL)
    // A file that grows past the system's limit is then an error like a full disk, not the end.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try checkName(CommandLine.arguments.dropFirst().first)
      var command = try parseAsRoot(withValues(CommandLine.arguments.dropFirst()))
      try command.run()
    } catch let failure as any LabFailure {
      Output.failure(failure)
      Foundation.exit(failure.exitStatus.rawValue)
    } catch {
      end(with: error)
    }
  }

  /// Negative numbers joined to the option before them: as words of their own they would be taken
  /// for options.
  private static func withValues(_ arguments: some Sequence<String>) -> [String] {
    arguments.reduce(into: []) { words, word in
      let isNegative = word.hasPrefix("-") && Double(word) != nil
      if isNegative, let option = words.last, option.hasPrefix("--"), !option.contains("=") {
        words[words.count - 1] += "=" + word
      } else {
        words.append(word)
      }
    }
  }

  /// Throws for a word that is no command, with the nearest that is.
  private static func checkName(_ word: String?) throws {
    guard let word, !word.hasPrefix("-") else { return }
    let names = configuration.subcommands.map { $0._commandName } + ["help"]
    guard !names.contains(word) else { return }
    throw LabError(
      "unknown command '\(word)'\(Suggestion.hint(for: word, in: names)); see kglab --help", .usage)
  }

  /// Help and wrong usage (64) in ArgumentParser's words; anything else ends with 1.
  private static func end(with error: any Error) -> Never {
    let code = exitCode(for: error)
    guard !code.isSuccess else { exit(withError: error) }
    let message = fullMessage(for: error)
    Output.error(message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message)
    Foundation.exit(code.rawValue)
  }
}
