import Foundation
import LabCore
import TestSupport
import Testing
import Training

/// Losses that leave their range.
struct DivergenceTests {
  private static let uniform = 7.0

  /// Feeds losses to a monitor; returns the steps, from 1, at which it saw spikes.
  private func spikes(_ losses: [Double]) -> [Int] {
    var monitor = LossMonitor()
    for (index, loss) in losses.enumerated() {
      if monitor.observe(loss, step: index + 1, uniform: Self.uniform) != nil {
        monitor.accept(loss)
      }
    }
    return monitor.spikes
  }

  /// A falling loss with the noise of batches, as ordinary runs have it.
  private func ordinary(_ count: Int, seed: UInt64 = 0) -> [Double] {
    var random = Seed(seed).stream("losses")
    return (0..<count).map { step in
      0.8 + 6.2 * Foundation.exp(-Double(step) / 60) + 0.05 * random.normal()
    }
  }

  @Test func ordinaryCurvesHaveNoSpike() {
    for seed in 0..<20 { #expect(spikes(ordinary(2_000, seed: UInt64(seed))).isEmpty) }
    // Bad batches alone, and nine in a row, are none either.
    var single = ordinary(600)
    for step in stride(from: 100, to: 600, by: 25) { single[step] += 5 }
    #expect(spikes(single).isEmpty)
    var nine = ordinary(600)
    for step in 300..<309 { nine[step] += 5 }
    #expect(spikes(nine).isEmpty)
  }

  @Test func aStayFarAboveIsASpike() {
    var curve = ordinary(600)
    for step in 300..<320 { curve[step] += 3 }
    #expect(spikes(curve) == [310])
    // Slowly to ten times the loss of a guess.
    let growing = ordinary(200) + (0..<200).map { 1 + Double($0) * 0.2 }
    #expect(spikes(growing).first.map { $0 > 205 && $0 < 250 } == true)
    // From the first steps on, before there is anything to compare with.
    #expect(spikes((0..<30).map { 7 + Double($0) }).first == 11)
  }

  @Test func theMonitorSurvivesACheckpoint() throws {
    var curve = ordinary(400)
    for step in 300..<320 { curve[step] += 3 }
    var whole = LossMonitor()
    var parts = LossMonitor()
    for (index, loss) in curve.enumerated() {
      let a = whole.observe(loss, step: index + 1, uniform: Self.uniform)
      let b = parts.observe(loss, step: index + 1, uniform: Self.uniform)
      #expect(a == b)
      parts = try CanonicalJSON.decode(from: CanonicalJSON.pretty(parts))
    }
    #expect(parts == whole && parts.spikes == [310])
  }

  /// A learning rate far too high, on the tiny graph.
  private func diverge(_ folder: URL, _ change: (inout RuntimeOptions) -> Void = { _ in }) throws
    -> RunRecord
  {
    try trainTiny(into: folder, epochs: 6) { request, options in
      request.learningRate = 3
      request.training.clipNorm = 0
      request.training.warmUpShare = 0.4
      options.checkpointSteps = 1
      change(&options)
    }
  }

  @Test func aSpikeStopsAndKeepsTheCheckpointFromBeforeIt() throws {
    let folder = try TemporaryFolder()
    let error = try #require(#expect(throws: TrainingDiverged.self) { try diverge(folder.url) })
    #expect(error.reason == .lossSpike && error.exitStatus == .failure)
    #expect(error.loss > 4 && error.loss > (error.ordinaryLimit ?? .infinity))
    let text = error.description
    #expect(
      text.contains("diverged at step \(error.step)") && text.contains("--learning-rate (now 3.0)"))
    let good = try #require(error.checkpoint)
    let step = try #require(Int(good.suffix(9)))
    #expect(step <= error.step - LossMonitor.patience - 1)
    #expect(FileManager.default.fileExists(atPath: good + "/state.json"))
    #expect(try RunFolder.open(folder.url, checkpoint: step).checkpointStep == step)
    let record = try #require(try RunFolder.readRecord(folder.url))
    #expect(record.status == .diverged && record.divergence?.step == error.step)
    #expect(good == folder.url.path + "/" + (record.divergence?.checkpoint ?? ""))
    // The same command says so and does nothing.
    let again = try #require(#expect(throws: TrainingDiverged.self) { try diverge(folder.url) })
    #expect(again.description.contains("\(folder.url.path) holds a run that diverged"))
    #expect(again.description.contains("--on-spike continue"))
    expectFailure("has no final weights: training diverged at step \(error.step)") {
      try RunFolder.open(folder.url)
    }
  }

  @Test func aSpikeCanBeGoneOnFromWithTheSameBytes() throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let whole = try diverge(folders.0.url) { options in
      options.onSpike = .continue
      options.warn = { _ in }
    }
    #expect(whole.status == .complete && whole.divergence == nil)
    let first = try #require(whole.spikes?.first)
    #expect(throws: TrainingDiverged.self) { try diverge(folders.1.url) }
    let warnings = Warnings()
    let resumed = try diverge(folders.1.url) { options in
      options.onSpike = .continue
      options.warn = { warnings.add($0) }
    }
    #expect(resumed.weightsHash == whole.weightsHash)
    #expect(resumed.spikes == whole.spikes)
    #expect(warnings.all.first?.contains("diverged at step \(first)") == true)
  }

  @Test func whatIsNotFiniteIsRecordedAndNotTriedAgain() throws {
    let folder = try TemporaryFolder()
    func run() throws -> RunRecord {
      try trainTiny(into: folder.url) { request, options in
        request.learningRate = 9
        request.training.clipNorm = 0
        request.training.zLoss = 1e30
        options.onSpike = .continue
      }
    }
    let error = try #require(#expect(throws: TrainingDiverged.self) { try run() })
    #expect(error.reason == .notFinite)
    #expect(!error.loss.isFinite || !error.gradientNorm.isFinite)
    let record = try #require(try RunFolder.readRecord(folder.url))
    #expect(record.divergence?.step == error.step)
    #expect(record.divergence?.gradientNorm.isFinite == error.gradientNorm.isFinite)
    let again = try #require(#expect(throws: TrainingDiverged.self) { try run() })
    #expect(
      !again.description.contains("--on-spike") && again.description.contains("another --out"))
  }
}
