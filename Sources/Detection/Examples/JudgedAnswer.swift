import Compute
package import Corpus
package import Evaluation
package import KnowledgeGraph
package import LabCore
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

/// What was drawn for detectors: the answers that they judge, and further completions of the same
/// queries.
package struct DrawnAnswers: Hashable, Sendable {
  /// By query and sample; duplicates are kept as drawn.
  package var judged: [JudgedAnswer] = []
  /// One for each query, in order; empty where no evidence was asked for.
  package var evidence: [QueryEvidence] = []

  package init(judged: [JudgedAnswer] = [], evidence: [QueryEvidence] = []) {
    self.judged = judged
    self.evidence = evidence
  }
}

/// Draws the completions that detectors judge, by the same code that measures hallucination rates.
package struct AnswerDrawer {
  private let evaluator: Evaluator
  private let visibilities: Set<Visibility>
  private let sampleCount: Int

  /// Prepares to draw `options.samples` and `options.evidence` completions a query at temperature 1
  /// from the nested `fraction`.
  ///
  /// Throws as `Evaluator`.
  package init(
    model: any AskedModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double,
    wording: Wording = .triple, options: DetectionOptions, workers: Int
  ) throws {
    var evaluation = EvaluationOptions()
    evaluation.exactTemperatures = []
    evaluation.sampleTemperatures = [1]
    evaluation.samples = options.samples + options.evidence
    evaluation.seed = options.seed
    evaluator = try Evaluator(
      model: model, tokenizer: tokenizer, graph: graph, fraction: fraction, wording: wording,
      options: evaluation, workers: workers)
    visibilities = Set(options.visibilities)
    sampleCount = options.samples
  }

  private static let blockSize = 1_024

  /// All completions of the queries.
  ///
  /// Throws `LabError.interrupted` when asked to stop.
  package func draw(_ work: Work = Work()) throws -> DrawnAnswers {
    let graph = evaluator.graph
    var drawn = DrawnAnswers()
    let count = evaluator.queries.count
    for start in stride(from: 0, to: count, by: Self.blockSize) {
      let end = min(start + Self.blockSize, count)
      guard let outcomes = try evaluator.outcomes(of: start..<end, unless: work.shouldStop) else {
        throw LabError.interrupted("stopped while answers were drawn")
      }
      for outcome in outcomes {
        let query = graph.queries[outcome.query]
        guard visibilities.contains(query.visibility) else { continue }
        drawn.judged += outcome.answers.prefix(sampleCount).map {
          JudgedAnswer(query: outcome.query, subject: query.subject, answer: $0)
        }
        let rest = outcome.answers.dropFirst(sampleCount)
        if !rest.isEmpty {
          drawn.evidence.append(QueryEvidence(query: outcome.query, completions: Array(rest)))
        }
      }
      let share = Double(end) / Double(count)
      work.report(share, "drawing answers \(Readable.percent(share))")
    }
    return drawn
  }
}
