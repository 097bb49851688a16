import Analysis
import Compute
import KnowledgeGraph
import LabCore

/// The numbers of one query that rates are made of, without its texts.
struct QueryTally {
  /// Index in `KnowledgeGraph.queries`.
  let query: Int
  let exact: [ExactOutcome]
  let sampled: [SampledOutcome]
  let ranked: [RankedAnswer]
}

/// Turns tallies of queries into rates, verdict counts and coverage.
struct RateTables {
  let graph: KnowledgeGraph
  let options: EvaluationOptions
  /// In rising order of the query's index, hence of the subject's.
  let tallies: [QueryTally]
  /// Every set with each of its groups.
  let cells: [QueryCell]

  init(graph: KnowledgeGraph, fraction: Double, options: EvaluationOptions, tallies: [QueryTally]) {
    self.graph = graph
    self.options = options
    self.tallies = tallies
    cells = QueryGroups(graph: graph, fraction: fraction, queries: tallies.map(\.query)).cells
  }

  /// The share of each kind of answer among one query's answers.
  private struct Shares {
    var hallucination: Double
    var correct: Double
    var correctHeldOut: Double
  }

  private func query(_ position: Int) -> Query { graph.queries[tallies[position].query] }

  private func shares(_ tally: QueryTally, _ series: RateSeries) -> Shares? {
    if series.method == .exact {
      return tally.exact.first { $0.temperature == series.temperature }.map {
        Shares(
          hallucination: $0.hallucination, correct: $0.correct, correctHeldOut: $0.correctHeldOut)
      }
    }
    return outcome(tally, series).map {
      let count = Double(max($0.sampleCount, 1))
      return Shares(
        hallucination: Double($0.hallucinationCount) / count,
        correct: Double($0.count(.correct)) / count,
        correctHeldOut: Double($0.count(.correctHeldOut)) / count)
    }
  }

  private func outcome(_ tally: QueryTally, _ series: RateSeries) -> SampledOutcome? {
    tally.sampled.first { $0.temperature == series.temperature }
  }

  var subjectCount: Int {
    var count = 0
    for position in tallies.indices
    where position == 0 || query(position).subject != query(position - 1).subject { count += 1 }
    return count
  }

  // MARK: Rates

  /// All rates by series, set and group; the same for any number of workers.
  func rates(pool: WorkerPool) -> [RateEstimate] {
    let byCell = pool.map(pieces: cells.count) { _, piece in rates(of: cells[piece]) }
    return options.series.indices.flatMap { index in
      byCell.compactMap { $0.indices.contains(index) ? $0[index] : nil }
    }
  }

  /// One estimate for each series.
  private func rates(of cell: QueryCell) -> [RateEstimate] {
    let allSeries = options.series
    let shares = allSeries.map { series in
      cell.positions.compactMap { self.shares(tallies[$0], series) }
    }
    guard shares.allSatisfy({ $0.count == cell.positions.count }) else { return [] }
    let bootstrap = SubjectBootstrap(
      subjects: cell.positions.map { query($0).subject },
      series: shares.map { $0.map(\.hallucination) })
    let name = "evaluation/bootstrap/\(cell.set.rawValue)/\(cell.group.kind)/\(cell.group.value)"
    var stream = Seed(options.seed).stream(name)
    let intervals = bootstrap.intervals(resamples: options.resampleCount, stream: &stream)
    let means = bootstrap.means
    return allSeries.indices.map { index in
      let (series, rate) = (allSeries[index], means[index])
      let (interval, bounds) = Self.interval(
        series.method, rate: rate, queryCount: cell.positions.count,
        subjectCount: bootstrap.subjectCount, resampled: intervals?[index])
      let count = Double(cell.positions.count)
      return RateEstimate(
        series: series, visibility: cell.set, group: cell.group,
        queryCount: cell.positions.count, subjectCount: bootstrap.subjectCount,
        sampleCount: series.method == .exact
          ? 0 : cell.positions.count * options.samples(at: series.temperature),
        rate: rate, lower: bounds?.lower, upper: bounds?.upper, interval: interval,
        correct: shares[index].reduce(0) { $0 + $1.correct } / count,
        correctHeldOut: shares[index].reduce(0) { $0 + $1.correctHeldOut } / count)
    }
  }

  /// Wilson's interval for one answer a query, else the bootstrap's; resamples of a sample without
  /// any variation have none either and would claim certainty, so that Wilson's over subjects
  /// stands in.
  private static func interval(
    _ method: EvaluationMethod, rate: Double, queryCount: Int, subjectCount: Int,
    resampled: (lower: Double, upper: Double)?
  ) -> (IntervalMethod, (lower: Double, upper: Double)?) {
    if method == .greedy {
      return (.wilson, wilson(rate, queryCount))
    }
    guard let resampled else { return (.none, nil) }
    if method == .sampled, rate == 0 || rate == 1 {
      return (.wilsonOverSubjects, wilson(rate, subjectCount))
    }
    return (.bootstrap, resampled)
  }

  private static func wilson(_ rate: Double, _ trials: Int) -> (lower: Double, upper: Double) {
    let interval = Wilson.interval(rate: rate, trials: Double(trials))
    return (interval.low, interval.high)
  }

  // MARK: Verdicts and coverage

  /// The completions' outcomes of each series that draws and each set that has queries.
  private func drawn<T>(
    _ body: (RateSeries, QuerySet, [(tally: QueryTally, outcome: SampledOutcome)]) -> [T]
  ) -> [T] {
    options.series.filter { $0.method != .exact }.flatMap { series in
      QuerySet.all.flatMap { set in
        let own = tallies.indices.filter { set.contains(query($0).visibility) }.compactMap {
          position in
          outcome(tallies[position], series).map { (tallies[position], $0) }
        }
        return own.isEmpty ? [] : body(series, set, own)
      }
    }
  }

  func verdicts() -> [VerdictCount] {
    drawn { series, set, rows in
      let total = rows.reduce(0) { $0 + $1.outcome.sampleCount }
      return Verdict.allCases.map { verdict in
        VerdictCount(
          method: series.method, temperature: series.temperature, visibility: set,
          verdict: verdict.rawValue, count: rows.reduce(0) { $0 + $1.outcome.count(verdict) },
          sampleCount: total)
      }
    }
  }

  func coverage() -> [AnswerCoverage] {
    drawn { series, set, rows in
      let count = Double(rows.count)
      func mean(_ value: (QueryTally, SampledOutcome) -> Double) -> Double {
        rows.reduce(0) { $0 + value($1.tally, $1.outcome) } / count
      }
      func answers(_ tally: QueryTally) -> [Answer] {
        graph.truth(of: graph.queries[tally.query])
      }
      return [
        AnswerCoverage(
          method: series.method, temperature: series.temperature, visibility: set,
          queryCount: rows.count,
          precision: mean { 1 - Double($1.hallucinationCount) / Double(max($1.sampleCount, 1)) },
          recall: mean { Double($1.generatedAnswerCount) / Double(answers($0).count) },
          visibleRecall: set == .ivs
            ? nil
            : mean {
              Double($1.generatedVisibleCount) / Double(answers($0).count(where: \.isVisible))
            },
          meanDistinctCount: mean { Double($1.distinctCount) },
          otherSpellingCount: rows.reduce(0) { $0 + $1.outcome.otherSpellingCount })
      ]
    }
  }
}
