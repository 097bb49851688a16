import ArgumentParser
import Console
import Engine
import Foundation
import Training

/// What computes a training, and how the torch engine is started.
struct EngineArguments: ParsableArguments {
  @Option(help: .of("engine")) var engine = TrainingRequest.usual.training.engine

  @Option(
    help: ArgumentHelp(
      "The Python of the torch engine; by default that of make setup-torch.", valueName: "path"))
  var python: String?

  @Option(
    help:
      "The device of the torch engine: cpu, cuda, cuda:1, mps; by default the first accelerator.")
  var device: String?

  @Option(help: "Processes of the torch engine on this machine that share each step. (default: 1)")
  var processes: Int?

  @Option(
    help: ArgumentHelp(
      "Options of torchrun for several machines, in one word, such as \"--nnodes 2 --node-rank 0 ...\".",
      valueName: "options"))
  var torchrun: String?

  @Option(
    help:
      "Tokens that a process of the torch engine holds activations of at once. (default: \(EngineOptions().microBatchTokens))"
  )
  var microBatchTokens: Int?

  @Flag(help: "Let torch.compile make the torch engine's kernels.")
  var compile = false

  func validate() throws {
    try OptionRange.require(processes, 1...1_024, "--processes")
    try OptionRange.require(microBatchTokens, 1...1 << 26, "--micro-batch-tokens")
    let given = [
      ("--python", python != nil), ("--device", device != nil), ("--processes", processes != nil),
      ("--torchrun", torchrun != nil), ("--micro-batch-tokens", microBatchTokens != nil),
      ("--compile", compile),
    ]
    if engine != .torch, let first = given.first(where: \.1) {
      throw ValidationError("\(first.0) is for --engine torch; add that, or leave it out")
    }
  }

  /// How the engine is started, with so many threads in all where they are asked for.
  func options(threads: Int?) throws -> EngineOptions {
    guard engine == .torch else { return EngineOptions() }
    var options = try EngineOptions(environment: ProcessInfo.processInfo.environment)
    options.python = python ?? options.python
    options.device = device ?? options.device
    options.processes = processes ?? options.processes
    options.torchrun = torchrun?.split(separator: " ").map(String.init) ?? options.torchrun
    options.compiles = compile || options.compiles
    options.microBatchTokens = microBatchTokens ?? options.microBatchTokens
    options.threads = threads.map { max(1, $0 / options.processes) }
    return options
  }
}

extension EngineKind: ExpressibleByArgument {}
