import Compute
package import Corpus
package import Foundation
import LabCore
package import LanguageModel

/// A head by draws of its posterior, or by several trainings, on the frozen model's states: kind
/// `bayes`.
///
/// Verdicts are 1 and -1 with Gaussian noise of the likeliest deviation. The score of a posterior
/// is the mean of its draws' outputs over sqrt(1 + pi v / 8), v their variance, and no probability;
/// that of an ensemble is a mean probability. Chains that have not mixed make no detector.
package struct BayesianDetector: DetectorRecipe {
  package let head: BayesianHead
  private let finite: HeadDetector

  package var kind: DetectorKind { .bayes }
  package var takesAllWorkers: Bool { true }

  /// A head on a layer of a model of this shape; `place` and errors as for `HeadDetector`.
  package init(
    _ head: BayesianHead, layer: LayerChoice, place: AnswerPlace, of set: ExampleSet,
    _ configuration: ModelConfiguration
  ) throws {
    self.head = head
    finite = try HeadDetector(
      HeadArchitecture(hiddenSizes: [head.width]), layer: layer, place: place, of: set,
      configuration)
  }

  static func recipes(_ book: RecipeBook) throws -> [any DetectorRecipe] {
    try book.atEachPlace(book.options.bayesian) {
      try BayesianDetector($0, layer: $1, place: $2, of: book.set, book.configuration)
    }
  }

  /// "bayes-64", with the layer and place behind it as heads have them.
  package var name: String {
    head.name + finite.name.dropFirst(finite.architecture.name.count)
  }

  package var shape: DetectorShape { finite.shape }

  package var streams: Set<CaptureStream> { finite.streams }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    if case .ensemble(let count) = head.way { return try ensemble(count, material) }
    let states = try StateExamples(material, of: finite)
    let stream = "detection/bayes/\(material.set.task.rawValue)/\(name)"
    var order = Array(states.train.indices)
    if order.count > head.exampleCount {
      var drawing = material.seed.stream(stream)
      drawing.shuffle(&order)
      order = order.prefix(head.exampleCount).sorted()
    }
    let all = states.targets
    let offset = order.reduce(0) { $0 + all[$1] } / Double(order.count)
    let (rows, targets) = (states.learned.gathered(order), order.map { all[$0] - offset })
    let network = BayesianNetwork(width: head.width, inputs: states.inputs.standardizer.width)
    let noise = network.likeliestNoise(rows, targets)
    let posterior = BayesianPosterior(
      network, rows: rows, targets: targets, noise: noise,
      isRepriorised: head.way == .repriorised)
    let probes = stride(
      from: 0, to: states.known.rows,
      by: 1 + (states.known.rows - 1) / PosteriorSample.probeCount)
    let sample = try PosteriorSample(
      posterior, probes: states.known.gathered(Array(probes)), seed: material.seed, stream: stream,
      on: WorkerPool(workerCount: max(1, material.work.workers)),
      shouldStop: material.work.shouldStop)
    guard sample.report.hasMixed else {
      throw DetectionError.unmixed(name: name, sample.report)
    }
    let model = BayesianReadOut(
      draws: sample.draws.map { $0.map { Float($0) } }, offset: Float(offset),
      inputs: states.inputs, head: head, selection: finite.selection, place: finite.place)
    let steps = PosteriorSample.warmUp + PosteriorSample.stepCount
    var fitted = try states.fitted(
      model, steps: steps, bestStep: steps, regularization: noise * noise, values: model.values)
    fitted.training?.chains = sample.report
    return fitted
  }

  /// The mean probability of several trainings; not saved.
  private func ensemble(_ count: Int, _ material: DetectorMaterial) throws -> FittedDetector {
    var sum: FittedDetector?
    for member in 0..<count {
      let own = try FeatureHead(
        finite.architecture, finite.selection, place: finite.place, name: "\(name)/\(member)"
      ).fit(material)
      guard var fitted = sum else {
        sum = own
        continue
      }
      fitted.validation = zip(fitted.validation, own.validation).map { $0 + $1 }
      fitted.test = zip(fitted.test, own.test).map { $0 + $1 }
      sum = fitted
    }
    guard var fitted = sum else { throw DetectionError.noExamples }
    fitted.validation = fitted.validation.map { $0 / Double(count) }
    fitted.test = fitted.test.map { $0 / Double(count) }
    fitted.parameters = finite.shape.parameters * count
    // What is reported of training is of one member.
    fitted.training = nil
    fitted.model = nil
    return fitted
  }
}

