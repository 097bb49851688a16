import Evaluation
import LabCore
import LanguageModel

/// A run whose model is asked how likely it finds another's answers.
package struct JudgeChoice: Codable, Hashable, Sendable {
  /// Its size, with the beginning of its hash beside another of that size.
  package let name: String
  package let weightsHash: String

  enum CodingKeys: String, CodingKey {
    case name
    case weightsHash = "weights_sha256"
  }
}

/// -log p that the model of another run gives to the answer, or to its token: kind `score`.
///
/// The token that ended the answer is included where the judged model wrote it.
package struct CrossModelScore: DetectorRecipe {
  private let judge: LanguageModel
  private let models: ModelShelf

  package let kind = DetectorKind.score
  package let name: String
  package let family = "cross-log-probability"
  package let takesAllWorkers = true

  static func recipes(_ book: RecipeBook) throws -> [any DetectorRecipe] {
    guard book.set.position != .before else { return [] }
    return try book.options.judges.map { choice in
      let name = "log-probability-of-\(choice.name)"
      guard let judge = book.models.others[choice.weightsHash] else {
        throw LabError("the weights of \(name) were not given", .failure)
      }
      return CrossModelScore(judge: judge, models: book.models, name: name + book.set.suffix)
    }
  }

  /// The size is that of the model asked.
  package var shape: DetectorShape {
    DetectorShape(parameters: judge.configuration.nonEmbeddingParameterCount, isPretrained: true)
  }

  package func make(_ material: DetectorMaterial) throws -> FittedDetector {
    let reader = try AnswerReader(
      model: judge.withContext(models.judged.configuration.contextLength), text: models.text,
      workers: material.work.workers)
    let features = try AnswerFeatures(
      reading: material.features.texts, streams: [], with: reader, work: material.work)
    return material.scores { row in
      let example = material.set.examples[row]
      let values = features.reading(example.answer).logProbabilities
      if let token = example.place { return -Double(values[token - 1]) }
      let written = material.answer(row).answer.ended ? values[...] : values.dropLast()
      return written.reduce(0) { $0 - Double($1) }
    }
  }
}
