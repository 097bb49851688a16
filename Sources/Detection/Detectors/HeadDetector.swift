import Compute
package import LanguageModel

/// A read-out on the frozen model's states: kind `head`.
package struct HeadDetector: DetectorRecipe {
  package let architecture: HeadArchitecture
  package let layer: LayerChoice
  package let place: AnswerPlace
  private let selection: FeatureSelection
  private let width: Int
  private let suffix: String
  private let isSentence: Bool

  package var kind: DetectorKind { .head }

  /// A head on a layer of a model of this shape.
  ///
  /// `place` counts in the sentence task only. Throws `LabError` for a layer that the model does not have.
  package init(
    _ architecture: HeadArchitecture, layer: LayerChoice, place: AnswerPlace, of set: ExampleSet,
    _ configuration: ModelConfiguration
  ) throws {
    self.architecture = architecture
    self.layer = layer
    self.place = place
    selection = FeatureSelection(try layer.streams(configuration))
    width = selection.width(configuration)
    suffix = set.suffix
    isSentence = set.task == .sentence
  }

  /// "mlp-64", with "@layer-3" where it reads no final states, and "@end" where not the last token.
  package var name: String {
    let layerName =
      switch layer {
      case .final: ""
      case .all: "@all-layers"
      case .layer(let number): "@layer-\(number)"
      }
    return architecture.name + layerName
      + (isSentence && place != .last ? "@\(place.rawValue)" : "") + suffix
  }

  package var shape: DetectorShape {
    DetectorShape(
      layer: layer.name, place: isSentence ? place.rawValue : nil,
      hiddenSizes: architecture.hiddenSizes,
      parameters: architecture.parameterCount(inputWidth: width))
  }

  package var streams: Set<CaptureStream> { Set(selection.streams) }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    try FeatureHead(architecture, selection, place: place, name: name, kind: kind).fit(material)
  }
}

/// A head on a selection of features: what the kinds that train one share.
struct FeatureHead {
  let architecture: HeadArchitecture
  let selection: FeatureSelection
  let place: AnswerPlace
  let name: String
  let kind: DetectorKind

  init(
    _ architecture: HeadArchitecture, _ selection: FeatureSelection, place: AnswerPlace,
    name: String, kind: DetectorKind
  ) {
    self.architecture = architecture
    self.selection = selection
    self.place = place
    self.name = name
    self.kind = kind
  }

  /// Trains on the labels given, by default the verdicts, and scores the other parts.
  func fit(_ material: DetectorMaterial, labels: [Bool]? = nil) throws -> FittedDetector {
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
    let split = train.count * head.inputWidth
    return try fitted(head, material, validation: Array(features[split...]))
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
      isProbability: kind != .entropyProbe, parameters: parameters, training: head.report,
      trained: TrainedDetector(
        task: material.set.task, position: material.set.position, kind: kind, name: name,
        place: place, payload: .head(head, selection)))
  }

  func matrix(_ material: DetectorMaterial, _ rows: [Int]) throws -> [Float] {
    try material.features.matrix(selection, rows: material.featureRows(rows, at: place))
  }
}
