import Compute
import Corpus
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Files of a run that were altered after they were written.
struct AlteredFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var run: URL { folder["run"] }

  private func replace(_ name: String, _ from: String, _ to: String) throws {
    let file = run.appendingPathComponent(name)
    var text = try String(contentsOf: file, encoding: .utf8)
    let range = try #require(text.range(of: from, options: .regularExpression))
    text.replaceSubrange(range, with: to)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }

  /// Stops a training of 16 steps after 11, with checkpoints every 4.
  private func stop() throws {
    #expect(throws: LabError.self) {
      try trainTiny(into: run, epochs: 2) { _, options in
        options.shouldStop = stopping(after: 11)
        options.checkpointSteps = 4
        options.logsSteps = true
      }
    }
  }

  private func goOn(into folder: URL) throws -> (RunRecord, [String]) {
    let warnings = Warnings()
    let record = try trainTiny(into: folder, epochs: 2) { _, options in
      options.logsSteps = true
      options.warn = { warnings.add($0) }
    }
    return (record, warnings.all)
  }

  @Test func aTokenizerWithOtherIdsIsRefused() throws {
    try trainTiny(into: run, epochs: 1)
    let names = ["\"Port0\"", "\"Port1\""]
    try replace("tokenizer.json", names[0], "\"x\"")
    try replace("tokenizer.json", names[1], names[0])
    try replace("tokenizer.json", "\"x\"", names[1])
    for use in [{ _ = try RunFolder.open(run) }, { _ = try RunBatches(run) }] as [() throws -> Void]
    { expectFailure("tokenizer.json is truncated or altered", status: .badInput) { try use() } }
    // A run of an earlier version has no hash of it.
    try replace("run.json", ",\\s+\"tokenizer_sha256\" : \"[0-9a-f]+\"", "")
    #expect(try RunFolder.open(run).record.tokenizerHash == nil)
  }

  @Test func anotherConfigurationIsRefusedUnlessTheRunIsOlder() throws {
    try trainTiny(into: run, epochs: 1)
    try replace("run.json", "\"fraction\" : 1", "\"fraction\" : 0.5")
    expectFailure("its configuration was altered") { try RunFolder.open(run) }
    try replace("run.json", "\"configuration_sha256\" : \"[0-9a-f]+\",\\s+", "")
    #expect(try RunFolder.open(run).record.configuration.corpus.fraction == 0.5)
  }

  @Test(arguments: [
    ("layer_count", "-1"), ("layer_count", "2147483648"), ("model_dimension", "16777216"),
    ("feed_forward_dimension", "1000000000000000000"), ("head_count", "0"),
    ("vocabulary_size", "9223372036854775807"), ("context_length", "0"),
    ("steps", "9223372036854775807"), ("steps_per_epoch", "0"), ("tokens_per_epoch", "-1"),
    ("trained_triples", "9223372036854775807"), ("tokens_per_second", "1e308"), ("sessions", "-1"),
    ("window_length", "9223372036854775807"), ("fraction", "1e308"), ("tokens_per_step", "-5"),
    ("epochs", "9223372036854775807"), ("training_flops", "-1"),
  ])
  func numbersThatNoRunHasAreRefused(field: String, value: String) throws {
    try trainTiny(into: run, epochs: 1)
    try replace("run.json", "\"configuration_sha256\" : \"[0-9a-f]+\",\\s+", "")
    try replace("run.json", "\"\(field)\" : [0-9.e+]+", "\"\(field)\" : \(value)")
    expectFailure("run.json: \(field) is", status: .badInput) { try RunFolder.open(run) }
  }

  @Test(arguments: [
    ("\"train/cross_entropy\" : [0-9.]+", "\"train/cross_entropy\" : 0.001"),
    ("\"tokens_seen\" : [0-9]+", "\"tokens_seen\" : 9223372036854775807"),
    ("\"seconds\" : [0-9.e-]+", "\"seconds\" : 1e308"),
    ("\"sessions\" : [0-9]+", "\"sessions\" : 9223372036854775807"),
    ("\"epoch_loss_count\" : [0-9]+", "\"epoch_loss_count\" : 9223372036854775807"),
  ])
  func anAlteredCheckpointIsSetAsideWithOrWithoutItsHash(from: String, to: String) throws {
    let whole = folder["whole"]
    let (expected, _) = try goOn(into: whole)
    let state = "checkpoints/step-000000011/state.json"
    for isOlder in [false, true] {
      try? FileManager.default.removeItem(at: run)
      try stop()
      try replace(state, from, to)
      if isOlder {
        try replace(state, "\"sha256\" : \"[0-9a-f]+\",\\s+", "")
        // Without the hash only a number that no training reaches is seen.
        if to.hasSuffix("0.001") { continue }
      }
      let (record, warnings) = try goOn(into: run)
      #expect(warnings.count == 1 && warnings[0].contains("state.json is damaged"), "\(warnings)")
      #expect(record.weightsHash == expected.weightsHash)
      for name in ["metrics.jsonl", "steps.jsonl"] {
        #expect(
          try Data(contentsOf: run.appendingPathComponent(name))
            == Data(contentsOf: whole.appendingPathComponent(name)))
      }
    }
  }

  @Test(arguments: [true, false], ["\"step\":5,", "\"grads/norm\":"])
  func aDamagedStepLogIsNamedAndWrittenAgain(hasCopy: Bool, text: String) throws {
    let whole = folder["whole"]
    _ = try goOn(into: whole)
    try stop()
    try replace("steps.jsonl", text, text == "\"step\":5," ? "\"step\"?5," : "\"grads/norm\":1")
    if !hasCopy {
      try FileManager.default.removeItem(at: run.appendingPathComponent("checkpoints/steps.jsonl"))
    }
    let (_, warnings) = try goOn(into: run)
    let place = text == "\"step\":5," ? "line 5 is not" : "a line up to step 11 is not"
    #expect(warnings.count == 1 && warnings[0].contains(place), "\(warnings)")
    #expect(warnings.first?.contains("written again from its copy") == hasCopy)
    let bytes = try [run, whole].map {
      try Data(contentsOf: $0.appendingPathComponent("steps.jsonl"))
    }
    #expect((bytes[0] == bytes[1]) == hasCopy)
  }

  @Test func whatAKeptCheckpointSaysIsHeldToItsHash() throws {
    let keep = try KeepPlan(steps: "3", epochs: nil)
    try trainTiny(into: run, epochs: 1) { $1.keep = keep }
    try replace("kept/step-000000003/state.json", "\"tokens_seen\" : [0-9]+", "\"tokens_seen\" : 1")
    expectFailure("state.json is missing or damaged") { try RunFolder.open(run, checkpoint: 3) }
  }
}
