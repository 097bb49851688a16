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

  package init(object: Int32, rank: Double, candidateCount: Int, logProbability: Double) {
    self.object = object
    self.rank = rank
    self.candidateCount = candidateCount
    self.logProbability = logProbability
  }
}

/// Ranks true answers among candidates by the probability of the whole name, as multiple-choice tests do.
struct CandidateRanker {
  let graph: KnowledgeGraph
  let text: TripleText
  let count: Int
  let seed: Seed
  private let draw: CandidateDraw

  init(graph: KnowledgeGraph, text: TripleText, count: Int, seed: Seed) {
    self.graph = graph
    self.text = text
    self.count = count
    self.seed = seed
    draw = CandidateDraw(graph: graph)
  }

  /// For each query its true answers, one of each name, in the order of the graph.
  func rank(_ queries: [Query], in session: InferenceSession) throws -> [[RankedAnswer]] {
    var items: [PromptedCompletion] = []
    var plans: [(answers: [Int32], candidateCount: Int)] = []
    for query in queries {
      let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
      var names: Set<[Int32]> = []
      let answers = graph.answers[query.answers].map(\.object).filter {
        names.insert(text.completion(object: $0)).inserted
      }
      let candidates = draw.wrongObjects(count, for: query, seed: seed)
      items += (answers + candidates).map {
        PromptedCompletion(prompt: prompt, completion: text.completion(object: $0))
      }
      plans.append((answers, candidates.count))
    }
    let scores = try session.completionLogProbabilities(items, inverseTemperatures: [1])
      .map { $0[0] }
    var first = 0
    return plans.map { plan in
      let own = scores[first..<first + plan.answers.count + plan.candidateCount]
      first += own.count
      let wrong = own.dropFirst(plan.answers.count)
      return zip(plan.answers, own).map { object, score in
        RankedAnswer(
          object: object,
          rank: 1 + Double(wrong.count { $0 > score }) + Double(wrong.count { $0 == score }) / 2,
          candidateCount: plan.candidateCount, logProbability: score)
      }
    }
  }
}
