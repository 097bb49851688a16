import Foundation
import LabCore
import TestSupport
import Testing

/// Holds docs/cli.md to what the program prints, and every command to the rules for commands.
///
/// With UPDATE_CLI_DOCS=1 in the environment the page is written anew instead.
@Suite struct CommandReferenceTests {
  private static let isUpdating = ProcessInfo.processInfo.environment["UPDATE_CLI_DOCS"] == "1"
  private static let advice =
    "run UPDATE_CLI_DOCS=1 swift test --disable-xctest --filter CommandReferenceTests, and read "
    + "what changed"

  private let commands = Result { try DescribedCommand.all() }

  @Test func thePageRecordsTheHelpOfEveryCommand() throws {
    let sections = try commands.get().map { command in
      let result = try command.help()
      #expect(result.end == .exited(0) && result.messages.isEmpty, "\(result.messages)")
      return CommandReference.Section(name: command.name, help: result.text)
    }
    let page = try Repository.text(CommandReference.path)
    let recorded = try CommandReference(page)
    let current = CommandReference(introduction: recorded.introduction, sections: sections)
    if Self.isUpdating {
      return try AtomicFile.write(
        Data(current.text.utf8), to: Repository.file(CommandReference.path))
    }
    #expect(
      recorded.sections.map(\.name) == sections.map(\.name),
      "\(CommandReference.path) lists other commands than the program: \(Self.advice)")
    for section in sections {
      let old = recorded.sections.first { $0.name == section.name }
      #expect(old == section, "the help of '\(section.name)' changed: \(Self.advice)")
    }
    #expect(page == current.text, "the recorded part was edited by hand: \(Self.advice)")
  }

  @Test func helpIsTheSameBothWays() throws {
    for command in try commands.get() {
      #expect(try command.help().text == command.helpByName().text, "\(command.name)")
    }
  }

  @Test func everyCommandFollowsTheRules() throws {
    let commands = try commands.get()
    #expect(commands.count >= 9)
    #expect(commands[0].name == "kglab")
    for command in commands.dropFirst() {
      #expect(command.abstract.hasSuffix("."), "\(command.name): \(command.abstract)")
      guard command.isLeaf else { continue }
      #expect(command.options.contains("json"), "\(command.name) has no --json")
      #expect(command.discussion.contains("EXAMPLES:\n"), "\(command.name) has no examples")
      #expect(
        command.discussion.contains("  \(command.name) "),
        "\(command.name) is not in its own examples")
    }
  }

  @Test func helpIsTheSameOnEveryMachine() throws {
    for command in try commands.get() {
      let help = try command.help().text
      // Its default is the number of processors, which a page cannot record.
      let workers = help.components(separatedBy: "\n  -").first { $0.hasPrefix("-workers ") }
      #expect(
        !(workers ?? "").contains("(default:"),
        "\(command.name): leave the default of --workers out")
      #expect(help.split(separator: "\n").allSatisfy { !$0.contains(NSHomeDirectory() + "/") })
    }
  }

  @Test func theIntroductionStatesEveryExitCode() throws {
    let introduction = try CommandReference(Repository.text(CommandReference.path)).introduction
    for status in [ExitStatus.failure, .usage, .badInput, .notReady, .interrupted] {
      #expect(introduction.contains("| \(status.rawValue) |"), "\(status)")
    }
  }

  @Test func thePageIsReadAsItIsWritten() throws {
    let page = CommandReference(
      introduction: "# Words\n\n```text\nnot a section\n```\n\n",
      sections: [.init(name: "kglab", help: "A\n\n  B\n"), .init(name: "kglab x", help: "C\n")])
    #expect(try CommandReference(page.text) == page)
    #expect(throws: CommandReference.MarkerMissing.self) { try CommandReference("# Words\n") }
  }
}
