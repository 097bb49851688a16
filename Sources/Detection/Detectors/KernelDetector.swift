import Compute
package import Corpus
package import Foundation
import LabCore
package import LanguageModel

/// An infinitely wide head on the frozen model's states: kind `kernel`.
///
/// Ridge regression with the head's kernel on verdicts as 1 and -1; of the ridges the one of
/// highest AUROC on the validation part is kept. Its score is no probability.
package struct KernelDetector: DetectorRecipe {
  package let head: KernelHead
  private let finite: HeadDetector

  /// At most so many training examples say how good landmarks are.
  private static let sampledCount = 500

  package var kind: DetectorKind { .kernel }
  package var takesAllWorkers: Bool { true }

  /// A head on a layer of a model of this shape; `place` and errors as for `HeadDetector`.
  package init(
    _ head: KernelHead, layer: LayerChoice, place: AnswerPlace, of set: ExampleSet,
    _ configuration: ModelConfiguration
  ) throws {
    self.head = head
    finite = try HeadDetector(.linear, layer: layer, place: place, of: set, configuration)
  }

  static func recipes(_ book: RecipeBook) throws -> [any DetectorRecipe] {
    try book.atEachPlace(book.options.kernels) {
      try KernelDetector($0, layer: $1, place: $2, of: book.set, book.configuration)
    }
  }

  /// "ntk-relu-1", with the layer and place behind it as finite heads have them.
  package var name: String {
    head.name + finite.name.dropFirst(HeadArchitecture.linear.name.count)
  }

  package var shape: DetectorShape {
    DetectorShape(layer: finite.shape.layer, place: finite.shape.place)
  }

  package var streams: Set<CaptureStream> { finite.streams }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let states = try StateExamples(material, of: finite)
    let (inputs, count) = (states.inputs, states.train.count)
    if let reason = head.refusal(
      train: count, scored: states.validation.count, width: inputs.standardizer.width,
      memory: MachineResources.current.memory?.bytes)
    {
      throw DetectionError.unsuitable(reason: reason)
    }
    let regression = KernelRegression(
      head.kernel, points: states.learned, targets: states.targets)
    let streamName = KernelReadOut.stream(material.set.task, name)
    let sketch = head.sketch(
      width: inputs.standardizer.width, seed: material.seed, name: streamName)
    let landmarks = head.landmarks.map { landmarks in
      var order = Array(0..<count)
      var stream = material.seed.stream(streamName)
      stream.shuffle(&order)
      return Array(order.prefix(landmarks))
    }
    var bestStep = KernelRegression.ridges.count
    let best: (machine: KernelMachine, ridge: Double, quality: Double)
    if let distilled = head.distilled {
      var stream = material.seed.stream(streamName)
      let found = try regression.distilled(
        distilled, others: states.known, &stream, shouldStop: material.work.shouldStop
      ) { try states.scored($0).auroc() }
      best = (found.machine, found.ridge, found.quality)
      bestStep = found.step
    } else {
      best = try regression.best(
        landmarks: landmarks, sketch: sketch, others: states.known,
        shouldStop: material.work.shouldStop
      ) { try states.scored($0).auroc() }
    }
    let model = KernelReadOut(
      machine: best.machine.rounded, inputs: inputs, head: head, selection: finite.selection,
      place: finite.place)
    let sampled = stride(from: 0, to: count, by: 1 + (count - 1) / Self.sampledCount)
    var fitted = try states.fitted(
      model,
      steps: head.distilled?.way == .kip
        ? KernelDistillation.stepCount : KernelRegression.ridges.count,
      bestStep: bestStep, regularization: best.ridge, quality: best.quality,
      values: model.machine.values)
    if head.distilled != nil {
      fitted.training?.distilled = model.machine.described(
        by: states.learned, states.train, of: material)
    }
    fitted.training?.kernelError =
      head.isExact || head.distilled != nil
      ? nil
      : try KernelRegression(
        head.kernel, points: regression.points.gathered(Array(sampled)),
        targets: sampled.map { _ in 0 }
      ).error(ofLandmarks: regression.points.gathered(landmarks ?? []), sketch: sketch)
    return fitted
  }
}

