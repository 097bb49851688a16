package import Analysis
import Foundation
import KnowledgeGraph
import LabCore

/// Two runs' answers to the same queries of one set, held against each other.
package struct ComparisonRow: Codable, Hashable, Sendable {
  package let visibility: QuerySet
  package let queryCount: Int
  package let subjectCount: Int
  /// Exact rates at temperature 1 and their difference, second minus first, with the interval over
  /// subjects.
  package let exact: PairedDifference?
  /// Which of both answers each query right.
  package let answers: McNemar
  package let exactProbability: Double
  package let midProbability: Double

  enum CodingKeys: String, SnakeCaseKey {
    case visibility, exact, answers, queryCount, subjectCount
    case exactProbability = "mcnemar_exact_p"
    case midProbability = "mcnemar_mid_p"
  }
}

/// Two runs on one graph, compared query by query.
package struct EvaluationComparison: Codable, Hashable, Sendable {
  /// Keys of the evaluations compared.
  package let evaluations: [String]
  package let graphHash: String
  /// "greedy", or "sample" for the first draw at temperature 1.
  package let answer: String
  /// Queries that both were asked; fewer than either where they were trained on other fractions.
  package let queryCount: Int
  package let rows: [ComparisonRow]
}

/// One run's side of a comparison: its results, read from run.sqlite.
struct ComparedRun {
  let summary: EvaluationSummary
  /// Exact hallucination probability at temperature 1 of each query; empty where it was not
  /// measured.
  let exact: [Int: Double]
  /// Whether the answer to each query is right.
  let isRight: [Int: Bool]
}

extension EvaluationComparison {
  /// Compares the newest evaluations of two run folders that measured the same thing.
  ///
  /// Throws `LabError` where a run was not evaluated, the graphs differ, or the evaluations have
  /// nothing in common.
  package init(
    _ first: RunDatabase, _ second: RunDatabase, names: (String, String), seed: UInt64 = 0,
    resamples: Int = 1_000
  ) throws {
    let (one, other) = (try Self.usable(first, names.0), try Self.usable(second, names.1))
    guard let (a, b) = Self.match(one, other) else {
      if let hashes = Self.graphs(one, other), hashes.0 != hashes.1 {
        throw LabError(
          "\(names.0) and \(names.1) were trained on different graphs (content hashes "
            + "\(hashes.0.prefix(12)) and \(hashes.1.prefix(12))), so that their queries cannot be paired; "
            + "compare runs on one graph")
      }
      throw LabError(
        "\(names.0) and \(names.1) have no evaluation in common with an exact rate at temperature 1 and "
          + "greedy answers or samples at temperature 1; run kglab evaluate on both with the same options"
      )
    }
    let temperature: Double = Self.hasGreedy(a) && Self.hasGreedy(b) ? 0 : 1
    let left = try first.compared(a, temperature: temperature)
    let right = try second.compared(b, temperature: temperature)
    let common = left.isRight.keys.filter { right.isRight[$0] != nil }.sorted()
    let queries = try first.queries(common)
    let bootstrap = Bootstrap(
      seed: Seed(seed).derived("compare"), replicates: max(1, resamples))
    evaluations = [a.key, b.key]
    graphHash = a.graphHash
    answer = temperature == 0 ? "greedy" : "sample"
    queryCount = common.count
    rows = QuerySet.all.compactMap { set in
      let own = queries.filter { set.contains($0.visibility) }
      guard !own.isEmpty else { return nil }
      let subjects = own.map(\.subject)
      func clusters(_ run: ComparedRun) -> [ClusterSum]? {
        let values = own.compactMap { run.exact[$0.id] }
        guard values.count == own.count else { return nil }
        return ClusterSum.grouped(subjects, values.map { ($0, 1) })
      }
      let exact = clusters(left).flatMap { one in
        clusters(right).flatMap {
          bootstrap.difference(one, $0, stream: "exact/\(set.rawValue)")
        }
      }
      let answers = McNemar(
        own.lazy.map { (left.isRight[$0.id] ?? false, right.isRight[$0.id] ?? false) })
      return ComparisonRow(
        visibility: set, queryCount: own.count, subjectCount: Set(subjects).count, exact: exact,
        answers: answers, exactProbability: answers.exactProbability,
        midProbability: answers.midProbability)
    }
  }

  /// Finished evaluations, newest first, that can be compared.
  private static func usable(_ database: RunDatabase, _ name: String) throws -> [EvaluationSummary]
  {
    let all = try database.summaries()
    guard !all.isEmpty else {
      throw LabError(
        "\(name) was not evaluated yet; run kglab evaluate \(Readable.shellWord(name))")
    }
    return all.reversed()
  }

  private static func hasGreedy(_ summary: EvaluationSummary) -> Bool {
    summary.options.sampleTemperatures.contains(0)
  }

  private static func hasSample(_ summary: EvaluationSummary) -> Bool {
    summary.options.sampleTemperatures.contains(1)
  }

  /// The newest pair on one graph under the same cut that has an answer for each query.
  private static func match(
    _ first: [EvaluationSummary], _ second: [EvaluationSummary]
  ) -> (EvaluationSummary, EvaluationSummary)? {
    for one in first where one.checkpointStep == nil {
      for other in second
      where other.checkpointStep == nil && one.graphHash == other.graphHash
        && one.options.truncation == other.options.truncation
        && (hasGreedy(one) && hasGreedy(other)
          || hasSample(one) && hasSample(other) && one.options.seed == other.options.seed)
      {
        return (one, other)
      }
    }
    return nil
  }

  private static func graphs(
    _ first: [EvaluationSummary], _ second: [EvaluationSummary]
  ) -> (String, String)? {
    guard let one = first.first, let other = second.first else { return nil }
    return (one.graphHash, other.graphHash)
  }
}
