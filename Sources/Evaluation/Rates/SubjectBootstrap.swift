import Analysis
package import LabCore

/// Sums over the queries of each subject, and means over queries with intervals from resampling
/// subjects.
///
/// Queries of one subject, and completions of one query, are not independent; whole subjects are.
package struct SubjectBootstrap {
  /// Queries of each subject.
  private let counts: [Double]
  /// For each series, the sum over each subject's queries.
  private let sums: [[Double]]
  /// What means are cut at.
  private let most: Double

  /// `series[k][i]` is value k of query i, whose subject is `subjects[i]`; equal subjects stand
  /// together.
  ///
  /// Where values are shares, rounding of a mean above 1 is cut off.
  package init(subjects: [Int32], series: [[Double]], areShares: Bool = true) {
    most = areShares ? 1 : .infinity
    var counts: [Double] = []
    var starts: [Int] = []
    for (index, subject) in subjects.enumerated() {
      if index == 0 || subject != subjects[index - 1] {
        counts.append(0)
        starts.append(index)
      }
      counts[counts.count - 1] += 1
    }
    starts.append(subjects.count)
    self.counts = counts
    sums = series.map { values in
      (0..<counts.count).map { values[starts[$0]..<starts[$0 + 1]].reduce(0, +) }
    }
  }

  /// Number of different subjects.
  package var subjectCount: Int { counts.count }

  /// The mean of each series over all queries.
  package var means: [Double] {
    let total = counts.reduce(0, +)
    return sums.map { min(most, $0.reduce(0, +) / total) }
  }

  /// The mean of each series with its interval, from resamples that a stream draws.
  package func measured(resamples: Int, _ stream: RandomStream) -> [Measured] {
    var stream = stream
    let intervals = intervals(resamples: resamples, stream: &stream)
    return means.enumerated().map { index, mean in
      Measured(value: mean, lower: intervals?[index].lower, upper: intervals?[index].upper)
    }
  }

  /// The 2.5 % and 97.5 % points of each series' mean over `resamples` resamples; nil for one
  /// subject.
  package func intervals(resamples: Int, stream: inout RandomStream) -> [(
    lower: Double, upper: Double
  )]? {
    guard subjectCount > 1, resamples > 0 else { return nil }
    var resampled = [[Double]](repeating: [], count: sums.count)
    var totals = [Double](repeating: 0, count: sums.count)
    for _ in 0..<resamples {
      var count = 0.0
      for index in totals.indices { totals[index] = 0 }
      for _ in 0..<subjectCount {
        let subject = stream.below(subjectCount)
        count += counts[subject]
        for index in sums.indices { totals[index] += sums[index][subject] }
      }
      for index in sums.indices { resampled[index].append(min(most, totals[index] / count)) }
    }
    return resampled.map { values in
      let sorted = values.sorted()
      func bound(_ share: Double) -> Double { Mean.quantile(share, ofSorted: sorted) ?? .nan }
      return (bound(0.025), bound(0.975))
    }
  }
}
