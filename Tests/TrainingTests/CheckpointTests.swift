import Compute
import Foundation
import LabCore
import LanguageModel
import Synchronization
import TestSupport
import Testing
import Training

/// Collects the sentences that a training warns with.
final class Warnings: Sendable {
  private let list = Mutex<[String]>([])
  var all: [String] { list.withLock { $0 } }
  func add(_ sentence: String) { list.withLock { $0.append(sentence) } }
}

/// Checkpoints that stay, and damaged ones among those to continue from.
struct CheckpointTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let keep = "log,5,0"

  private func files(of folder: URL) throws -> [String: String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    var hashes: [String: String] = [:]
    for name in names where name.contains("kept/") {
      guard name.hasSuffix(".safetensors") || name.hasSuffix("state.json") else { continue }
      hashes[name] = try ContentHash(ofFile: folder.appendingPathComponent(name)).hex
    }
    return hashes
  }

  /// Stops a training of 16 steps before the step after `steps`.
  private func stop(
    _ folder: URL, after steps: Int, _ change: (inout RuntimeOptions) -> Void = { _ in }
  )
    throws
  {
    expectFailure(status: .interrupted) {
      try trainTiny(into: folder, epochs: 2) { _, options in
        options.shouldStop = stopping(after: steps)
        options.checkpointSteps = 4
        change(&options)
      }
    }
  }

  @Test func keptStepsAreThoseOfThePlan() throws {
    let plan = try KeepPlan(steps: "log, 5,0", epochs: "2")
    #expect(try plan.steps(stepsPerEpoch: 10, stepCount: 20) == [0, 1, 2, 4, 5, 8, 16, 20])
    #expect(try plan.steps(stepsPerEpoch: 8, stepCount: 16) == [0, 1, 2, 4, 5, 8, 16])
    let all = try KeepPlan(steps: nil, epochs: "all")
    #expect(try all.steps(stepsPerEpoch: 3, stepCount: 9) == [3, 6, 9])
    #expect(KeepPlan().isEmpty && !all.isEmpty && !plan.isEmpty)
    expectFailure("epoch 2 is to be kept and the training has 1 epochs") {
      try plan.steps(stepsPerEpoch: 10, stepCount: 10)
    }
    expectFailure("step 21", "20 steps") {
      try KeepPlan(steps: "21", epochs: nil).steps(stepsPerEpoch: 1, stepCount: 20)
    }
    for (steps, epochs) in [("lgo", nil), ("1,,2", nil), ("-1", nil), (nil, "0"), (nil, "log")]
      as [(String?, String?)]
    { expectFailure(status: .usage) { try KeepPlan(steps: steps, epochs: epochs) } }
  }

  /// The set and the bytes of kept checkpoints do not depend on where a run was stopped.
  @Test func keptCheckpointsAreTheSameHoweverTheRunWent() throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let keep = try KeepPlan(steps: Self.keep, epochs: nil)
    let record = try trainTiny(into: folders.0.url, epochs: 2) { $1.keep = keep }
    let steps = try keep.steps(stepsPerEpoch: record.stepCount / 2, stepCount: record.stepCount)
    #expect(steps.count >= 6)
    let whole = try files(of: folders.0.url)
    #expect(whole.count == 2 * steps.count)
    var after = 0
    for steps in [1, 4, 2, 3] {
      after += steps
      try stop(folders.1.url, after: steps) { options in
        options.keep = keep
        options.workers = 2
      }
    }
    #expect(after < record.stepCount)
    let warnings = Warnings()
    let resumed = try trainTiny(into: folders.1.url, epochs: 2) { _, options in
      options.keep = keep
      options.warn = { warnings.add($0) }
    }
    #expect(resumed.weightsHash == record.weightsHash)
    #expect(resumed.sessionCount == 5 && record.sessionCount == 1)
    #expect(try files(of: folders.1.url) == whole)
    #expect(warnings.all.isEmpty)
    #expect(RunFolder.checkpointSteps(folders.1.url) == steps)
    let names = try FileManager.default.contentsOfDirectory(atPath: folders.1.url.path)
    #expect(!names.contains("checkpoints"), "those to continue from go at the end")
  }

  @Test func keptWeightsAreLoadedByStep() throws {
    let keep = try KeepPlan(steps: "0,3,log", epochs: nil)
    let record = try trainTiny(into: folder.url, epochs: 2) { $1.keep = keep }
    let last = try RunFolder.open(folder.url)
    let same = try RunFolder.open(folder.url, checkpoint: record.stepCount)
    #expect(same.record.weightsHash == record.weightsHash)
    #expect(same.checkpointStep == record.stepCount && last.checkpointStep == nil)
    #expect(try same.loadModel().parameters.copyOut() == last.loadModel().parameters.copyOut())
    let third = try RunFolder.open(folder.url, checkpoint: 3)
    #expect(third.record.weightsHash != record.weightsHash)
    // The model of 3 steps is the one that a run is at when it has done 3 steps.
    let stopped = try TemporaryFolder()
    try stop(stopped.url, after: 3)
    let state = try RunFolder.open(stopped.url, checkpoint: 3)
    #expect(state.record.weightsHash == third.record.weightsHash)
    expectFailure("no checkpoint of step 7; it has 0, 1, 2, 3, 4, 8") {
      try RunFolder.open(folder.url, checkpoint: 7)
    }
    let weights = folder["kept/step-000000003/model.safetensors"]
    var bytes = try Data(contentsOf: weights)
    bytes[bytes.count - 2] ^= 4
    try bytes.write(to: weights)
    let found = try ContentHash(ofFile: weights).hex
    expectFailure(weights.path, found, third.record.weightsHash ?? "none") {
      try RunFolder.open(folder.url, checkpoint: 3)
    }
  }

  /// What a longer list asks for behind the run's back is named, not silently left out.
  @Test func aChangedListIsKeptFromThereOnAndSaysWhatIsMissing() throws {
    try stop(folder.url, after: 5) {
      $0.keep = (try? KeepPlan(steps: "1,2", epochs: nil)) ?? $0.keep
    }
    let warnings = Warnings()
    _ = try trainTiny(into: folder.url, epochs: 2) { _, options in
      options.keep = (try? KeepPlan(steps: "3,5,6", epochs: nil)) ?? options.keep
      options.warn = { warnings.add($0) }
    }
    #expect(RunFolder.checkpointSteps(folder.url) == [1, 2, 5, 6])
    #expect(warnings.all.count == 1)
    #expect(warnings.all.first?.contains("has passed step 3 that is to be kept") == true)
    // A finished run is returned as it is, and says the same.
    let more = Warnings()
    _ = try trainTiny(into: folder.url, epochs: 2) { _, options in
      options.keep = (try? KeepPlan(steps: "3,4,5,6", epochs: nil)) ?? options.keep
      options.warn = { more.add($0) }
    }
    #expect(more.all.count == 1 && more.all.first?.contains("step 3 and 1 more") == true)
  }

  enum Damage: CaseIterable {
    case weightsTruncated, momentsFlipped, stateMissing, stateTruncated, empty, fileForAFolder
  }

  private func inflict(_ damage: Damage, on checkpoint: URL) throws {
    let files = FileManager.default
    let weights = checkpoint.appendingPathComponent("model.safetensors")
    let moments = checkpoint.appendingPathComponent("optimizer.safetensors")
    let state = checkpoint.appendingPathComponent("state.json")
    switch damage {
    case .weightsTruncated: try Data(contentsOf: weights).dropLast(9).write(to: weights)
    case .momentsFlipped:
      var bytes = try Data(contentsOf: moments)
      bytes[bytes.count / 2] ^= 0x10
      try bytes.write(to: moments)
    case .stateMissing: try files.removeItem(at: state)
    case .stateTruncated: try Data(contentsOf: state).prefix(40).write(to: state)
    case .empty:
      try files.removeItem(at: checkpoint)
      try files.createDirectory(at: checkpoint, withIntermediateDirectories: false)
    case .fileForAFolder:
      try files.removeItem(at: checkpoint)
      try Data("x".utf8).write(to: checkpoint)
    }
  }

  /// The one before is taken, the damaged one is named, and the result is the same.
  @Test(arguments: Damage.allCases)
  func aDamagedCheckpointCostsStepsAndNothingElse(damage: Damage) throws {
    let whole = try TemporaryFolder()
    let expected = try trainTiny(into: whole.url, epochs: 2)
    try stop(folder.url, after: 9)
    let newest = folder["checkpoints/step-000000009"]
    try inflict(damage, on: newest)
    let warnings = Warnings()
    let record = try trainTiny(into: folder.url, epochs: 2) { _, options in
      options.warn = { warnings.add($0) }
    }
    #expect(warnings.all.count == 1)
    let warning = try #require(warnings.all.first)
    #expect(warning.contains(newest.path) && warning.contains("damaged-step-000000009"))
    #expect(warning.contains("continues from step 8"))
    #expect(record.weightsHash == expected.weightsHash)
    #expect(record.finalCrossEntropy == expected.finalCrossEntropy)
  }

  @Test func withoutAnyWholeCheckpointTrainingBeginsAnew() throws {
    let whole = try TemporaryFolder()
    let expected = try trainTiny(into: whole.url, epochs: 2)
    try stop(folder.url, after: 9)
    for step in [8, 9] { try inflict(.empty, on: folder["checkpoints/step-00000000\(step)"]) }
    let warnings = Warnings()
    let record = try trainTiny(into: folder.url, epochs: 2) { $1.warn = { warnings.add($0) } }
    #expect(warnings.all.count == 2)
    #expect(warnings.all.last?.contains("continues from the beginning") == true)
    #expect(record.weightsHash == expected.weightsHash)
  }

  @Test func asManyCheckpointsAreThereAsAsked() throws {
    for count in [1, 3] {
      let folder = try TemporaryFolder()
      try stop(folder.url, after: 9) { options in
        options.checkpointSteps = 1
        options.keepLast = count
      }
      #expect(RunFolder.checkpointSteps(folder.url) == Array((10 - count)...9))
    }
  }

  /// What a process that was killed while it wrote leaves behind goes with the next start.
  @Test func remainsOfAKilledProcessAreRemoved() throws {
    try stop(folder.url, after: 5)
    let remains = folder["checkpoints/.kglab-0123456789abcdef.tmp"]
    try FileManager.default.createDirectory(at: remains, withIntermediateDirectories: false)
    try stop(folder.url, after: 1)
    #expect(!FileManager.default.fileExists(atPath: remains.path))
    #expect(RunFolder.checkpointSteps(folder.url) == [5, 6])
  }

  @Test func aWishToStopBeforeTheFirstStepIsHeard() throws {
    try stop(folder.url, after: 0)
    #expect(RunFolder.checkpointSteps(folder.url).isEmpty)
    expectFailure("stopped at step 0") {
      try trainTiny(into: folder.url, epochs: 2) { $1.shouldStop = { true } }
    }
  }
}
