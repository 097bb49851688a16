import Engine
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing

@testable import Training

/// The torch engine as far as it goes without Python: `make test-python` trains with it.
struct TorchEngineTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func request(_ engine: EngineKind) -> TrainingRequest {
    with(TrainingRequest(size: "3k", epochs: 2)) { $0.training.engine = engine }
  }

  private func trainer(
    _ engine: EngineKind, lanes: Int? = nil, _ change: (inout RuntimeOptions) -> Void = { _ in }
  ) throws -> Trainer {
    var request = request(engine)
    if let lanes { request.training.lanes = lanes }
    var options = RuntimeOptions()
    options.torch.python = folder["python"].path
    options.torch.patience = 20
    change(&options)
    return try Trainer(
      graph: SmallGraph.people(20), graphURL: folder["graph.sqlite"], request: request,
      folder: folder["run"], options: options)
  }

  @Test func theEngineIsInTheConfigurationWhereItIsNotNative() throws {
    let native = try trainer(.native).plan.configuration.training
    let torch = try trainer(.torch).plan.configuration.training
    let texts = try [native, torch].map {
      String(decoding: try CanonicalJSON.compact($0), as: UTF8.self)
    }
    #expect(!texts[0].contains("engine") && texts[1].contains(#""engine":"torch""#))
    let read = try CanonicalJSON.decode(
      TrainingConfiguration.self, from: CanonicalJSON.compact(torch))
    #expect(read == torch && read != native)
  }

  @Test func anEngineThatDoesNotStartLeavesNoClaimOnTheFolder() throws {
    let torch = try trainer(.torch)
    expectFailure("there is no program '\(folder["python"].path)' to run as Python") {
      try torch.run()
    }
    #expect(!folder.exists("run/run.json"))
    let record = try trainer(.native).run()
    #expect(record.status == .complete && record.engine == nil)
    expectFailure("training.engine is absent there, torch here") { try torch.run() }
  }

  @Test func lanesAreTheNativeEnginesAndRefused() throws {
    expectFailure("lanes (--lanes) cut the steps of the native engine") {
      try trainer(.torch, lanes: 2)
    }
    #expect(!folder.exists("run/run.json"))
  }

  @Test func roundsOfHardeningAreNotTheEngines() throws {
    var record = try trainer(.native).run()
    record.engine = EngineRecord(
      name: "torch", versions: [:], device: "cpu", processes: 1, compiled: false)
    let round = HardeningRound(AdversarialTraining(), round: 1, origin: "")
    #expect(HardenedRun.record(of: record, round).engine == nil)
  }

  /// A made-up engine that answers with a loss for two steps, then ends.
  @Test func anEngineThatCrashesLeavesTheCheckpointBeforeIt() throws {
    let script =
      #"""
      #!/bin/bash
      eight() { printf "\\$(printf %03o "$1")\\000\\000\\000\\000\\000\\000\\000"; }
      frame() { eight ${#1}; printf %s "$1"; eight 0; }
      take() {
        local n; n=$(head -c 8 | od -An -tu8 | tr -d ' '); head -c "$n"
        n=$(head -c 8 | od -An -tu8 | tr -d ' '); head -c "$n" >/dev/null
      }
      frame '{"kind":"hello","protocol":1,"processes":1,"versions":{"torch":"2.6.0"}}'
      count=0
      while asked=$(take); [ -n "$asked" ]; do
        case "$asked" in
          *'"kind":"train"'*) frame '{"kind":"ready","device":"cpu"}';;
          *'"kind":"collect"'*) frame '{"kind":"collected"}';;
          *'"kind":"gradient"'*)
            count=$((count + 1))
            [ $count = 2 ] && { echo 'RuntimeError: the device is lost' >&2; exit 3; }
            frame '{"kind":"gradient","loss":100,"norm":1}';;
        esac
      done
      """#
    // Not by a file that a process started meanwhile has open for writing.
    try AtomicFile.write(Data(script.utf8), to: folder["python"])
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder["python"].path)
    let torch = try trainer(.torch) {
      $0.checkpointSteps = 1
      $0.resources = nil
    }
    let steps = torch.plan.stepCount
    expectFailure("ended with code 3: RuntimeError: the device is lost") { try torch.run() }
    #expect(steps >= 2)
    #expect(RunFolder.checkpointSteps(folder["run"]) == [1])
    #expect(!folder.exists("run/model.safetensors"))
  }

  @Test func memoryIsThatOfBothProcesses() throws {
    let torch = try trainer(.torch) {
      $0.torch.device = "cpu"
      $0.torch.processes = 3
    }
    let count = torch.plan.parameterCount
    let here = torch.estimate.memory
    #expect(here.weights == 16 * count && here.moments == 32 * count)
    #expect(here.gradients == 12 * count && here.activations > 0)
    let device = try trainer(.torch) { $0.torch.device = "cuda" }.estimate.memory
    #expect(device.weights == 4 * count && device.moments == 8 * count)
    #expect(device.gradients == 0 && device.activations == 0)
    #expect(here.advice(workers: 2, within: here.total - 1).contains("--micro-batch-tokens"))
  }
}
