import Analysis
import Foundation
import LabCore
package import Report

/// The size from which on at most 5 % of the answers to taught queries are hallucinated, by the
/// longest training on a graph that two sizes have in common, the study's first of several.
package struct NeededSize {
  private static let threshold = 0.05

  private let series: ResultSeries
  /// One group for each size, in ascending order.
  private let groups: [RunGroup]
  private let rates: [(size: Double, rates: [Double])]
  private let estimate: CrossingEstimate

  /// Nil where no run on the graph was measured.
  package init?(_ series: ResultSeries, on graph: GraphSummary) {
    func rates(_ group: RunGroup) -> [Double] {
      group.runs.compactMap { series.rate($0, "fvs")?.rate }
    }
    let measured = series.groups.filter {
      $0.first.graphID == graph.id && $0.size > 0 && !rates($0).isEmpty
    }
    let fraction = measured.map(\.first.fraction).max()
    let trainings = measured.filter { $0.first.fraction == fraction }
      .grouped { "\($0.first.epochs) \($0.first.variant)" }.map(\.elements)
    func sizes(_ groups: [RunGroup]) -> Int { Set(groups.map(\.size)).count }
    let shared = trainings.filter { sizes($0) > 1 }
    // Where several sizes were trained and no two alike, as at equal compute, no training has a
    // curve.
    guard !shared.isEmpty || sizes(measured) == 1,
      let longest = (shared.isEmpty ? trainings : shared)
        .max(by: { $0[0].first.epochs < $1[0].first.epochs })?.sorted(by: { $0.size < $1.size })
    else { return nil }
    groups = longest.enumerated().filter { index, group in
      index == 0 || longest[index - 1].size < group.size
    }.map(\.element)
    self.rates = groups.map { ($0.size, rates($0)) }
    guard let estimate = CrossingEstimate(threshold: Self.threshold, in: self.rates) else {
      return nil
    }
    self.estimate = estimate
    self.series = series
  }

  private var training: String { series.training(groups[0].first) }

  /// What the interval covers, or why there is none.
  private var interval: String {
    let seeds = Set(rates.map(\.rates.count))
    guard let most = seeds.max(), most > 1 else { return "one seed, so no interval" }
    guard let low = estimate.low, let high = estimate.high else {
      return "no interval, since a rate of 0 or 1 has no logit"
    }
    let few = seeds.min() ?? most
    let words = few == most ? "\(most)" : "\(few) to \(most)"
    if low == high { return "95 % interval over \(words) seeds a size the same" }
    return
      "95 % interval \(low.text(Readable.count)) to \(high.text(Readable.count)) over \(words) seeds a size"
  }

  /// The key number.
  package var headline: Headline {
    let cut = series.cut.map { "; cut to \($0)" } ?? ""
    return Headline(
      "Size for ≤ 5 % hallucination on taught queries", estimate.crossing.text(Readable.count),
      detail: "non-embedding parameters, FVS, \(training); \(interval)\(cut)")
  }

  /// The key number in a sentence, beside the compute-optimal size for the same data where runs say
  /// it.
  package var sentence: Prose {
    let start = "With \(training), ≤ 5 % hallucination on taught facts"
    switch estimate.crossing {
    case .notReached:
      return """
        \(start) is not reached by the largest model measured (\(Readable.count(groups.last?.size ?? 0)) parameters), \
        and nothing is extrapolated.
        """
    case .atMost(let size):
      return
        "\(start) needs at most \(Readable.count(size)) parameters, the smallest size measured (\(interval))."
    case .size(let size):
      let needs = "\(start) needs \(Readable.count(size)) parameters (\(interval))"
      do throws(LabError) {
        return "\(needs), \(try ratio(of: size))."
      } catch {
        return """
          \(needs). How many times the compute-optimal size for the same data that is, the runs do not say: a fit \
          of their loss, L(N, D), is refused because \(error.description).
          """
      }
    }
  }

  /// "3.1 times the compute-optimal size for the same data (1.9 to 5.2 ...)".
  private func ratio(of size: Double) throws(LabError) -> String {
    let first = groups[0].first
    let runs = series.groups.flatMap(\.runs).filter {
      $0.graphID == first.graphID && $0.variant == first.variant && $0.fraction == first.fraction
        && $0.nonEmbeddingParameters > 0
    }
    let known = runs.compactMap { run in run.crossEntropy.map { (run, $0) } }.filter { $0.1 > 0 }
    func tokens(_ run: RunRow) -> Double { Double(run.tokensPerEpoch) * run.epochs }
    var options = ScalingFit.Options()
    options.startCount = 20
    options.resampleCount = 400
    options.variables = ["the size", "the number of tokens"]
    let fit = try ScalingFit(
      .chinchilla, known.map { [Double($0.0.nonEmbeddingParameters), tokens($0.0)] },
      known.map(\.1), options: options)
    guard let alpha = fit["alpha"], let beta = fit["beta"], alpha.value > 0, beta.value > 0 else {
      throw LabError("the loss does not fall with both size and data")
    }
    guard !fit.isLoose else { throw LabError("the runs hardly determine its exponents") }
    // Where alpha A N^-alpha = beta B D^-beta, at the least loss for 6 N D operations.
    let data = tokens(first)
    let optimum = fit.derived { e in
      pow(e[2] * e[1] / (e[4] * e[3]), 1 / e[2]) * pow(data, e[4] / e[2])
    }
    guard let lower = optimum.lower, let upper = optimum.upper, lower > 0 else {
      throw LabError("resampled runs give no compute-optimal size")
    }
    // Both are uncertain on their own: their logarithms add up by squares.
    let ratio = log(size / optimum.value)
    func end(_ own: Crossing?, _ other: Double) -> Double {
      guard case .size(let limit)? = own else { return log(other / optimum.value) }
      return hypot(log(limit / size), log(other / optimum.value))
    }
    let low = exp(ratio - abs(end(estimate.low, upper)))
    let high = exp(ratio + abs(end(estimate.high, lower)))
    let sizes = runs.map { Double($0.nonEmbeddingParameters) }
    let isInside = (sizes.min() ?? 0)...(sizes.max() ?? 0) ~= optimum.value
    return
      "\(times(exp(ratio))) times the compute-optimal size for the same data, "
      + "\(Readable.count(optimum.value)) (95 % interval of the ratio \(times(low)) to \(times(high)), over runs of the loss"
      + (estimate.low == nil ? " alone" : " and seeds") + ")"
      + (isInside ? "" : ", which lies outside the sizes measured")
  }

  /// Two digits, which is more than most runs say.
  private func times(_ ratio: Double) -> String {
    ratio < 100 ? String(format: "%.2g", ratio) : Readable.count(ratio)
  }
}
