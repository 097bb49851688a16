import Corpus
import KnowledgeGraph
import LabCore
import LanguageModel

/// Where a true answer stands among wrong ones of the right type.
package struct RankedAnswer: Hashable, Sendable {
  package let object: Int32
  /// From 1 for the likeliest; an equally likely candidate counts half.
  package let rank: Double
  /// Wrong answers it was held against.
  package let candidateCount: Int
  /// In nats at temperature 1, end token included.
  package let logProbability: Double
}

/// Ranks true answers among candidates by the probability of the whole name, as multiple-choice
/// tests do.
struct CandidateRanker {
  let text: TripleText
  let count: Int
  let seed: Seed
  private let draw: CandidateDraw

  init(graph: KnowledgeGraph, text: TripleText, count: Int, seed: Seed) {
    self.text = text
    self.count = count
    self.seed = seed
    draw = CandidateDraw(graph: graph)
  }

  /// For each question the query's own answers, one of each name, in the order of the graph.
  ///
  /// A namesake's answers are right too, so that none of them is a candidate, but they are graded
  /// where they belong.
  func rank(_ questions: [Question], in session: any AskedSession) throws -> [[RankedAnswer]] {
    let own = questions.map { question in question.truth.compactMap(\.ownObject).sorted() }
    let items = zip(questions, own).map { question, answers in
      let objects = answers + draw.wrongObjects(count, for: question.query, seed: seed)
      return PromptedCompletions(
        prompt: question.prompt, completions: objects.map { text.completion(object: $0) })
    }
    let scores = try session.checkedLogProbabilities(items)
    return zip(own, scores).map { answers, scores in
      let wrong = scores.dropFirst(answers.count).map { $0[0] }
      return zip(answers, scores).map { object, score in
        RankedAnswer(
          object: object,
          rank: 1 + Double(wrong.count { $0 > score[0] })
            + Double(wrong.count { $0 == score[0] }) / 2,
          candidateCount: wrong.count, logProbability: score[0])
      }
    }
  }
}
