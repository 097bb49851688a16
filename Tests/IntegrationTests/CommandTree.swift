import Foundation
import TestSupport

/// A command of the built kglab, as the program itself describes it.
struct DescribedCommand {
  /// From the program's name on: ["kglab", "bench", "train"].
  let path: [String]
  let abstract: String
  let discussion: String
  let subcommands: [String]
  /// Long names of its options and flags.
  let options: [String]
  /// Those that take a value.
  let valuedOptions: [String]

  /// Without the program's name: "bench train".
  var words: String { path.dropFirst().joined(separator: " ") }
  var name: String { path.joined(separator: " ") }
  /// Whether it does work itself, rather than naming the commands that do.
  var isLeaf: Bool { subcommands.isEmpty }

  /// What `--help` prints.
  func help() throws -> CommandResult {
    try Command(path.dropFirst() + ["--help"], in: Repository.root).run()
  }

  /// What the command `help` prints.
  func helpByName() throws -> CommandResult {
    try Command(["help"] + path.dropFirst(), in: Repository.root).run()
  }

  /// Every command in the order of the program's help, each before its subcommands.
  static func all() throws -> [DescribedCommand] {
    let dump = try Command(["--experimental-dump-help"], in: Repository.root).run()
    return flatten(try JSONDecoder().decode(Dump.self, from: dump.output).command, below: [])
  }

  private static func flatten(_ command: Dump.Command, below: [String]) -> [DescribedCommand] {
    let path = below + [command.commandName]
    // ArgumentParser adds `help` to every command with subcommands.
    let children = (command.subcommands ?? []).filter { $0.commandName != "help" }
    let described = DescribedCommand(
      path: path, abstract: command.abstract ?? "", discussion: command.discussion ?? "",
      subcommands: children.map(\.commandName),
      options: (command.arguments ?? []).flatMap(\.longNames),
      valuedOptions: (command.arguments ?? []).filter { $0.kind == "option" }.flatMap(\.longNames))
    return [described] + children.flatMap { flatten($0, below: path) }
  }

  /// The part of ArgumentParser's description that is needed here.
  private struct Dump: Decodable {
    let command: Command

    struct Command: Decodable {
      let commandName: String
      let abstract: String?
      let discussion: String?
      let subcommands: [Command]?
      let arguments: [Argument]?
    }

    struct Argument: Decodable {
      let kind: String
      let names: [Name]?

      var longNames: [String] { (names ?? []).filter { $0.kind == "long" }.map(\.name) }
    }

    struct Name: Decodable {
      let kind: String
      let name: String
    }
  }
}
