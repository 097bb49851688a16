import Foundation
import KnowledgeGraph
import LanguageModel

/// Exact probabilities of right answers.
struct AnswerScorer {
  let temperatures: [Double]
  /// Which tokens may be drawn, where that is not all of them.
  var truncation = Truncation()

  /// For each question its outcome at each temperature.
  func score(_ questions: [Question], in session: any AskedSession) throws -> [[ExactOutcome]] {
    guard !temperatures.isEmpty else { return questions.map { _ in [] } }
    let scores = try session.checkedLogProbabilities(
      questions.map(\.prompted),
      options: ScoringOptions(
        inverseTemperatures: temperatures.map { Float(1 / $0) }, truncation: truncation))
    return zip(questions, scores).map { question, own in
      temperatures.enumerated().map { index, temperature in
        var (correct, heldOut) = (0.0, 0.0)
        for (completion, score) in zip(question.truth, own) {
          let probability = exp(score[index])
          if completion.isVisible { correct += probability } else { heldOut += probability }
        }
        return ExactOutcome(
          temperature: temperature, correct: min(1, correct), correctHeldOut: min(1, heldOut))
      }
    }
  }
}
