import Compute
package import Engine
import LanguageModel

/// The memory in bytes that a training needs at once, by what it is for.
package struct MemoryEstimate: Codable, Hashable, Sendable {
  /// The parameters, and their matrices as products in bf16 read them.
  package var weights: Int
  /// Both moments of the optimiser.
  package var moments: Int
  /// One gradient a lane.
  package var gradients: Int
  /// Activations, their gradients and logits of one micro-batch a worker.
  package var activations: Int
  /// The graph, its text as tokens and the order of an epoch.
  package var data: Int
  /// The program and its libraries.
  package var program: Int
  /// Whether it is the torch engine's, for advice.
  private var isTorch = false

  enum CodingKeys: String, CodingKey {
    case weights, moments, gradients, activations, data, program
  }

  package var total: Int { weights + moments + gradients + activations + data + program }

  /// Of the run that a record describes.
  ///
  /// Of the torch engine this counts its processes on this machine, and their tensors where it
  /// computes on the processor: what an accelerator has is not known before the engine has started.
  package init(_ record: RunRecord, workers: Int, torch: EngineOptions = EngineOptions()) {
    let model = record.configuration.model
    let values = 4 * record.parameterCount
    isTorch = record.configuration.training.engine == .torch
    weights =
      values
      + LanguageModel.packedByteCount(model, record.configuration.training.precision, on: .cpu)
    moments = 2 * values
    gradients = record.configuration.training.lanes * values
    activations =
      workers
      * TrainingPass.byteCount(model, maximumTokens: TrainingPass.usualMicroBatchTokens(model))
    data =
      Self.bytesPerTriple * record.trainedTripleCount + Self.bytesPerToken * record.tokensPerEpoch
    program = Self.programBytes
    guard isTorch else { return }
    let isHere = torch.isOnProcessor
    let copies = isHere ? torch.processes * values : 0
    weights = values + copies
    moments = 2 * (values + copies)
    gradients = copies
    let step = record.configuration.training.tokensPerStep
    activations =
      isHere
      ? torch.processes * min(torch.microBatchTokens, step) * Self.torchBytesPerToken(model) : 0
    program += torch.processes * Self.torchProgramBytes
  }

  /// Bytes that PyTorch keeps for the backward pass of a token, about: what each operation reads,
  /// in single precision.
  private static func torchBytesPerToken(_ model: ModelConfiguration) -> Int {
    let feedForward = (model.activation == .swiglu ? 5 : 3) * model.feedForwardDimension
    return 4
      * (model.layerCount * (14 * model.modelDimension + feedForward) + 4 * model.vocabularySize)
  }

  /// What makes a training of `workers` threads smaller that does not fit into some bytes: no more
  /// than can help.
  package func advice(workers: Int, within bytes: Int) -> String {
    guard data + program < bytes else {
      return data > program
        ? "the graph's triples alone do not fit, whatever the model: train on a smaller --fraction or "
          + "graph, or where there is more memory"
        : "no training fits there; train where there is more memory"
    }
    guard data + program + weights + moments < bytes else { return "take a smaller --size" }
    guard !isTorch else {
      return "take a smaller --size, a smaller --micro-batch-tokens or fewer --processes"
    }
    return "take a smaller --size"
      + (workers > 1 ? ", fewer --lanes or fewer --workers" : " or fewer --lanes")
  }

  // Measured (docs/training.md has the table and the command that makes it).
  private static let bytesPerTriple = 110
  private static let bytesPerToken = 8
  private static let torchProgramBytes = 400 << 20
  /// The program with its libraries, before any work.
  package static let programBytes = 40 << 20
}
