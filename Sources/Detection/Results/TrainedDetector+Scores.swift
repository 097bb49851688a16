package import Corpus
import Evaluation
import KnowledgeGraph
package import LanguageModel

extension TrainedDetector {
  /// What the language model must have captured for this detector.
  package var streams: Set<CaptureStream> {
    if case .head(_, let selection) = payload { return Set(selection.streams) }
    return []
  }

  /// Why this detector cannot read a language model of this shape; nil where it can.
  package func refusal(_ configuration: ModelConfiguration) -> String? {
    guard case .head(let head, let selection) = payload else { return fullRefusal(configuration) }
    if let stream = selection.streams.first(where: { !$0.exists(in: configuration) }) {
      return
        "\(name) reads \(stream.name), which a model of \(configuration.layerCount) layers does not have; "
        + Self.advice
    }
    let width = selection.streams.reduce(0) { $0 + $1.width(configuration) }
    let columns = selection.columns
    let fits =
      (columns?.count ?? width) == head.inputWidth
      && (columns?.allSatisfy((0..<width).contains) ?? true)
      && (columns == nil || lookbackFits(selection, configuration))
    guard fits else {
      return
        "\(name) reads \(head.inputWidth) values of an example, and this model does not have as many (layers: "
        + "\(configuration.layerCount), width: \(configuration.modelDimension), heads: "
        + "\(configuration.headCount)); \(Self.advice)"
    }
    return nil
  }

  private func fullRefusal(_ configuration: ModelConfiguration) -> String? {
    guard case .full(let network) = payload else { return nil }
    let own = network.model.configuration
    guard own.vocabularySize == configuration.vocabularySize else {
      return
        "\(name) knows \(own.vocabularySize) tokens, and this model \(configuration.vocabularySize); "
        + Self.advice
    }
    guard own.contextLength < configuration.contextLength else { return nil }
    return
      "\(name) reads texts of up to \(own.contextLength) tokens, and this model's may "
      + "have \(configuration.contextLength); \(Self.advice)"
  }

  private static let advice =
    "use it on a model of the shape it was trained on, or train one for this model with kglab detect"

  /// Lookback reads every head of the model it was trained on, so there must be as many.
  private func lookbackFits(
    _ selection: FeatureSelection, _ configuration: ModelConfiguration
  ) -> Bool {
    let heads = configuration.layerCount * configuration.headCount
    let last = (selection.columns?.max() ?? 0) / AttentionShare.allCases.count
    return last + 1 == heads
  }

  /// Scores of some examples of another set of answers, read by a language model.
  ///
  /// Throws `DetectionError.unsuitable` where the model's shape does not fit.
  package func scores(
    _ rows: [Int], of material: DetectorMaterial, text: TripleText
  ) throws -> [Double] {
    if let reason = refusal(material.features.configuration) {
      throw DetectionError.unsuitable(reason: reason)
    }
    switch payload {
    case .head(let head, let selection):
      return try head.probabilities(
        of: material.features.matrix(selection, rows: material.featureRows(rows, at: place)))
    case .full(let network):
      return try network.probabilities(
        rows.map { row in
          let example = material.set.examples[row]
          let query = material.graph.queries[example.query]
          return (
            prompt: text.prompt(subject: query.subject, predicate: query.predicate),
            tokens: material.answers.judged[example.answer].answer.tokens, place: example.place
          )
        }, workers: material.workers)
    }
  }
}
