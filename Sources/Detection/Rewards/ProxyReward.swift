import Compute
package import Corpus
package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Training

/// Detectors that judge answers in place of the graph (arXiv 2406.01013, 2310.02743).
///
/// They learn from one model's answers with some labels flipped, and read that model's states of
/// any answer, whoever wrote it. A detector's reward is its log-odds that an answer is right.
package struct ProxyReward: AnswerReward {
  private let choice: RewardChoice
  private let heads: [TrainedHead]
  private let reader: AnswerReader

  /// What is read of an answer: the final norm's output at its last token.
  private static let selection = FeatureSelection([.finalNorm])
  private static let place = AnswerPlace.last

  /// Combines the rewards of several detectors of one answer.
  package static func combined(_ rewards: [Double], _ choice: RewardChoice) -> Double {
    let mean = rewards.reduce(0, +) / Double(rewards.count)
    switch choice.combination {
    case .mean: return mean
    case .min: return rewards.min() ?? mean
    case .penalized:
      let variance = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return mean - choice.penalty * variance / Double(rewards.count)
    }
  }

  /// The rewards of each detector for each answer to each query.
  package func members(
    _ answers: [(query: Query, answers: [SampledAnswer])], _ work: Work = Work()
  ) throws -> [[[Double]]] {
    var places: [Text: Int] = [:]
    var texts: [Text] = []
    let indices = answers.map { query, own in
      own.map { answer in
        let text = Text(query: query, tokens: answer.tokens)
        if let place = places[text] { return place }
        places[text] = texts.count
        texts.append(text)
        return texts.count - 1
      }
    }
    let read = AnswerTexts(texts.map { ($0.query.subject, $0.query.predicate, $0.tokens) })
    let features = try AnswerFeatures(
      reading: read, streams: Set(Self.selection.streams), with: reader, work: work)
    let values = try features.matrix(
      Self.selection, rows: texts.indices.map { read.rows($0, at: Self.place) })
    let scores = try heads.map { head in
      try head.probabilities(of: values).map { -LogLoss.logit($0) }
    }
    let rewards = texts.indices.map { index in
      zip(heads, scores).flatMap { head, own in
        let outputs = head.architecture.outputs
        return own[index * outputs..<(index + 1) * outputs]
      }
    }
    return indices.map { $0.map { rewards[$0] } }
  }

  /// What makes the detectors of a choice when it is asked for; nil without one.
  package static func maker(
    _ choice: RewardChoice?, of run: RunFolder?, graph: KnowledgeGraph, _ work: Work
  ) -> (() throws -> any AnswerReward)? {
    guard let choice, let run else { return nil }
    return {
      try Lesson(choice, of: run, graph: graph, work)
        .reward(choice.ensemble, choice.combination)
    }
  }

  private struct Text: Hashable {
    let query: Query
    let tokens: [Int32]
  }

  package func rewards(
    _ answers: [(query: Query, answers: [SampledAnswer])], _ work: Work
  ) throws -> [[Double]] {
    try members(answers, work).map { $0.map { Self.combined($0, choice) } }
  }

  // MARK: Training

  /// The answers of a run that detectors learn from, read once for all ensembles.
  package struct Lesson {
    /// Queries of these subjects were not learned from.
    package let testSubjects: Set<Int32>
    private let examples: HeadExamples
    private let choice: RewardChoice
    private let reader: AnswerReader

    /// Draws and reads the answers and flips labels; the choice's ensemble and combination do not
    /// matter.
    ///
    /// Throws `DetectionError` where the graph is too small to split or all answers are of one
    /// class, and `LabError.interrupted` when stopped.
    package init(
      _ choice: RewardChoice, of run: RunFolder, graph: KnowledgeGraph, _ work: Work = Work()
    ) throws {
      try choice.validate()
      var options = DetectionOptions()
      options.tasks = [.sentence]
      options.kinds = [.head]
      options.heads = [.linear]
      (options.samples, options.evidence, options.seed) = (choice.samples, 0, choice.seed)
      let runner = try DetectionRunner(run: run, graph: graph, options: options)
      let experiment = try runner.experiment()
      let material = try experiment.materials(work: work)[0]
      let split = try SubjectSplit(of: graph, seed: Seed(choice.seed))
      testSubjects = Set(split.subjects[.test] ?? [])
      let (train, validation) = (material.rows(.train), material.rows(.validation))
      let learned = train + validation
      var stream = Seed(choice.seed).stream("rewards/flips")
      let labels = learned.map { row in
        material.set.examples[row].isHallucination != (stream.uniform() < choice.flips)
      }
      let features = try material.features.matrix(
        ProxyReward.selection, rows: material.featureRows(learned, at: ProxyReward.place))
      examples = try HeadExamples(
        features: features, width: features.count / max(1, learned.count), labels: labels,
        subjects: learned.map { material.set.examples[$0].subject },
        train: Array(train.indices), validation: Array(train.count..<learned.count))
      self.choice = choice
      reader = try AnswerReader(
        model: run.askedModel(), text: experiment.models.text, workers: work.workers)
    }

    /// The detectors of an ensemble; the one is the first of the three.
    package func reward(
      _ ensemble: RewardChoice.Ensemble, _ combination: RewardChoice.Combination = .mean
    ) throws -> ProxyReward {
      let trainer = HeadTrainer(examples, seed: Seed(choice.seed))
      let heads: [TrainedHead]
      switch ensemble {
      case .one, .three:
        let body = HeadArchitecture(hiddenSizes: [choice.hidden])
        heads = try (0..<(ensemble == .one ? 1 : 3)).map {
          try trainer.train(body, name: "reward/\($0)")
        }
      case .heads:
        let body = HeadArchitecture(hiddenSizes: [choice.hidden], outputs: 3)
        heads = [try trainer.train(body, name: "reward/heads")]
      }
      var choice = choice
      (choice.ensemble, choice.combination) = (ensemble, combination)
      return ProxyReward(choice: choice, heads: heads, reader: reader)
    }
  }
}
