import Compute
package import Corpus
package import Foundation
import LabCore
package import LanguageModel

/// A head on a selection of features: what the kinds that train one share.
struct FeatureHead {
  let architecture: HeadArchitecture
  let selection: FeatureSelection
  let place: AnswerPlace
  let name: String

  init(
    _ architecture: HeadArchitecture, _ selection: FeatureSelection, place: AnswerPlace,
    name: String
  ) {
    self.architecture = architecture
    self.selection = selection
    self.place = place
    self.name = name
  }

  /// Trains on the labels given, by default the verdicts, and scores the other parts.
  func fit(_ material: DetectorMaterial, labels: [Bool]? = nil) throws -> FittedDetector {
    let (head, validation) = try train(material, labels: labels)
    return try fitted(head, material, validation: validation)
  }

  /// Trains on the labels given, by default the verdicts; with the features of the validation part.
  func train(
    _ material: DetectorMaterial, labels: [Bool]? = nil
  ) throws -> (head: TrainedHead, validation: [Float]) {
    let labels = labels ?? material.learnedLabels
    let (train, validation) = (material.rows(.train), material.rows(.validation))
    let learned = train + validation
    guard !train.isEmpty, !validation.isEmpty else { throw DetectionError.noExamples }
    let features = try matrix(material, learned)
    let examples = try HeadExamples(
      features: features, width: features.count / learned.count, labels: learned.map { labels[$0] },
      subjects: learned.map { material.set.examples[$0].subject }, train: Array(train.indices),
      validation: Array(train.count..<learned.count))
    let head = try HeadTrainer(examples, options: material.training, seed: material.seed)
      .train(architecture, name: "\(material.set.task.rawValue)/\(name)")
    return (head, Array(features[(train.count * head.inputWidth)...]))
  }

  /// What a head says; `validation` are the features of that part, where they are at hand.
  func fitted(
    _ head: TrainedHead, _ material: DetectorMaterial, validation: [Float]? = nil,
    parameters: Int? = nil
  ) throws -> FittedDetector {
    FittedDetector(
      validation: try head.probabilities(
        of: validation ?? matrix(material, material.rows(.validation))),
      test: try head.probabilities(of: matrix(material, material.rows(.test))),
      isProbability: true, parameters: parameters, training: head.report,
      model: FeatureReadOut(head: head, selection: selection, place: place))
  }

  private func matrix(_ material: DetectorMaterial, _ rows: [Int]) throws -> [Float] {
    try material.features.matrix(selection, rows: material.featureRows(rows, at: place))
  }
}

/// A trained head with what it reads of a language model's states.
package struct FeatureReadOut: TrainedModel {
  package let head: TrainedHead
  package let selection: FeatureSelection
  package let place: AnswerPlace

  package var streams: Set<CaptureStream> { Set(selection.streams) }

  package func refusal(for configuration: ModelConfiguration, name: String) -> String? {
    selection.refusal(inputWidth: head.inputWidth, for: configuration, name: name)
  }

  package func scores(
    _ places: [TextPlace], of features: AnswerFeatures, text: TripleText, workers: Int
  ) throws -> [Double] {
    try head.probabilities(
      of: features.matrix(selection, rows: places.map { features.texts.rows($0, at: place) }))
  }

  // MARK: Files

  package func save(to folder: URL, _ record: inout DetectorRecord) throws {
    record.architecture = head.architecture
    record.features = selection
    record.inputWidth = head.inputWidth
    try record.write(
      DetectorFiles.head, Self.entries(head.architecture, head.inputWidth),
      head.standardizer.means + head.standardizer.inverseDeviations + head.parameters, to: folder)
  }

  package static func load(_ record: DetectorRecord, from folder: URL) throws -> FeatureReadOut {
    guard let architecture = record.architecture, let selection = record.features,
      let width = record.inputWidth, let report = record.training,
      width == selection.width(record.model), (1...10_000_000).contains(width)
    else { throw DetectorFiles.unreadable(folder) }
    let values = try record.read(DetectorFiles.head, entries(architecture, width), in: folder)
    return FeatureReadOut(
      head: TrainedHead(
        architecture: architecture,
        standardizer: Standardizer(
          means: Array(values[..<width]), inverseDeviations: Array(values[width..<(2 * width)])),
        parameters: Array(values[(2 * width)...]), report: report),
      selection: selection, place: record.place)
  }

  /// The tensors of a head in the order of their values.
  private static func entries(
    _ architecture: HeadArchitecture, _ width: Int
  ) -> [Safetensors.Entry] {
    let inputs = ["input.mean", "input.inverse_deviation"].map {
      Safetensors.Entry(name: $0, shape: [width])
    }
    let layers = architecture.layers(inputWidth: width).enumerated().flatMap { index, layer in
      [
        Safetensors.Entry(
          name: "layers.\(index).weight", shape: [layer.outputs, layer.inputs]),
        Safetensors.Entry(name: "layers.\(index).bias", shape: [layer.outputs]),
      ]
    }
    return inputs + layers
  }
}

extension FeatureSelection {
  /// Why what reads it, called `name`, cannot read a language model of this shape; nil where it
  /// can.
  func refusal(inputWidth: Int, for configuration: ModelConfiguration, name: String) -> String? {
    if let stream = streams.first(where: { !$0.exists(in: configuration) }) {
      return
        "\(name) reads \(stream.name), which a model of \(configuration.layerCount) layers does not have; "
        + FeatureReadOut.advice
    }
    let width = FeatureSelection(streams).width(configuration)
    let fits =
      (columns?.count ?? width) == inputWidth
      && (columns?.allSatisfy((0..<width).contains) ?? true)
      && (columns == nil || lookbackFits(configuration))
    guard fits else {
      return
        "\(name) reads \(inputWidth) values of an example, and this model does not have as many (layers: "
        + "\(configuration.layerCount), width: \(configuration.modelDimension), heads: "
        + "\(configuration.headCount)); \(FeatureReadOut.advice)"
    }
    return nil
  }

  /// Lookback reads every head of the model it was trained on, so there must be as many.
  private func lookbackFits(_ configuration: ModelConfiguration) -> Bool {
    let heads = configuration.layerCount * configuration.headCount
    return (columns?.max() ?? 0) / AttentionShare.allCases.count + 1 == heads
  }
}
