/// Examples in falling order of score, sorted once so that the metrics of a resample are one pass.
///
/// A resample of subjects is an integer multiplicity for each of them: O(examples + subjects) a
/// resample, with no copying and no sorting.
package struct RankedExamples: Sendable {
  /// Subjects in rising order of id: entry k of a list of multiplicities belongs to `subjects[k]`.
  package let subjects: [Int32]

  private let rows: [Row]
  private let sums: [Sums]
  /// Rows of one calibration bin end before these row indices; empty for other scores.
  private let binEnds: [Int]
  private let residuals: [Residual]
  private let options: MetricOptions

  private struct Row {
    let isHallucination: Bool
    let subjectIndex: Int32
    /// Whether the next row has a lower score, so that a threshold lies here.
    let endsTie: Bool
  }

  private struct Residual {
    let error: Double
    let subjectIndex: Int32
  }

  /// Sums over the examples of one subject, or of a resample.
  private struct Sums {
    var positive = 0.0
    var negative = 0.0
    var truePositive = 0.0
    var falsePositive = 0.0
    var squaredError = 0.0
    var logLoss = 0.0

    static func += (sum: inout Sums, term: (sums: Sums, count: Double)) {
      sum.positive += term.count * term.sums.positive
      sum.negative += term.count * term.sums.negative
      sum.truePositive += term.count * term.sums.truePositive
      sum.falsePositive += term.count * term.sums.falsePositive
      sum.squaredError += term.count * term.sums.squaredError
      sum.logLoss += term.count * term.sums.logLoss
    }
  }

  /// Sorts the examples.
  ///
  /// Throws `DetectionError.optionInvalid` for impossible options.
  package init(
    _ examples: ScoredExamples, _ options: MetricOptions = MetricOptions()
  ) throws(DetectionError) {
    try options.check()
    self.options = options
    let scores = examples.scores
    let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    subjects = Array(Set(examples.subjects)).sorted()
    let indexOfSubject = Dictionary(
      uniqueKeysWithValues: subjects.enumerated().map { ($0.element, Int32($0.offset)) })
    let subjectIndices = examples.subjects.map { indexOfSubject[$0] ?? 0 }

    rows = order.enumerated().map { position, index in
      let isLast = position + 1 == order.count
      return Row(
        isHallucination: examples.labels[index], subjectIndex: subjectIndices[index],
        endsTie: isLast || scores[order[position + 1]] != scores[index])
    }

    var sums = Array(repeating: Sums(), count: subjects.count)
    for index in scores.indices {
      let error = scores[index] - (examples.labels[index] ? 1 : 0)
      var own = Sums()
      if examples.labels[index] { own.positive = 1 } else { own.negative = 1 }
      if scores[index] >= options.threshold {
        own.truePositive = own.positive
        own.falsePositive = own.negative
      }
      own.squaredError = error * error
      own.logLoss = LogLoss.ofProbability(scores[index], label: examples.labels[index])
      sums[Int(subjectIndices[index])] += (own, 1)
    }
    self.sums = sums

    guard scores.allSatisfy({ (0...1).contains($0) }) else {
      binEnds = []
      residuals = []
      return
    }
    let binCount = options.calibrationBinCount
    func bin(_ score: Double) -> Int { min(binCount - 1, Int(score * Double(binCount))) }
    binEnds = order.indices.filter { position in
      position + 1 == order.count
        || bin(scores[order[position + 1]]) != bin(scores[order[position]])
    }.map { $0 + 1 }
    residuals = order.map { index in
      Residual(
        error: scores[index] - (examples.labels[index] ? 1 : 0), subjectIndex: subjectIndices[index]
      )
    }
  }

  /// Every subject once.
  package var ones: [Double] { Array(repeating: 1, count: subjects.count) }

  /// All metrics when each subject's examples occur as often as `multiplicities` says.
  ///
  /// Whole numbers of at least 0, in the order of `subjects`. Without `withRanking` the metrics of
  /// the order are left out, which take most of the time. Nil where one of the classes has no
  /// example.
  package func values(multiplicities: [Double], withRanking: Bool = true) -> MetricValues? {
    let totals = totals(multiplicities)
    guard totals.positive > 0, totals.negative > 0 else { return nil }
    let count = totals.positive + totals.negative
    let correct = totals.truePositive + totals.negative - totals.falsePositive
    let f1Denominator = totals.positive + totals.truePositive + totals.falsePositive
    return MetricValues(
      prevalence: totals.positive / count, accuracy: correct / count,
      f1: 2 * totals.truePositive / f1Denominator,
      ranking: withRanking ? ranking(multiplicities, totals) : nil,
      calibration: calibration(multiplicities, totals))
  }

  private func totals(_ multiplicities: [Double]) -> Sums {
    precondition(multiplicities.count == subjects.count, "one multiplicity for each subject")
    var totals = Sums()
    for (sums, count) in zip(sums, multiplicities) where count > 0 { totals += (sums, count) }
    return totals
  }

  private func calibration(_ multiplicities: [Double], _ totals: Sums) -> MetricValues.Calibration?
  {
    let count = totals.positive + totals.negative
    guard count > 0, !residuals.isEmpty else { return nil }
    var gap = 0.0
    var start = 0
    for end in binEnds {
      var sum = 0.0
      for residual in residuals[start..<end] {
        sum += residual.error * multiplicities[Int(residual.subjectIndex)]
      }
      gap += abs(sum)
      start = end
    }
    return MetricValues.Calibration(
      brier: totals.squaredError / count, ece: gap / count, logLoss: totals.logLoss / count)
  }

  /// One pass from the highest score down; equal scores share one threshold.
  private func ranking(_ multiplicities: [Double], _ totals: Sums) -> MetricValues.Ranking {
    let prevalence = options.matchedPrevalence
    // Weight of a negative against a positive that gives the matched prevalence.
    let negativeScale = (1 - prevalence) * totals.positive / (prevalence * totals.negative)
    // The slack absorbs the rounding of a share of a whole number.
    let wantedPositive = options.truePositiveRate * totals.positive * (1 - 1e-9)
    var ranking = MetricValues.Ranking()
    var isFound = false
    var positive = 0.0
    var negative = 0.0
    var tiePositive = 0.0
    var tieNegative = 0.0
    for row in rows {
      let count = multiplicities[Int(row.subjectIndex)]
      if row.isHallucination { tiePositive += count } else { tieNegative += count }
      guard row.endsTie else { continue }
      guard tiePositive + tieNegative > 0 else { continue }
      ranking.auroc += tieNegative * (positive + 0.5 * tiePositive)
      positive += tiePositive
      negative += tieNegative
      ranking.aurc += RiskCoverage.summedRisk(
        keptPositive: totals.positive - positive,
        kept: totals.positive + totals.negative - positive - negative,
        tiePositive: tiePositive, tie: tiePositive + tieNegative)
      if tiePositive > 0 {
        ranking.auprc += tiePositive * (positive / (positive + negative))
        ranking.auprcMatched += tiePositive * (positive / (positive + negativeScale * negative))
        if !isFound, positive >= wantedPositive {
          isFound = true
          ranking.fprAtTpr = negative / totals.negative
        }
      }
      tiePositive = 0
      tieNegative = 0
    }
    ranking.aurc /= totals.positive + totals.negative
    ranking.prr = RiskCoverage.prr(
      aurc: ranking.aurc, positive: totals.positive, negative: totals.negative)
    ranking.auprc /= totals.positive
    ranking.auprcMatched /= totals.positive
    ranking.auroc /= totals.positive * totals.negative
    return ranking
  }
}
