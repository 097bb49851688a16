/// How to cut confidences into bins.
package enum Binning: String, Hashable, Sendable, Codable, CaseIterable {
  /// Bins of equal width over 0 to 1; a confidence on a border belongs to the bin below it, 0 to
  /// the first.
  case equalWidth = "equal_width"
  /// Bins of nearly equal numbers of confidences, in rising order; equal confidences stay together.
  case equalMass = "equal_mass"
}

/// The confidences of one bin beside how often they were right.
package struct ReliabilityBin: Hashable, Sendable, Codable {
  package let binning: Binning
  /// The bounds of the bin; for equal mass its least and largest confidence.
  package let lower: Double
  package let upper: Double
  package let count: Int
  package let meanConfidence: Double
  /// Share that was right.
  package let accuracy: Double

  enum CodingKeys: String, CodingKey {
    case binning, lower, upper, count, accuracy
    case meanConfidence = "mean_confidence"
  }
}

/// Whether stated probabilities are as often right as they say.
package enum Calibration {
  /// The mean of (confidence - outcome)^2 (Brier 1950); nil without any.
  package static func brier(_ confidences: [Double], _ outcomes: [Bool]) -> Double? {
    precondition(confidences.count == outcomes.count, "each confidence needs one outcome")
    return Mean.of(
      zip(confidences, outcomes).map { confidence, isRight in
        let error = confidence - (isRight ? 1 : 0)
        return error * error
      })
  }

  /// The bins that hold anything, in rising order of confidence.
  package static func reliability(
    _ confidences: [Double], _ outcomes: [Bool], bins: Int, _ binning: Binning
  ) -> [ReliabilityBin] {
    precondition(confidences.count == outcomes.count, "each confidence needs one outcome")
    precondition(bins > 0, "there must be at least one bin")
    let order = confidences.indices.sorted {
      (confidences[$0], $0) < (confidences[$1], $1)
    }
    var members = [[Int]](repeating: [], count: bins)
    switch binning {
    case .equalWidth:
      for index in order { members[place(confidences[index], bins)].append(index) }
    case .equalMass:
      var last = 0
      for (rank, index) in order.enumerated() {
        let isTie = rank > 0 && confidences[order[rank - 1]] == confidences[index]
        if !isTie { last = rank * bins / order.count }
        members[last].append(index)
      }
    }
    return members.enumerated().compactMap { bin, own in
      guard let first = own.first, let last = own.last else { return nil }
      let isWidth = binning == .equalWidth
      return ReliabilityBin(
        binning: binning, lower: isWidth ? Double(bin) / Double(bins) : confidences[first],
        upper: isWidth ? Double(bin + 1) / Double(bins) : confidences[last], count: own.count,
        meanConfidence: Mean.sum(own.lazy.map { confidences[$0] }) / Double(own.count),
        accuracy: Double(own.count { outcomes[$0] }) / Double(own.count))
    }
  }

  /// The expected calibration error: mean of |accuracy - confidence| over bins, by their counts.
  ///
  /// Nil without any bin. It depends on the bins and is never negative, so that a calibrated model
  /// of few answers has a positive one (Naeini 2015, Roelofs 2022).
  package static func expectedError(_ bins: [ReliabilityBin]) -> Double? {
    Mean.weighted(
      bins.map { abs($0.accuracy - $0.meanConfidence) }, by: bins.map { Double($0.count) })
  }

  private static func place(_ confidence: Double, _ bins: Int) -> Int {
    let scaled = (confidence * Double(bins)).rounded(.up)
    // The product may round over a border that the confidence itself does not pass.
    var bin = min(max(Int(scaled) - 1, 0), bins - 1)
    if bin > 0, confidence <= Double(bin) / Double(bins) { bin -= 1 }
    if bin < bins - 1, confidence > Double(bin + 1) / Double(bins) { bin += 1 }
    return bin
  }
}
