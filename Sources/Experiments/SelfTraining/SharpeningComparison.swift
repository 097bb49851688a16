import Analysis
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// A run beside the model it was made of, query by query.
struct SharpeningComparison {
  private let graph: KnowledgeGraph
  private let settings: SelfTrainingMeasure.Settings
  /// Queries with a rank below this were asked.
  private let asked: Double
  private let queries: [Query]
  private let own: Spread
  /// By temperature.
  private let base: [Spread]
  /// Log-probability of the run's answers less that of the first model, each query's mean.
  private let divergence: [Double]
  private let temperatures: [SelfTrainingRow.Queries: Double]
  /// The first model at the temperature of its set, each query's rate.
  private let sharpened: [Double]

  /// What a model says to each query at one temperature.
  private struct Spread {
    /// Exact.
    let rates: [Double]
    /// -log P of the answers drawn, each query's mean in nats; of answers that broke off without
    /// what broke them.
    let entropies: [Double]
    /// Different answers among those drawn.
    let distinct: [Double]
    /// Whether the greedy answer is right, and its probability at temperature 1.
    let greedy: [(isRight: Bool, confidence: Double)]
  }

  init(
    run: RunFolder, origin: RunFolder, graph: KnowledgeGraph,
    _ settings: SelfTrainingMeasure.Settings, _ work: Work
  ) throws {
    let corpus = run.record.configuration.corpus
    let share: Double = if case .answers(let text) = corpus.source { text.queries } else { 1 }
    asked = corpus.fraction * share
    self.graph = graph
    self.settings = settings
    let asked = asked
    let queries = graph.queries.filter { $0.rank < corpus.fraction }
    self.queries = queries
    let later = try AnsweringRun(run, graph: graph, workers: work.workers)
    let first = try AnsweringRun(origin, graph: graph, workers: work.workers)
    let drawn = try Self.draw(later, queries, [1], settings, work.part(0...0.2))
    let own = try Self.spreads(later, queries, drawn, [1], settings, work.part(0.2...0.3))[0]
    let temperatures = SelfTrainingMeasure.temperatures
    let before = try Self.draw(first, queries, temperatures, settings, work.part(0.3...0.7))
    let base = try Self.spreads(
      first, queries, before, temperatures, settings, work.part(0.7...0.9))
    divergence = try Self.divergence(later, first, queries, drawn, settings, work.part(0.9...0.95))
    // One temperature for each set: that at which the first model's answers are as spread in it.
    var equal: [SelfTrainingRow.Queries: Double] = [:]
    var rates = [Double](repeating: 0, count: queries.count)
    for set in SelfTrainingRow.Queries.allCases {
      let places = queries.indices.filter { set.contains(queries[$0], asked: asked) }
      guard !places.isEmpty else { continue }
      func mean(_ values: [Double]) -> Double { Mean.of(places.map { values[$0] }) ?? 0 }
      let temperature = Self.crossing(
        mean(own.entropies), base.map { mean($0.entropies) }, temperatures)
      equal[set] = temperature
      let exact = try first.exact(
        places.map { queries[$0] }, temperatures: [temperature], work.part(0.95...1))
      for (place, outcome) in zip(places, exact) { rates[place] = outcome[0].hallucination }
    }
    (self.own, self.base) = (own, base)
    self.temperatures = equal
    sharpened = rates
  }

  /// Where rising values pass a height, linearly between them; the end where they do not.
  static func crossing(_ height: Double, _ values: [Double], _ places: [Double]) -> Double {
    guard height > values[0] else { return places[0] }
    for index in values.indices.dropFirst() where values[index] >= height {
      let share = (height - values[index - 1]) / (values[index] - values[index - 1])
      return places[index - 1] + share * (places[index] - places[index - 1])
    }
    return places[places.count - 1]
  }

  // MARK: Asking

  /// The greedy answer to each query, then those drawn by temperature.
  private static func draw(
    _ run: AnsweringRun, _ queries: [Query], _ temperatures: [Double],
    _ settings: SelfTrainingMeasure.Settings, _ work: Work
  ) throws -> [[SampledAnswer]] {
    var options = EvaluationOptions()
    options.sampleTemperatures = [0] + temperatures
    options.samples = settings.samples
    options.seed = settings.seed
    return try run.draw(queries, options, work)
  }

