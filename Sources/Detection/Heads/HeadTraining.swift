package import Compute
import LabCore

/// How heads are trained; the same for every language model, so that heads can be compared.
package struct HeadTrainingOptions: Codable, Hashable, Sendable {
  /// L2 penalties of a linear head, 1 / C of scikit-learn, tried in turn; least validation loss
  /// decides.
  package var linearPenalties = [100.0, 10, 1, 0.1, 0.01]
  /// Examples in a step of an MLP.
  package var batchSize = 256
  /// Least number of steps of an MLP; more where three passes over the examples need more.
  package var stepCount = 1_500
  /// Steps between measurements of the loss on the validation part.
  package var validationInterval = 50
  /// Measurements without improvement after which an MLP stops.
  package var patience = 8
  /// Peak of an MLP's cosine schedule.
  package var learningRate = 3e-3
  /// Decoupled decay of an MLP's weights.
  package var weightDecay = 0.01
  /// Of an MLP's products while it learns, as `DetectionOptions` say; not part of the file.
  package var precision = Precision.fp32

  /// Takes the place of `stepCount` for benchmarks; not part of the file.
  package var exactStepCount: Int?

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case patience, linearPenalties, batchSize, stepCount, validationInterval, learningRate,
      weightDecay
  }

  /// The same with the precision that options ask for.
  func inPrecision(of options: DetectionOptions) -> HeadTrainingOptions {
    var training = self
    training.precision = options.precision ?? .fp32
    return training
  }

  func steps(exampleCount: Int) -> Int {
    exactStepCount ?? max(stepCount, 3 * ((exampleCount + batchSize - 1) / batchSize))
  }
}

/// How the training of one head went.
package struct HeadTrainingReport: Codable, Hashable, Sendable {
  /// Steps of an MLP, iterations of a linear head.
  package let stepCount: Int
  /// The step whose parameters were kept.
  package let bestStep: Int
  /// Decay of an MLP's weights, L2 penalty of a linear head's.
  package let regularization: Double
  /// Mean log-loss in nats on the validation part with the kept parameters.
  package let validationLoss: Double
  /// AUROC on the validation part, for choosing among heads; nil where it holds one class only.
  package let validationAUROC: Double?
  /// How far the kernel of an infinitely wide head's landmarks is from the whole one: relative
  /// Frobenius error among at most 500 training examples; nil, and no key, for other heads.
  package var kernelError: Double?
  /// How well the chains of a posterior have mixed; nil, and no key, for other heads.
  package var chains: ChainReport?
  /// What the few examples of a distilled head are like; nil, and no key, for other heads.
  package var distilled: [DistilledPoint]?

  enum CodingKeys: String, SnakeCaseKey {
    case kernelError, chains, distilled, stepCount, bestStep, regularization, validationLoss,
      validationAUROC
  }
}

/// A trained read-out with the scaling of its inputs.
package struct TrainedHead: Equatable, Sendable {
  package let architecture: HeadArchitecture
  package let standardizer: Standardizer
  /// As in `HeadNetwork.parameters`.
  package let parameters: [Float]
  package let report: HeadTrainingReport

  package var inputWidth: Int { standardizer.width }

  package init(
    architecture: HeadArchitecture, standardizer: Standardizer, parameters: [Float],
    report: HeadTrainingReport
  ) {
    self.architecture = architecture
    self.standardizer = standardizer
    self.parameters = parameters
    self.report = report
  }

  /// The probability of hallucination of each row of `features`, shape (N, input width), as
  /// captured; of several outputs one after the other.
  ///
  /// Throws `LabError` when memory is short.
  package func probabilities(of features: [Float], on device: Device = .cpu) throws -> [Double] {
    precondition(features.count % inputWidth == 0, "features are not rows of \(inputWidth)")
    let chunk = 1_024
    let network = try HeadNetwork(
      architecture, inputWidth: inputWidth, maximumRows: chunk, on: device)
    network.parameters.copyIn(parameters)
    let input = try DeviceBuffer<Float>(chunk * inputWidth, on: device).all
    var scores: [Double] = []
    for start in stride(from: 0, to: features.count, by: chunk * inputWidth) {
      let part = features[start..<min(start + chunk * inputWidth, features.count)]
      input.copyIn(standardizer.apply(Array(part)))
      scores += network.forward(input, rows: part.count / inputWidth).map {
        LogLoss.probability(Double($0))
      }
    }
    return scores
  }
}
