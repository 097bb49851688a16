import Foundation
import LabCore
import Training

/// Proves that a training may be killed: trains once in peace and once with kills, and compares.
struct ResumeAudit {
  /// One kill and what came after it.
  struct Kill: Encodable {
    let at: KillMoment
    let workers: Int
    /// The step that the next process continued from; 0 is the beginning.
    let continuedFrom: Int

    enum CodingKeys: String, CodingKey {
      case at, workers
      case continuedFrom = "continued_from"
    }
  }

  /// What an audit found; it throws where the results differ.
  struct Result: Encodable {
    let weightsHash: String
    let stepCount: Int
    /// Processes that made the run to compare with: 1 where it was never interrupted.
    let referenceSessions: Int
    let kills: [Kill]
    /// Files found equal byte by byte.
    let equalFiles: [String]

    enum CodingKeys: String, CodingKey {
      case weightsHash = "weights_sha256"
      case stepCount = "steps"
      case referenceSessions = "reference_sessions"
      case kills
      case equalFiles = "equal_files"
    }
  }

  let trainer: Trainer
  let folder: URL
  let kills: Int
  let workers: Int
  /// As given on the command line; nil to choose.
  let checkpointSteps: Int?

  private var auditFolder: URL { folder.appendingPathComponent("audit", isDirectory: true) }
  private var killedRun: URL { auditFolder.appendingPathComponent("run", isDirectory: true) }
  private var messages: URL { auditFolder.appendingPathComponent("messages.txt") }
  private var files: FileManager { .default }

  /// Trains into the run's folder with `train`, then in processes of its own that are killed.
  ///
  /// Throws `LabError` naming the first difference; both runs are kept then.
  func run(train: (Trainer) throws -> RunRecord) throws -> Result {
    try RunFolder.beginAnew(folder, unlessFinished: trainer.plan)
    let record = try train(trainer)
    try? files.removeItem(at: auditFolder)
    try AtomicFile.createFolder(auditFolder)
    do {
      let kills = try trainWithKills(record)
      let comparison = try RunComparison(of: folder, with: killedRun)
      if let difference = comparison.firstDifference {
        throw AuditFailed(
          description:
            "the run that was killed \(kills.count) times ended otherwise: \(difference); "
            + "both are kept: \(folder.path) and \(killedRun.path)")
      }
      try? files.removeItem(at: auditFolder)
      return Result(
        weightsHash: record.weightsHash ?? "", stepCount: record.stepCount,
        referenceSessions: record.sessionCount ?? 1, kills: kills,
        equalFiles: comparison.equalFiles)
    } catch let failure as AuditFailed {
      throw failure
    } catch {
      try? files.removeItem(at: auditFolder)
      throw error
    }
  }

  private struct AuditFailed: LabFailure {
    let description: String
    var exitStatus: ExitStatus { .failure }
  }

  // MARK: Kills

  /// Steps between checkpoints: so many that a kill seldom falls on one.
  private func interval(_ stepCount: Int) -> Int {
    checkpointSteps ?? max(1, stepCount / (3 * (kills + 1)))
  }

  /// Moments in the order in which they come, drawn from the run's seed; every second in a checkpoint's midst.
  private func moments(_ record: RunRecord) -> [KillMoment] {
    var random = Seed(record.configuration.seed).stream("audit/kills")
    let stepCount = record.stepCount
    let interval = interval(stepCount)
    let saves = stepCount / interval
    let drawn = (0..<kills).map { index in
      index % 2 == 1 && saves > 0
        ? KillMoment(.saving, step: interval * (1 + random.below(saves)))
        : KillMoment(.stepped, step: 1 + random.below(stepCount))
    }
    return drawn.sorted { ($0.step, $0.argument) < ($1.step, $1.argument) }
  }

  private func trainWithKills(_ record: RunRecord) throws -> [Kill] {
    let workerCounts = [1, workers == 1 ? 2 : workers]
    var done: [Kill] = []
    for (index, moment) in moments(record).enumerated() {
      let workers = workerCounts[index % 2]
      let end = try runProcess(record, workers: workers, killAt: moment)
      guard end == .killed else { throw unexpected(end, moment.words) }
      done.append(
        Kill(
          at: moment, workers: workers,
          continuedFrom: RunFolder.newestCheckpoint(killedRun) ?? 0))
    }
    let end = try runProcess(record, workers: workerCounts[kills % 2], killAt: nil)
    guard end == .exited(0) else { throw unexpected(end, "at the end") }
    return done
  }

  private func unexpected(_ end: End, _ moment: String) -> LabError {
    let said = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
    let last = said.split(separator: "\n").last { $0.hasPrefix("error: ") }?.dropFirst(7)
    return LabError(
      "the audit's process that was to be killed \(moment) ended otherwise (\(end)): "
        + (last ?? "it said nothing"), .failure)
  }

  // MARK: Processes

  private enum End: Equatable, CustomStringConvertible {
    case exited(Int32), killed, signalled(Int32)

    var description: String {
      switch self {
      case .exited(let code): "exit code \(code)"
      case .killed: "killed"
      case .signalled(let number): "signal \(number)"
      }
    }
  }

  /// Runs this command again with another folder, until it ends.
  private func runProcess(
    _ record: RunRecord, workers: Int, killAt moment: KillMoment?
  ) throws -> End {
    let process = Process()
    process.executableURL = try Self.executable()
    var changes = [
      "--out", killedRun.path, "--workers", "\(workers)", "--checkpoint-steps",
      "\(interval(record.stepCount))",
    ]
    if let moment { changes += ["--kill-at", moment.argument] }
    process.arguments = AuditArguments.changed(
      Array(CommandLine.arguments.dropFirst()), to: changes)
    guard files.createFile(atPath: messages.path, contents: nil) else {
      throw LabError("cannot write \(messages.path); check free space and permission", .failure)
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: messages)
    do {
      try process.run()
    } catch {
      throw LabError("cannot start the audit's process: \(FailureReason.text(error))", .failure)
    }
    while process.isRunning {
      if Interruption.isRequested {
        process.terminate()
        process.waitUntilExit()
        throw LabError.interrupted(
          "stopped during the audit, which begins anew; the run in \(folder.path) is complete")
      }
      Thread.sleep(forTimeInterval: 0.01)
    }
    guard process.terminationReason == .uncaughtSignal else {
      return .exited(process.terminationStatus)
    }
    let signal = process.terminationStatus
    return signal == SIGKILL ? .killed : .signalled(signal)
  }

  /// This program's own file.
  private static func executable() throws -> URL {
    guard let url = Bundle.main.executableURL else {
      throw LabError("cannot find the program's own file to start it again", .failure)
    }
    return url
  }
}

/// The arguments of this command, changed for one of its own processes.
enum AuditArguments {
  private static let replaced = [
    "--out", "--workers", "--checkpoint-steps", "--audit-resume", "--kill-at",
  ]

  /// `arguments` without what is replaced and without `--json`, and with `changes`.
  static func changed(_ arguments: [String], to changes: [String]) -> [String] {
    var kept: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        // What follows are no options, so the changes come before it.
        return kept + changes + [argument] + rest
      }
      let name = String(argument.prefix { $0 != "=" })
      if replaced.contains(name) {
        if argument == name { _ = rest.popFirst() }
      } else if argument != "--json" {
        kept.append(argument)
      }
    }
    return kept + changes
  }
}
