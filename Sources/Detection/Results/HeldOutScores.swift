package import Evaluation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Training

/// Detectors of a run's answers that judge every answer without having learned from its subject.
///
/// Subjects are in five folds; a detector of each learns from three, stops by a fourth and judges
/// the fifth.
package struct HeldOutScores {
  package static let foldCount = 5

  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let heads: [HeadArchitecture]
  private let options: DetectionOptions
  private static let selection = FeatureSelection([.finalNorm])

  /// `heads` learn from `samples` answers to every query of the run, read at their last token.
  package init(
    of run: RunFolder, _ graph: KnowledgeGraph, heads: [HeadArchitecture], samples: Int,
    seed: UInt64
  ) throws {
    (self.run, self.graph, self.heads) = (run, graph, heads)
    var options = DetectionOptions()
    options.tasks = [.sentence]
    options.kinds = [.head]
    options.heads = [.linear]
    options.visibilities = Visibility.allCases
    (options.samples, options.evidence, options.seed) = (samples, 0, seed)
    try options.validate()
    self.options = options
  }

  /// The fold of a subject; those that share a name, whose questions read the same, are in one.
  func fold(_ subject: Int32) -> Int {
    var stream = Seed(options.seed).stream("detection/fold/\(graph.entities[Int(subject)].name)")
    return stream.below(Self.foldCount)
  }

  /// For each head the probability of hallucination of each answer, by the index of its query.
  ///
  /// Throws `DetectionError` where a fold has answers of one class only, and `LabError.interrupted`
  /// when stopped.
  package func scores(
    _ answers: [(query: Int, answer: SampledAnswer)], _ work: Work
  ) throws -> [[Double]] {
    let experiment = try DetectionRunner(run: run, graph: graph, options: options).experiment()
    let material = try experiment.materials(work: work.part(0...0.6))[0]
    let rows = Array(material.set.examples.indices)
    let features = try material.features.matrix(
      Self.selection, rows: material.featureRows(rows, at: .last))
    let width = features.count / max(1, rows.count)
    let texts = AnswerTexts(
      answers.map {
        let query = graph.queries[$0.query]
        return (query.subject, query.predicate, $0.answer.tokens)
      })
    let reader = try AnswerReader(
      model: run.askedModel(), text: experiment.models.text, workers: work.workers)
    let read = try AnswerFeatures(
      reading: texts, streams: Set(Self.selection.streams), with: reader, work: work.part(0.6...0.7)
    )
    let judged = try read.matrix(
      Self.selection, rows: answers.indices.map { texts.rows($0, at: .last) })
    let folds = material.set.examples.map { fold($0.subject) }
    var scores = heads.map { _ in [Double](repeating: 0, count: answers.count) }
    for test in 0..<Self.foldCount {
      if work.shouldStop() { throw LabError.interrupted("stopped while detectors were trained") }
      let validation = (test + 1) % Self.foldCount
      let examples = try HeadExamples(
        features: features, width: width, labels: material.set.examples.map(\.isHallucination),
        subjects: material.set.examples.map(\.subject),
        train: rows.filter { folds[$0] != test && folds[$0] != validation },
        validation: rows.filter { folds[$0] == validation })
      let trainer = HeadTrainer(examples, seed: Seed(options.seed))
      let places = answers.indices.filter {
        fold(graph.queries[answers[$0].query].subject) == test
      }
      let own = places.flatMap { judged[$0 * width..<($0 + 1) * width] }
      for (index, head) in heads.enumerated() {
        let trained = try trainer.train(head, name: "held-out/\(head.name)/\(test)")
        for (place, score) in zip(places, try trained.probabilities(of: own)) {
          scores[index][place] = score
        }
      }
      work.report(0.7 + 0.3 * Double(test + 1) / Double(Self.foldCount), "training detectors")
    }
    return scores
  }
}
