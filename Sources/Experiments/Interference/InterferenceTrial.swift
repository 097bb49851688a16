import Compute
import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel

/// What wrong answers are ranked by.
package enum InterferenceScorer: String, Codable, CaseIterable, Sendable {
  /// Kernel mass: by how much one epoch of plain gradient descent on the facts of an object moves
  /// log P(object | question).
  case kernel
  /// The largest cosine of the gradient of log P(object | question) and that of one of its facts.
  case cosine
  /// Presentations of the object under the predicate in an epoch.
  case popularity
  /// The fewest edits from the subject's name to that of a subject of which the object is said.
  case names
}

/// The place of one wrong answer among the candidates of its question.
struct RankedWrongAnswer: Sendable {
  let query: Int
  let subject: Int32
  let object: Int32
  let candidateCount: Int
  /// By scorer from 1, ties counted half.
  let ranks: [InterferenceScorer: Double]
  /// By scorer the chance of being taken for the first, ties broken by lot.
  let firsts: [InterferenceScorer: Double]
  /// The fact with the largest cosine to the question with the fact's own object.
  let nearest: TaughtTriple
  let nearestCosine: Double
}

/// Ranks the candidates of wrong answers, with the memory of one worker.
struct InterferenceTrial {
  let graph: KnowledgeGraph
  let text: TripleText
  let taught: TaughtObjects
  let kernel: EmpiricalKernel
  let settings: InterferenceMeasure.Settings

  /// The ranks of a wrong answer; nil where there is nothing to rank.
  func ranks(query place: Int, given: Int32) -> RankedWrongAnswer? {
    let query = graph.queries[place]
    var stream = Seed(settings.seed).stream("interference/\(place)")
    guard
      let candidates = taught.candidates(
        query, given: given, count: settings.candidateCount, &stream)
    else { return nil }
    let prompt = text.prompt(subject: query.subject, predicate: query.predicate)
    let name = graph.entities[Int(query.subject)].name.lowercased()
    var scores: [InterferenceScorer: [Double]] = [:]
    var nearest: (fact: TaughtTriple, cosine: Double) = (candidates[0].facts[0], -.infinity)
    for candidate in candidates {
      var facts = candidate.facts
      stream.shuffle(&facts)
      let pull = pull(prompt, candidate.object, Array(facts.prefix(settings.factCount)))
      scores[.kernel, default: []].append(pull.mean * Double(candidate.exposures))
      scores[.cosine, default: []].append(pull.best.cosine)
      scores[.popularity, default: []].append(Double(candidate.exposures))
      let distances = candidate.facts.map {
        Suggestion.distance(graph.entities[Int($0.triple.subject)].name.lowercased(), name)
      }
      scores[.names, default: []].append(-Double(distances.min() ?? 0))
      if pull.best.cosine > nearest.cosine { nearest = pull.best }
    }
    let places = scores.mapValues(Self.place)
    return RankedWrongAnswer(
      query: place, subject: query.subject, object: candidates[0].object,
      candidateCount: candidates.count, ranks: places.mapValues(\.rank),
      firsts: places.mapValues(\.first), nearest: nearest.fact, nearestCosine: nearest.cosine)
  }

  /// The place of the first of some scores, of which the highest is the best.
  static func place(_ scores: [Double]) -> (rank: Double, first: Double) {
    let better = scores.count { $0 > scores[0] }
    let equal = scores.count { $0 == scores[0] }
    return (
      Double(better) + Double(equal + 1) / 2, better == 0 ? 1 / Double(equal) : 0
    )
  }

  /// The mean kernel of some facts with a question and its answer, by their presentations, and the
  /// fact of largest cosine.
  private func pull(
    _ prompt: [Int32], _ object: Int32, _ facts: [TaughtTriple]
  ) -> (mean: Double, best: (fact: TaughtTriple, cosine: Double)) {
    let texts =
      [AnsweredPrompt(prompt: prompt, answer: text.completion(object: object))]
      + facts.map { fact in
        AnsweredPrompt(
          prompt: text.prompt(subject: fact.triple.subject, predicate: fact.triple.predicate),
          answer: text.completion(object: fact.triple.object))
      }
    let products = kernel.kernel(of: texts)
    var (sum, weight) = (0.0, 0.0)
    var best: (fact: TaughtTriple, cosine: Double) = (facts[0], -.infinity)
    for (index, fact) in facts.enumerated() {
      let product = products[0, index + 1]
      sum += product * Double(fact.exposures)
      weight += Double(fact.exposures)
      let square = products[0, 0] * products[index + 1, index + 1]
      let cosine = square > 0 ? product / square.squareRoot() : 0
      if cosine > best.cosine { best = (fact, cosine) }
    }
    return (sum / weight, best)
  }
}
