import Compute
import Engine
import Foundation
import LabCore
import LanguageModel

/// Steps by a PyTorch process, which gets weights, moments, batches and learning rates from here.
final class TorchEngine: TrainingEngine {
  let model: LanguageModel
  let optimizer: Optimizer
  let record: EngineRecord?
  private let process: EngineProcess
  /// Whether model and moments hold what was computed.
  private var isCollected = true
  /// Values of one frame of weights or moments.
  private static let chunk = 1 << 22

  /// Starts the process for a model; its weights are sent by `load`.
  ///
  /// Throws `LabError` where the process cannot be started, or lacks something.
  init(
    _ model: LanguageModel, _ training: TrainingConfiguration, _ options: EngineOptions,
    shouldStop: () -> Bool
  ) throws {
    self.model = model
    optimizer = try Optimizer(model.layout, training, on: model.device)
    process = try EngineProcess(options, shouldStop: shouldStop)
    let ready = try process.ask(
      Self.start(model.layout, training, optimizer, options), for: "ready")
    record = EngineRecord(
      name: EngineKind.torch.rawValue, versions: process.versions,
      device: ready.text("device") ?? "unknown",
      processes: Int(process.hello.number("processes") ?? 1), compiled: options.compiles)
    if training.keepsZeros { try send(model.parameters, as: "kept") }
  }

  func gradient(of batch: TokenBatch) throws -> (loss: Double, norm: Double) {
    let answer = try process.ask(
      Frame(
        "gradient",
        tensors: [
          "tokens": Frame.Tensor(batch.tokens), "targets": Frame.Tensor(batch.targets),
          "offsets": Frame.Tensor(batch.offsets),
        ]), for: "gradient")
    return (answer.number("loss") ?? .nan, answer.number("norm") ?? .nan)
  }

  /// There is none: training and studies refuse to probe.
  func probe(_ batch: TokenBatch, since start: LanguageModel?) -> StepProbe? { nil }

  func update(norm: Double, learningRate: Double, number: Int) throws {
    isCollected = false
    try process.send(
      Frame("update", ["learning_rate": .number(learningRate), "number": .number(Double(number))]))
  }

  func collect() throws {
    guard !isCollected else { return }
    try process.send(Frame("collect"))
    while true {
      let frame = try process.receive()
      if frame.kind == "collected" {
        isCollected = true
        return
      }
      guard frame.kind == "values", let values = frame.tensors["values"], values.type == .single,
        let block = frame.text("block").flatMap(block), let offset = frame.number("offset"),
        let start = Int(exactly: offset), start >= 0,
        values.bytes.count / 4 <= block.count - min(start, block.count)
      else {
        throw LabError(
          "the torch engine sent other weights than this model has; run make setup-torch and the command again",
          .failure)
      }
      block.slice(start, values.bytes.count / 4).copyInBytes(values.bytes)
    }
  }

  func load() throws {
    for name in ["weights", "first", "second"] {
      if let block = block(name) { try send(block, as: name) }
    }
  }

  func end() { process.end() }

  // MARK: Frames

  private func block(_ name: String) -> FloatSlice? {
    switch name {
    case "weights": model.parameters
    case "first": optimizer.first
    case "second": optimizer.second
    default: nil
    }
  }

  private func send(_ block: FloatSlice, as name: String) throws {
    for offset in stride(from: 0, to: block.count, by: Self.chunk) {
      let part = block.slice(offset, min(Self.chunk, block.count - offset))
      try process.send(
        Frame(
          "values", ["block": .text(name), "offset": .number(Double(offset))],
          tensors: [
            "values": Frame.Tensor(.single, shape: [part.count], bytes: part.copyOutBytes())
          ]))
    }
  }

  /// The frame that says what is to be trained, and how.
  private static func start(
    _ layout: ParameterLayout, _ training: TrainingConfiguration, _ optimizer: Optimizer,
    _ options: EngineOptions
  ) -> Frame {
    func number(_ value: Int) -> JSONValue { .number(Double(value)) }
    let model = layout.configuration
    return Frame(
      "train",
      [
        "model": [
          "layers": number(model.layerCount), "width": number(model.modelDimension),
          "heads": number(model.headCount), "hidden": number(model.feedForwardDimension),
          "vocabulary": number(model.vocabularySize), "context": number(model.contextLength),
          "activation": .text(model.activation.rawValue), "tied": .flag(model.tiedEmbeddings),
          "query_key_norm": .flag(model.queryKeyNorm),
        ],
        "count": number(layout.count),
        "tensors": .list(
          layout.tensors.map {
            [
              "name": .text($0.name), "offset": number($0.offset),
              "shape": .list($0.shape.map(number)),
            ]
          }),
        "optimizer": .text(training.optimizer.rawValue), "beta1": .number(training.beta1),
        "beta2": .number(training.beta2), "clip_norm": .number(training.clipNorm),
        "z_loss": .number(training.zLoss), "precision": .text(training.precision.rawValue),
        "stretches": .list(
          optimizer.stretches.map { stretch in
            [
              "start": number(stretch.range.lowerBound), "end": number(stretch.range.upperBound),
              "rate_factor": .number(stretch.rateFactor),
              "multiplier": .number(stretch.multiplier),
              "epsilon": .number(training.epsilon * stretch.epsilonFactor),
              "decay": .number(optimizer.decay(of: stretch)),
              "shape": stretch.shape.map { .list($0.map(number)) } ?? .null,
            ]
          }),
        "device": options.device.map { .text($0) } ?? .null,
        "threads": options.threads.map(number) ?? .null,
        "micro_batch_tokens": number(options.microBatchTokens),
        "compile": .flag(options.compiles),
      ])
  }
}
