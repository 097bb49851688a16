import Corpus
import Foundation
import KnowledgeGraph
import LanguageModel

/// Exact probabilities of the answers of queries.
struct AnswerScorer {
  let graph: KnowledgeGraph
  let text: TripleText
  let temperatures: [Double]
  /// Which tokens may be drawn, where that is not all of them.
  var truncation = Truncation()

  /// For each query its outcome at each temperature.
  ///
  /// Answers that share a name are one completion, counted once, as visible if any of them is: the same
  /// rule as for verdicts.
  func score(_ queries: [Query], in session: InferenceSession) throws -> [[ExactOutcome]] {
    guard !temperatures.isEmpty else { return queries.map { _ in [] } }
    var items: [PromptedCompletion] = []
    var isVisible: [Bool] = []
    var ends: [Int] = []
    for query in queries {
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      var places: [[Int32]: Int] = [:]
      for answer in graph.truth(of: query) {
        let completion = text.completion(object: answer.object)
        if let place = places[completion] {
          isVisible[place] = isVisible[place] || answer.isVisible
        } else {
          places[completion] = items.count
          items.append(PromptedCompletion(prompt: prompt, completion: completion))
          isVisible.append(answer.isVisible)
        }
      }
      ends.append(items.count)
    }
    let scores = try session.completionLogProbabilities(
      items, inverseTemperatures: temperatures.map { Float(1 / $0) }, truncation: truncation)
    var first = 0
    return ends.map { end in
      defer { first = end }
      return temperatures.enumerated().map { index, temperature in
        var (correct, heldOut) = (0.0, 0.0)
        for item in first..<end {
          let probability = exp(scores[item][index])
          if isVisible[item] { correct += probability } else { heldOut += probability }
        }
        return ExactOutcome(
          temperature: temperature, correct: min(1, correct), correctHeldOut: min(1, heldOut))
      }
    }
  }
}
