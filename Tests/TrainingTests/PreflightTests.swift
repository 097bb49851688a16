import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// What a training needs, and machines that do not have it.
struct PreflightTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func machine(memory: Int, disk: Int) -> MachineResources {
    MachineResources(
      memory: MachineResources.Memory(bytes: memory, source: "a test"), freeDisk: { _ in disk })
  }

  private func trainer(_ folder: URL, size: String = "1m", _ resources: MachineResources?) throws
    -> Trainer
  {
    var options = RuntimeOptions()
    options.resources = resources
    options.keep = try KeepPlan(steps: "log", epochs: nil)
    return try Trainer(
      graph: SmallGraph.people(60), graphURL: folder.appendingPathComponent("graph.sqlite"),
      request: TrainingRequest(size: size, epochs: 1), folder: folder, options: options)
  }

  @Test func estimatesFollowTheConfiguration() throws {
    let trainer = try trainer(folder.url, nil)
    let record = trainer.plan
    let memory = trainer.estimate.memory
    #expect(memory.weights == 4 * record.parameterCount)
    #expect(memory.moments == 8 * record.parameterCount)
    #expect(memory.gradients == 16 * record.parameterCount)
    #expect(memory.total > 28 * record.parameterCount)
    #expect(record.estimate == trainer.estimate)
    // One step: 1 is a power of two and the last.
    #expect(trainer.estimate.keptCount == 1 && record.stepCount == 1)
    let weights = try Safetensors.fileSize(ModelFiles.entries(record.configuration.model))
    #expect(trainer.estimate.finalDisk > 2 * weights)
    #expect(trainer.estimate.peakDisk > trainer.estimate.finalDisk + 32 * record.parameterCount)
    let one = try TrainingEstimate(record, workers: 1, keptCount: 0, keepLast: 2)
    #expect(one.seconds > 1.9 * trainer.estimate.seconds && one.workers == 1)
    #expect(2 * one.memory.activations == memory.activations)
  }

  @Test func whatCannotFitIsRefusedWithTheNumbers() throws {
    let url = folder["run"]
    let enough = 1 << 40
    let short = try trainer(url, machine(memory: 60 << 20, disk: enough))
    #expect { try short.run() } throws: { error in
      let text = "\(error)"
      return text.contains("of memory") && text.contains("60.0 MiB are available by a test")
        && text.contains(Readable.bytes(short.estimate.memory.total))
        && text.contains("--size") && text.contains("--skip-resource-check")
        && (error as? LabError)?.exitStatus == .failure
    }
    let full = try trainer(url, machine(memory: enough, disk: 5 << 20))
    expectFailure("5.00 MiB are free there", Readable.bytes(full.estimate.peakDisk)) {
      try full.run()
    }
    #expect(!FileManager.default.fileExists(atPath: url.path), "nothing was written")
    #expect(
      short.estimate.shortages(machine(memory: 1, disk: 1), folder: url).count == 2)
    // What the folder holds already is room.
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try Data(count: 1 << 20).write(to: url.appendingPathComponent("half"))
    let need = short.estimate.peakDisk
    #expect(short.estimate.shortages(machine(memory: enough, disk: need - 1), folder: url).isEmpty)
    #expect(
      short.estimate.shortages(
        machine(memory: enough, disk: need - (2 << 20)), folder: url
      ).count == 1)
  }

  @Test func theAdviceNamesWhatHelps() throws {
    var memory = try trainer(folder.url, nil).estimate.memory
    func advice(_ bytes: Int, workers: Int = 2) -> String {
      memory.advice(workers: workers, within: bytes)
    }
    #expect(advice(memory.total - 1).contains("--size, fewer --lanes or fewer --workers"))
    #expect(!advice(memory.total - 1, workers: 1).contains("--workers"))
    #expect(!advice(memory.program + memory.data + memory.weights).contains("--lanes"))
    #expect(advice(memory.program).hasPrefix("no training fits"))
    memory.data = 1 << 40
    #expect(advice(1 << 40).contains("--fraction") && !advice(1 << 40).contains("--size"))
  }

  @Test func theCheckCanBeSkippedAndAFinishedRunNeedsNone() throws {
    func train(_ resources: MachineResources?) throws -> RunRecord {
      try trainTiny(into: folder.url, epochs: 1) { $1.resources = resources }
    }
    #expect(throws: LabError.self) { try train(machine(memory: 1, disk: 1)) }
    let record = try train(nil)
    #expect(record.status == .complete && record.estimate?.keptCount == 0)
    #expect(try train(machine(memory: 1, disk: 1)) == record)
  }

  @Test func laterFormatsAreRefused() throws {
    _ = try trainTiny(into: folder.url, epochs: 1)
    let file = folder["run.json"]
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("\"format_version\" : 1"))
    let later = text.replacingOccurrences(
      of: "\"format_version\" : 1", with: "\"format_version\" : 9, \"unknown\" : []")
    try Data(later.utf8).write(to: file)
    for body in [
      { _ = try RunFolder.open(folder.url) }, { _ = try trainTiny(into: folder.url, epochs: 1) },
    ] as [() throws -> Void] {
      expectFailure(file.path, "format 9", "upgrade kglab") { try body() }
    }
    // A record from before the newer fields is understood.
    var fields = try jsonObject(Data(text.utf8))
    for name in ["estimate", "sessions"] { #expect(fields.removeValue(forKey: name) != nil) }
    try JSONSerialization.data(withJSONObject: fields).write(to: file)
    #expect(try RunFolder.open(folder.url).record.estimate == nil)
  }
}
