import Foundation
import LabCore
import TestSupport
import Testing

/// Damaged files of every kind that is read: never a trap, a hang, memory without bound, noise in
/// place of a sentence, or an altered file that passes for the one that was hashed.
///
/// KGLAB_FUZZ_SECONDS is the time for all targets (60); KGLAB_FUZZ="TARGET:NUMBER" repeats one
/// input and keeps it.
@Suite(.serialized) struct FuzzTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seconds = Double(environment["KGLAB_FUZZ_SECONDS"] ?? "") ?? 60
  private static let only = environment["KGLAB_FUZZ"]?.split(separator: ":").map(String.init)
  /// KiB of address space: what small inputs may take, threads' stacks included.
  private static let memory = 6 << 20
  private static let patience = 30

  @Test(arguments: FuzzTarget.all.filter { only == nil || $0.name == only?.first })
  func damagedFilesAreRefusedOrRead(target: FuzzTarget) throws {
    let fixture = try FuzzFixture.made.get()
    let whole = try copy(target, of: fixture)
    let results = try outputs(target, in: whole)
    #expect(results.allSatisfy { $0.end == .exited(0) }, "\(results.map(\.messages))")
    let expected = Expected(results: results, answer: try answer(target, results, in: whole))
    if let only = Self.only, only.count == 2, let number = Int(only[1]) {
      return try attempt(number, target, of: fixture, expected)
    }
    let share = Duration.seconds(Self.seconds / Double(FuzzTarget.all.count))
    let began = ContinuousClock.now
    var number = 0
    while number < 8 || ContinuousClock.now - began < share {
      try attempt(number, target, of: fixture, expected)
      number += 1
    }
  }

  /// What the commands make of undamaged files.
  private struct Expected {
    let results: [CommandResult]
    let answer: [String]
  }

  /// What altered files must not change.
  private func answer(
    _ target: FuzzTarget, _ results: [CommandResult], in workspace: TemporaryFolder
  ) throws -> [String] {
    try target.results.isEmpty ? results.map(\.text) : target.results.map(workspace.hash)
  }

  /// Damages one file in a copy of the fixture and holds what the commands make of it to the rules.
  private func attempt(
    _ number: Int, _ target: FuzzTarget, of fixture: TemporaryFolder, _ expected: Expected
  ) throws {
    let workspace = try copy(target, of: fixture)
    var mutation = Mutation(seed: UInt64(number), name: target.name)
    let victims = try workspace.names().filter { name in
      target.damaged.contains { "/\(name)".hasSuffix($0) || name.hasPrefix("\($0)/") }
        && (try? workspace[name].resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
    }
    try #require(!victims.isEmpty)
    let victim = workspace[mutation.pick(victims)]
    let before = try Data(contentsOf: victim)
    if victim.pathExtension == "sqlite", number % 4 > 0 {
      try mutation.change(databaseAt: victim)
    } else {
      try mutation.changed(before).write(to: victim)
    }
    guard try Data(contentsOf: victim) != before else { return }
    let results = try outputs(target, in: workspace)
    let place = "\(target.name):\(number) (\(victim.lastPathComponent))"
    for result in results { expectManners(result, place) }
    if target.isHashed, results.count == expected.results.count,
      results.allSatisfy({ $0.end == .exited(0) })
    {
      #expect(
        try answer(target, results, in: workspace) == expected.answer
          || results.contains { $0.messages.contains("warning:") },
        "\(place): the altered file was believed")
    }
    if Self.only?.count == 2 {
      let kept = FileManager.default.temporaryDirectory.appendingPathComponent("kglab-fuzz-input")
      try? FileManager.default.removeItem(at: kept)
      try FileManager.default.copyItem(at: workspace.url, to: kept)
      print("kept in \(kept.path)", results.map { "\($0.end) \($0.messages)" })
    }
  }

  private func copy(_ target: FuzzTarget, of fixture: TemporaryFolder) throws -> TemporaryFolder {
    let workspace = try TemporaryFolder()
    for file in target.files {
      try FileManager.default.copyItem(at: fixture[file], to: workspace[file])
    }
    return workspace
  }

  /// What the commands of `target` print, up to the first that fails.
  private func outputs(_ target: FuzzTarget, in workspace: TemporaryFolder) throws
    -> [CommandResult]
  {
    var results: [CommandResult] = []
    for arguments in target.commands + target.sound {
      var command = Command(arguments, in: workspace.url)
      command.memoryLimit = Self.memory
      command.patience = Self.patience
      let result = try command.run()
      results.append(result)
      if results.count > target.commands.count {
        #expect(
          result.end == .exited(0),
          "\(target.name): kglab \(arguments.joined(separator: " ")) finds \(result.messages)")
      }
      guard result.end == .exited(0) else { break }
    }
    return results
  }

  private func expectManners(_ result: CommandResult, _ place: String) {
    guard case .exited(let code) = result.end, [0, 1, 64, 65, 75].contains(code) else {
      Issue.record("\(place): \(result.end) \(result.messages.suffix(500))")
      return
    }
    for noise in ["Fatal error", "Error Domain", "Swift.", "NSCocoa", "Optional(", "DecodingError"]
    {
      #expect(!result.messages.contains(noise), "\(place): \(result.messages)")
    }
    #expect(
      !(result.messages + result.text).contains("\u{1B}"), "\(place): an escape sequence is printed"
    )
    let errors = result.messageLines.filter { $0.hasPrefix("error: ") }
    #expect(errors.count == (code == 0 ? 0 : 1), "\(place): code \(code), \(result.messages)")
  }
}
