import LabCore
package import LanguageModel

/// Logistic probes on single attention heads (arXiv 2306.03341), the best of them averaged.
///
/// Each head's output at the judged token has a probe of its own. The K probes of highest AUROC on
/// the validation part are kept, and their log-odds averaged; K = 1, 2, 4, ... is chosen by the
/// validation loss.
package struct AttentionHeadProbe: DetectorRecipe {
  private let configuration: ModelConfiguration
  private let suffix: String

  package var kind: DetectorKind { .attentionProbe }
  package var name: String { "attention-probe" + suffix }

  package init(of set: ExampleSet, _ configuration: ModelConfiguration) {
    self.configuration = configuration
    suffix = set.suffix
  }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    [AttentionHeadProbe(of: book.set, book.configuration)]
  }

  private var layers: [CaptureStream] {
    (1...configuration.layerCount).map { .headOutput($0) }
  }

  package var streams: Set<CaptureStream> { Set(layers) }

  package var shape: DetectorShape {
    DetectorShape(layer: "heads", place: AnswerPlace.last.rawValue, hiddenSizes: [])
  }

  private struct Probe {
    let head: TrainedHead
    /// Column of its first input among those of all heads.
    let column: Int
    let logits: [Double]
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let size = configuration.headDimension
    let labels = material.rows(.validation).map { material.learnedLabels[$0] }
    let subjects = material.rows(.validation).map { material.set.examples[$0].subject }
    var probes: [(probe: Probe, auroc: Double)] = []
    for (index, stream) in layers.enumerated() {
      for head in 0..<configuration.headCount {
        let columns = Array((head * size)..<((head + 1) * size))
        let (trained, features) = try FeatureHead(
          .linear, FeatureSelection([stream], columns: columns), place: .last,
          name: "\(name)/\(index)/\(head)"
        ).train(material)
        let scores = try trained.probabilities(of: features)
        let probe = Probe(
          head: trained, column: index * configuration.modelDimension + columns[0],
          logits: scores.map(LogLoss.logit))
        let scored = try ScoredExamples(scores: scores, labels: labels, subjects: subjects)
        probes.append((probe, try scored.auroc()))
      }
    }
    let ranked = probes.enumerated().sorted {
      ($1.element.auroc, $0.offset) < ($0.element.auroc, $1.offset)
    }.map(\.element.probe)
    let chosen = best(ranked, labels)
    let head = combined(chosen.probes, loss: chosen.loss, labels, subjects)
    return try FeatureHead(.linear, FeatureSelection(layers), place: .last, name: name)
      .fitted(head, material, parameters: chosen.probes.count * (size + 1))
  }

  /// The first probes, as many of 1, 2, 4 and so on as have the least validation loss together.
  private func best(_ ranked: [Probe], _ labels: [Bool]) -> (probes: [Probe], loss: Double) {
    var best: (probes: [Probe], loss: Double) = ([], .infinity)
    var count = 1
    while count / 2 < ranked.count {
      let probes = Array(ranked.prefix(count))
      let logits = labels.indices.map { row in
        Float(probes.reduce(0) { $0 + $1.logits[row] } / Double(probes.count))
      }
      let loss = LogLoss.mean(logits: logits, labels: labels)
      if loss < best.loss { best = (probes, loss) }
      count *= 2
    }
    return best
  }

  /// One linear head on all heads' outputs that is the mean of the probes.
  private func combined(
    _ probes: [Probe], loss: Double, _ labels: [Bool], _ subjects: [Int32]
  ) -> TrainedHead {
    let width = configuration.layerCount * configuration.modelDimension
    var weights = [Float](repeating: 0, count: width)
    var bias: Float = 0
    let share = 1 / Float(probes.count)
    for probe in probes {
      let standardizer = probe.head.standardizer
      for column in 0..<probe.head.inputWidth {
        let weight =
          share * probe.head.parameters[column] * standardizer.inverseDeviations[column]
        weights[probe.column + column] += weight
        bias -= weight * standardizer.means[column]
      }
      bias += share * probe.head.parameters[probe.head.inputWidth]
    }
    let scores = labels.indices.map { row in
      probes.reduce(0) { $0 + $1.logits[row] } / Double(probes.count)
    }
    let scored = try? ScoredExamples(scores: scores, labels: labels, subjects: subjects)
    return TrainedHead(
      architecture: .linear,
      standardizer: Standardizer(
        means: weights.map { _ in 0 }, inverseDeviations: weights.map { _ in 1 }),
      parameters: weights + [bias],
      report: HeadTrainingReport(
        stepCount: probes.count, bestStep: probes.count, regularization: 0, validationLoss: loss,
        validationAUROC: try? scored?.auroc()))
  }
}
