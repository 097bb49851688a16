import Analysis
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// Answers of a run with what the graph and detectors say of each.
struct OptimisedAnswers {
  private let settings: RewardsMeasure.Settings
  private let queries: [Query]
  /// Whether each answer to each query is wrong.
  private let wrong: [[Bool]]
  /// The exact rate of each query at temperature 1.
  private let exact: [Double]
  /// For each ensemble the rewards of its detectors for each answer to each query.
  private let rewards: [(ensemble: RewardChoice.Ensemble, members: [[[Double]]])]
  /// Log-probability of answers less that of the first model, each query's mean; nil for the first
  /// model.
  private let divergence: [Double]?

  init(_ subject: MeasuredRun, _ settings: RewardsMeasure.Settings, _ work: Work) throws {
    let graph = try subject.graph()
    let (run, head) = (try subject.open(), try subject.siblings[0].open())
    self.settings = settings
    var choice = settings.reward
    choice.of = head.record.weightsHash ?? ""
    let lesson = try ProxyReward.Lesson(choice, of: head, graph: graph, work.part(0...0.2))
    let fraction = run.record.configuration.corpus.fraction
    // Those of least rank, which is random; in the order of the graph, so that those of a subject
    // stand together.
    let queries = graph.queries.indices.filter { index in
      let query = graph.queries[index]
      return query.visibility != .ivs && query.rank < fraction
        && lesson.testSubjects.contains(query.subject)
    }.sorted {
      (graph.queries[$0].rank, $0) < (graph.queries[$1].rank, $1)
    }.prefix(settings.queryCount).sorted().map { graph.queries[$0] }
    guard !queries.isEmpty else {
      throw LabError(
        "the graph of \(run.url.relativePath) has no query of a subject that detectors did not learn from; take a larger one"
      )
    }
    self.queries = queries
    let answering = try AnsweringRun(run, graph: graph, workers: work.workers)
    var options = EvaluationOptions()
    options.sampleTemperatures = [1]
    options.samples = settings.samples
    options.seed = settings.seed
    let drawn = try answering.draw(queries, options, work.part(0.2...0.6))
    wrong = drawn.map { $0.map(\.verdict.isHallucination) }
    exact = try answering.exact(queries, temperatures: [1], work.part(0.6...0.65)).map {
      $0[0].hallucination
    }
    let answers = zip(queries, drawn).map { (query: $0, answers: $1) }
    let ensembles = RewardChoice.Ensemble.allCases
    rewards = try ensembles.enumerated().map { index, ensemble in
      let start = 0.65 + 0.1 * Double(index)
      let part = work.part(start...start + 0.1, "\(ensemble.rawValue): ")
      return (ensemble, try lesson.reward(ensemble).members(answers, part))
    }
    guard run.record.weightsHash != head.record.weightsHash else {
      divergence = nil
      return
    }
    let texts = answers.map {
      (query: $0.query, texts: $0.answers.map(\.line).filter { !$0.isEmpty })
    }
    let first = try AnsweringRun(head, graph: graph, workers: work.workers)
    let own = try answering.logProbabilities(texts, work.part(0.95...0.97))
    let other = try first.logProbabilities(texts, work.part(0.97...1))
    divergence = zip(own, other).map { a, b in
      zip(a, b).reduce(0) { $0 + $1.0[0] - $1.1[0] } / Double(settings.samples)
    }
  }

  /// The numbers of draws that the best is taken of: powers of 2, and all.
  private var sizes: [Int] {
    var sizes = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < settings.samples })
    sizes.append(settings.samples)
    return sizes
  }

  /// Every ensemble and combination, the graph first.
  func points() -> [RewardPoint] {
    var points = self.points(RewardPoint.graph, "none", wrong.map { $0.map { $0 ? 0 : 1 } }) { $0 }
    for (ensemble, members) in rewards {
      let combinations: [RewardChoice.Combination] =
        ensemble == .one ? [.mean] : RewardChoice.Combination.allCases
      for combination in combinations {
        var choice = settings.reward
        (choice.ensemble, choice.combination) = (ensemble, combination)
        points += self.points(
          ensemble.rawValue, combination.rawValue,
          members.map { $0.map { ProxyReward.combined($0, choice) } }, LogLoss.probability)
      }
    }
    return points
  }

  /// `probability` makes of a reward how likely an answer is said to be right.
  private func points(
    _ reward: String, _ combination: String, _ rewards: [[Double]],
    _ probability: (Double) -> Double
  ) -> [RewardPoint] {
    guard let divergence else {
      return sizes.map { n in
        let weights = rewards.map { BestOfN.weights($0, of: n) }
        return point(
          reward, combination, n, BestOfN.divergence(n), rewards, weights, probability)
      }
    }
    let weights = rewards.map { own in own.map { _ in 1 / Double(own.count) } }
    return [
      point(
        reward, combination, 0, Mean.of(divergence) ?? 0, rewards, weights, probability)
    ]
  }

  private func point(
    _ reward: String, _ combination: String, _ n: Int, _ divergence: Double, _ rewards: [[Double]],
    _ weights: [[Double]], _ probability: (Double) -> Double
  ) -> RewardPoint {
    let rates = zip(weights, wrong).map { weights, wrong in
      zip(weights, wrong).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
    }
    let said = zip(weights, rewards).map { weights, rewards in
      zip(weights, rewards).reduce(0) { $0 + $1.0 * probability($1.1) }
    }
    let bootstrap = SubjectBootstrap(
      subjects: queries.map(\.subject), series: [rates, said, exact.map { pow($0, Double(n)) }])
    let means = bootstrap.measured(
      resamples: settings.resampleCount,
      Seed(settings.seed).stream("rewards/\(reward)/\(combination)/\(n)"))
    return RewardPoint(
      reward: reward, combination: combination, n: n, divergence: divergence,
      rate: means[0].value, lower: means[0].lower, upper: means[0].upper, said: means[1].value,
      saidLower: means[1].lower, saidUpper: means[1].upper,
      exactRate: reward == RewardPoint.graph && n > 0 ? means[2].value : nil,
      queryCount: queries.count)
  }
}
