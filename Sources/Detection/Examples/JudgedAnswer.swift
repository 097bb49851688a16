import Compute
package import Corpus
package import Evaluation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// A completion that a detector is to judge, with the graph's verdict.
package struct JudgedAnswer: Hashable, Sendable {
  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  package let subject: Int32
  package let answer: SampledAnswer

  package init(query: Int, subject: Int32, answer: SampledAnswer) {
    self.query = query
    self.subject = subject
    self.answer = answer
  }

  package var isHallucination: Bool { answer.verdict.isHallucination }
}

/// Draws the completions that detectors judge, by the same code that measures hallucination rates.
package struct AnswerDrawer {
  private let evaluator: Evaluator
  private let visibilities: Set<Visibility>

  /// Prepares to draw `options.samples` completions a query at temperature 1 from the nested `fraction`.
  ///
  /// Throws as `Evaluator`.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double,
    wording: Wording = .triple, options: DetectionOptions, workers: Int
  ) throws {
    var evaluation = EvaluationOptions()
    evaluation.exactTemperatures = []
    evaluation.sampleTemperatures = [1]
    evaluation.samples = options.samples
    evaluation.seed = options.seed
    evaluator = try Evaluator(
      model: model, tokenizer: tokenizer, graph: graph, fraction: fraction, wording: wording,
      options: evaluation, workers: workers)
    visibilities = Set(options.visibilities)
  }

  private static let blockSize = 1_024

  /// All completions, by query and sample; duplicates are kept as drawn.
  ///
  /// `onProgress` gets the share done. Throws `LabError.interrupted` when asked to stop.
  package func draw(
    onProgress: (Double) -> Void, shouldStop: @Sendable () -> Bool
  ) throws -> [JudgedAnswer] {
    let graph = evaluator.graph
    var answers: [JudgedAnswer] = []
    let count = evaluator.queries.count
    for start in stride(from: 0, to: count, by: Self.blockSize) {
      let end = min(start + Self.blockSize, count)
      guard let outcomes = try evaluator.outcomes(of: start..<end, unless: shouldStop) else {
        throw LabError.interrupted("stopped while answers were drawn")
      }
      for outcome in outcomes {
        let query = graph.queries[outcome.query]
        guard visibilities.contains(query.visibility) else { continue }
        answers += outcome.answers.map {
          JudgedAnswer(query: outcome.query, subject: query.subject, answer: $0)
        }
      }
      onProgress(Double(end) / Double(count))
    }
    return answers
  }
}