  private static func spreads(
    _ run: AnsweringRun, _ queries: [Query], _ drawn: [[SampledAnswer]], _ temperatures: [Double],
    _ settings: SelfTrainingMeasure.Settings, _ work: Work
  ) throws -> [Spread] {
    let texts = zip(queries, drawn).map { query, answers in
      (query: query, texts: answers.map(\.line).distinct.filter { !$0.isEmpty })
    }
    let scores = try run.logProbabilities(texts, temperatures: temperatures, work.part(0...0.5))
    let exact = try run.exact(queries, temperatures: temperatures, work.part(0.5...1))
    let greedy = drawn.map { answers in
      (
        isRight: !answers[0].verdict.isHallucination,
        confidence: min(1, exp(answers[0].logProbability))
      )
    }
    return temperatures.indices.map { index in
      var (entropies, distinct): ([Double], [Double]) = ([], [])
      for (place, answers) in drawn.enumerated() {
        let known = Dictionary(
          uniqueKeysWithValues: zip(texts[place].texts, scores[place].map { $0[index] }))
        let start = 1 + index * settings.samples
        let lines = answers[start..<start + settings.samples].map(\.line)
        entropies.append(Mean.of(lines.map { -(known[$0] ?? 0) }) ?? 0)
        distinct.append(Double(Set(lines).count))
      }
      return Spread(
        rates: exact.map { $0[index].hallucination }, entropies: entropies, distinct: distinct,
        greedy: greedy)
    }
  }

  private static func divergence(
    _ run: AnsweringRun, _ first: AnsweringRun, _ queries: [Query], _ drawn: [[SampledAnswer]],
    _ settings: SelfTrainingMeasure.Settings, _ work: Work
  ) throws -> [Double] {
    let texts = zip(queries, drawn).map { query, answers in
      (query: query, texts: answers.dropFirst().map(\.line).filter { !$0.isEmpty })
    }
    let own = try run.logProbabilities(texts, work.part(0...0.5))
    let other = try first.logProbabilities(texts, work.part(0.5...1))
    return zip(own, other).map { a, b in
      zip(a, b).reduce(0) { $0 + $1.0[0] - $1.1[0] } / Double(settings.samples)
    }
  }

  // MARK: Rows

  /// Every set of queries in all and by visibility, those that were asked by difficulty too.
  func rows() -> [SelfTrainingRow] {
    let hardness = base[Self.plain].rates.map { SelfTrainingRow.Difficulty(right: 1 - $0) }
    return SelfTrainingRow.Queries.allCases.flatMap { set -> [SelfTrainingRow] in
      let places = queries.indices.filter { set.contains(queries[$0], asked: asked) }
      var rows = self.rows(set, nil, nil, places)
      for visibility in Visibility.allCases where set != .unseen {
        rows += self.rows(
          set, visibility, nil, places.filter { queries[$0].visibility == visibility })
      }
      for difficulty in SelfTrainingRow.Difficulty.allCases where set == .asked {
        rows += self.rows(set, nil, difficulty, places.filter { hardness[$0] == difficulty })
      }
      return rows
    }
  }

  /// The place of temperature 1.
  private static let plain = SelfTrainingMeasure.temperatures.firstIndex(of: 1) ?? 0

  private func rows(
    _ set: SelfTrainingRow.Queries, _ visibility: Visibility?,
    _ difficulty: SelfTrainingRow.Difficulty?, _ places: [Int]
  ) -> [SelfTrainingRow] {
    guard !places.isEmpty, let temperature = temperatures[set] else { return [] }
    func of(_ values: [Double]) -> [Double] { places.map { values[$0] } }
    let unsharpened = base[Self.plain]
    let series = [of(unsharpened.rates), of(sharpened), of(own.rates)]
    let bootstrap = SubjectBootstrap(
      subjects: places.map { queries[$0].subject },
      series: series + [zip(series[1], series[2]).map(-)])
    let means = bootstrap.measured(
      resamples: settings.resampleCount,
      Seed(settings.seed).stream(
        "self-training/\(set.rawValue)/\(visibility?.rawValue ?? "")/\(difficulty?.rawValue ?? "")")
    )
    func row(_ model: SelfTrainingRow.Model, _ index: Int, _ spread: Spread?) -> SelfTrainingRow {
      var row = SelfTrainingRow(
        model: model, queries: set, visibility: visibility, difficulty: difficulty,
        temperature: model == .sharpened ? temperature : 1, rate: means[index].value,
        lower: means[index].lower, upper: means[index].upper, queryCount: places.count)
      guard let spread else { return row }
      let greedy = places.map { spread.greedy[$0] }
      let confidences = greedy.map(\.confidence)
      row.entropy = Mean.of(of(spread.entropies))
      row.distinctCount = Mean.of(of(spread.distinct))
      row.brier = Calibration.brier(confidences, greedy.map(\.isRight))
      row.calibrationError = Calibration.expectedError(
        Calibration.reliability(confidences, greedy.map(\.isRight), bins: 10, .equalMass))
      return row
    }
    var own = row(.run, 2, self.own)
    own.divergence = Mean.of(of(divergence))
    (own.gain, own.gainLower, own.gainUpper) = (means[3].value, means[3].lower, means[3].upper)
    return [row(.first, 0, unsharpened), row(.sharpened, 1, nil), own]
  }
}