/// A fitted kernel head with what it reads of a language model's states.
package struct KernelReadOut: TrainedModel {
  package let machine: KernelMachine
  let inputs: KernelInputs
  package let head: KernelHead
  package let selection: FeatureSelection
  package let place: AnswerPlace

  package var streams: Set<CaptureStream> { Set(selection.streams) }

  package func refusal(for configuration: ModelConfiguration, name: String) -> String? {
    selection.refusal(inputWidth: inputs.standardizer.width, for: configuration, name: name)
  }

  package func scores(
    _ places: [TextPlace], of features: AnswerFeatures, text: TripleText, workers: Int
  ) throws -> [Double] {
    machine.values(
      inputs.rows(
        try features.matrix(selection, rows: places.map { features.texts.rows($0, at: place) })))
  }

  // MARK: Files

  package func save(to folder: URL, _ record: inout DetectorRecord) throws {
    record.features = selection
    record.inputWidth = inputs.standardizer.width
    record.kernel = KernelRecord(
      head: head, pointCount: machine.points.rows, weightCount: machine.weights.count)
    let high = machine.weights.map(Float.init)
    let low = zip(machine.weights, high).map { Float($0 - Double($1)) }
    try record.write(
      DetectorFiles.kernel,
      Self.entries(machine.points.rows, machine.weights.count, inputs.standardizer.width),
      inputs.standardizer.means + inputs.standardizer.inverseDeviations
        + machine.points.values.map(Float.init) + high + low + [Float(machine.offset)], to: folder)
  }

  package static func load(_ record: DetectorRecord, from folder: URL) throws -> KernelReadOut {
    guard let selection = record.features, let width = record.inputWidth,
      let kernel = record.kernel, width == selection.width(record.model),
      (1...10_000_000).contains(width), (0...10_000_000).contains(kernel.pointCount),
      (1...10_000_000).contains(kernel.weightCount)
    else { throw DetectorFiles.unreadable(folder) }
    let (count, weightCount) = (kernel.pointCount, kernel.weightCount)
    let values = try record.read(
      DetectorFiles.kernel, entries(count, weightCount, width), in: folder)
    let points = values[(2 * width)..<((2 + count) * width)].map(Double.init)
    let weights = values[((2 + count) * width)...]
    return KernelReadOut(
      machine: KernelMachine(
        kernel: kernel.head.kernel, points: DenseMatrix(rows: count, columns: width, points),
        sketch: kernel.head.sketch(
          width: width, seed: Seed(record.seed), name: stream(record.task, record.name)),
        weights: zip(
          weights.prefix(weightCount), weights.dropFirst(weightCount).prefix(weightCount)
        ).map {
          Double($0) + Double($1)
        },
        offset: Double(values[values.count - 1])),
      inputs: KernelInputs(
        standardizer: Standardizer(
          means: Array(values[..<width]), inverseDeviations: Array(values[width..<(2 * width)]))),
      head: kernel.head, selection: selection, place: record.place)
  }

  /// The name of the stream that landmarks and sketches are drawn from.
  static func stream(_ task: DetectorTask, _ name: String) -> String {
    "detection/kernel/\(task.rawValue)/\(name)"
  }

  private static func entries(_ points: Int, _ weights: Int, _ width: Int) -> [Safetensors.Entry] {
    [
      Safetensors.Entry(name: "input.mean", shape: [width]),
      Safetensors.Entry(name: "input.inverse_deviation", shape: [width]),
    ] + (points == 0 ? [] : [Safetensors.Entry(name: "points", shape: [points, width])]) + [
      Safetensors.Entry(name: "weights.high", shape: [weights]),
      Safetensors.Entry(name: "weights.low", shape: [weights]),
      Safetensors.Entry(name: "offset", shape: [1]),
    ]
  }
}

/// What detector.json says of an infinitely wide head.
package struct KernelRecord: Codable, Hashable, Sendable {
  package let head: KernelHead
  /// Points whose kernels it sums; none with a sketch.
  package let pointCount: Int
  package let weightCount: Int

  enum CodingKeys: String, SnakeCaseKey {
    case head, pointCount, weightCount
  }
}

extension KernelMachine {
  /// The same as its file holds it: points and offset in single precision, weights as sums of two
  /// such numbers.
  var rounded: KernelMachine {
    KernelMachine(
      kernel: kernel,
      points: DenseMatrix(
        rows: points.rows, columns: points.columns, points.values.map { Double(Float($0)) }),
      sketch: sketch,
      weights: weights.map { Double(Float($0)) + Double(Float($0 - Double(Float($0)))) },
      offset: Double(Float(offset)))
  }
}