/// Draws of a head's posterior with what they read of a language model's states.
package struct BayesianReadOut: TrainedModel {
  /// Parameters of a network each, in single precision.
  package let draws: [[Float]]
  let offset: Float
  let inputs: KernelInputs
  package let head: BayesianHead
  package let selection: FeatureSelection
  package let place: AnswerPlace

  package var streams: Set<CaptureStream> { Set(selection.streams) }

  package func refusal(for configuration: ModelConfiguration, name: String) -> String? {
    selection.refusal(inputWidth: inputs.standardizer.width, for: configuration, name: name)
  }

  /// The mean of the draws' outputs over sqrt(1 + pi v / 8), v their variance, plus the offset.
  func values(_ rows: DenseMatrix) -> [Double] {
    let network = BayesianNetwork(width: head.width, inputs: inputs.standardizer.width)
    var sums = [Double](repeating: 0, count: rows.rows)
    var squares = sums
    for draw in draws {
      for (row, value) in network.values(draw.map(Double.init), rows).enumerated() {
        sums[row] += value
        squares[row] += value * value
      }
    }
    let count = Double(draws.count)
    return zip(sums, squares).map { sum, square in
      let (mean, variance) = (sum / count, max(0, square / count - sum * sum / (count * count)))
      return mean / (1 + .pi * variance / 8).squareRoot() + Double(offset)
    }
  }

  package func scores(
    _ places: [TextPlace], of features: AnswerFeatures, text: TripleText, workers: Int
  ) throws -> [Double] {
    values(
      inputs.rows(
        try features.matrix(selection, rows: places.map { features.texts.rows($0, at: place) })))
  }

  // MARK: Files

  package func save(to folder: URL, _ record: inout DetectorRecord) throws {
    record.features = selection
    record.inputWidth = inputs.standardizer.width
    record.bayesian = BayesianRecord(head: head, drawCount: draws.count)
    try record.write(
      DetectorFiles.bayesian, Self.entries(head, draws.count, inputs.standardizer.width),
      inputs.standardizer.means + inputs.standardizer.inverseDeviations + [offset]
        + draws.flatMap(\.self), to: folder)
  }

  package static func load(_ record: DetectorRecord, from folder: URL) throws -> BayesianReadOut {
    guard let selection = record.features, let width = record.inputWidth,
      let bayesian = record.bayesian, width == selection.width(record.model),
      (1...10_000_000).contains(width), (1...100_000).contains(bayesian.drawCount)
    else { throw DetectorFiles.unreadable(folder) }
    let values = try record.read(
      DetectorFiles.bayesian, entries(bayesian.head, bayesian.drawCount, width), in: folder)
    let size = BayesianNetwork(width: bayesian.head.width, inputs: width).parameterCount
    return BayesianReadOut(
      draws: (0..<bayesian.drawCount).map {
        Array(values[(2 * width + 1 + $0 * size)..<(2 * width + 1 + ($0 + 1) * size)])
      }, offset: values[2 * width],
      inputs: KernelInputs(
        standardizer: Standardizer(
          means: Array(values[..<width]), inverseDeviations: Array(values[width..<(2 * width)]))),
      head: bayesian.head, selection: selection, place: record.place)
  }

  private static func entries(
    _ head: BayesianHead, _ draws: Int, _ width: Int
  ) -> [Safetensors.Entry] {
    [
      Safetensors.Entry(name: "input.mean", shape: [width]),
      Safetensors.Entry(name: "input.inverse_deviation", shape: [width]),
      Safetensors.Entry(name: "offset", shape: [1]),
      Safetensors.Entry(
        name: "draws",
        shape: [draws, BayesianNetwork(width: head.width, inputs: width).parameterCount]),
    ]
  }
}

/// What detector.json says of a head's posterior.
package struct BayesianRecord: Codable, Hashable, Sendable {
  package let head: BayesianHead
  package let drawCount: Int

  enum CodingKeys: String, SnakeCaseKey { case head, drawCount }
}
