import KnowledgeGraph
import LabCore
import LanguageModel

/// EigenScore of further completions (arXiv 2402.03744): kind `score`.
///
/// It reads the completions' states itself, with all workers.
package struct EigenScoreDetector: DetectorRecipe {
  private let models: ModelShelf

  package var kind: DetectorKind { .score }
  package var name: String { "eigen-score" }
  package var takesAllWorkers: Bool { true }

  static func recipes(_ book: RecipeBook) -> [any DetectorRecipe] {
    book.hasEvidence ? [EigenScoreDetector(models: book.models)] : []
  }

  /// The layer whose last-token states are compared: the middle one.
  private var stream: CaptureStream { .residual((models.judged.configuration.layerCount + 1) / 2) }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let scores = try scores(material)
    return try material.scores { row in
      guard let score = scores[material.set.examples[row].query] else {
        throw DetectionError.noEvidence
      }
      return score
    }
  }

  /// The score of each query's further completions, by the query's index.
  private func scores(_ material: DetectorMaterial) throws -> [Int: Double] {
    let evidence = material.answers.evidence
    let triples = evidence.flatMap { own in
      own.texts.map { text in
        let query = models.graph.queries[own.query]
        return (subject: query.subject, predicate: query.predicate, tokens: text.tokens)
      }
    }
    let reader = try AnswerReader(
      model: models.judged, text: models.text, workers: material.work.workers)
    let features = try AnswerFeatures(
      reading: AnswerTexts(triples), streams: [stream], with: reader, work: material.work)
    let width = models.judged.configuration.modelDimension
    let states = try features.matrix(
      FeatureSelection([stream]),
      rows: triples.indices.map { features.texts.rows($0, at: .last) })
    var scores: [Int: Double] = [:]
    var row = 0
    for own in evidence {
      scores[own.query] = EigenScore.value(
        own.texts.enumerated().map { place, text in
          let start = (row + place) * width
          return (values: states[start..<(start + width)], count: text.count)
        })
      row += own.texts.count
    }
    return scores
  }
}
