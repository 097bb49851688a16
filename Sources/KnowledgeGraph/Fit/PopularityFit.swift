import Foundation

/// The popularity of objects that a schema can say, learnt from how many subjects each object has.
struct PopularityFit {
  let model: Popularity
  /// The exponent of largest likelihood, whether or not it is the model.
  let exponent: Double
  /// Chance of counts at least as far from the model; nil where the model is the counts themselves.
  let pValue: Double?

  private static let significance = 0.01

  /// How an object count comes about.
  struct Evidence {
    /// Triples of each object that has any.
    let counts: [Int]
    /// Entities of the object type, those without a triple included.
    var objectCount: Int
    /// `histogram[k]` is how many subjects have k objects.
    let histogram: [Int]
    /// Whether objects come before their subjects in a random order, so that some are drawn by
    /// more.
    var isAcyclic = false
  }

  /// How many objects there are to draw from, if those with a triple are all that is known of them.
  ///
  /// Drawn again from as many as were seen, some of the rare ones would be missing. The number,
  /// some multiple of those seen, has the largest likelihood of the counts above 0 with the
  /// exponent that goes with it.
  static func objectCount(behind seen: Evidence) -> Int {
    let inclusion = InclusionModel(seen.histogram)
    let kernel = CountKernel(seen, queries: inclusion.queryCount)
    func likelihood(_ count: Int) -> Double {
      PeakSearch.maximum(in: 0...4, steps: 16, refinements: 6) { exponent in
        let cells = RankCells(count: count, exponent: exponent)
        return kernel.logLikelihood(
          inclusion.shares(cells.shares, sizes: cells.sizes), sizes: cells.sizes, onlySeen: true)
      }.value
    }
    // More than are seen have to be worth it.
    var best = (count: seen.counts.count, value: likelihood(seen.counts.count) + 2)
    for factor in [1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.5, 8] {
      let count = Int((Double(seen.counts.count) * factor).rounded())
      let value = likelihood(count)
      if value > best.value { best = (count, value) }
    }
    return best.count
  }

  /// `largestList` is the number of weights up to which they are listed one by one.
  init(_ evidence: Evidence, largestList: Int) {
    let inclusion = InclusionModel(evidence.histogram)
    let kernel = CountKernel(evidence, queries: inclusion.queryCount)
    let objectCount = Double(evidence.objectCount)
    func ranks(_ exponent: Double) -> RankCells {
      RankCells(count: evidence.objectCount, exponent: exponent)
    }
    func likelihood(_ exponent: Double) -> Double {
      let cells = ranks(exponent)
      return kernel.logLikelihood(
        inclusion.shares(cells.shares, sizes: cells.sizes), sizes: cells.sizes)
    }
    let best = PeakSearch.maximum(in: 0...5, steps: 25, refinements: 16) { likelihood($0) }
    exponent = best.place.rounded(digits: 4)
    let flat = likelihood(0)
    let mean = Double(evidence.counts.reduce(0, +)) / objectCount
    let share = min(1, mean / inclusion.queryCount)
    let spread = kernel.values.reduce(0) { sum, value in
      sum + value.objects * (value.count - mean) * (value.count - mean)
        / max(1e-9, mean * (1 - share))
    }
    let evenness = ChiSquare.survival(spread, degrees: evidence.objectCount - 1)
    let isFlat = 2 * (best.value - flat) < 3.84
    if isFlat || (!evidence.isAcyclic && evenness >= Self.significance) {
      model = .uniform
      pValue = evidence.isAcyclic ? nil : evenness
      return
    }
    let expected = inclusion.shares(
      ranks(exponent).single, sizes: Array(repeating: 1, count: evidence.objectCount)
    )
    .map { $0 * inclusion.queryCount }
    let sorted = evidence.counts.sorted(by: >).map { Double($0) }
    let padded = sorted + Array(repeating: 0, count: evidence.objectCount - sorted.count)
    let fit = ChiSquare.test(padded, expected: expected, fitted: 1)
    if evidence.isAcyclic || fit >= Self.significance || evidence.objectCount > largestList {
      model = .zipf(exponent: exponent)
      pValue = evidence.isAcyclic ? nil : fit
    } else {
      model = .weights(Self.weights(kernel, inclusion, objectCount: evidence.objectCount))
      pValue = nil
    }
  }

  /// A weight for each object, by falling popularity.
  ///
  /// Drawing by the counts themselves would add chance to chance: few objects would be as rare as
  /// the rarest. So the distribution of shares that makes these counts likeliest is estimated first
  /// (nonparametric maximum likelihood of a binomial mixture, by expectation maximisation), and its
  /// quantiles are the weights.
  private static func weights(
    _ kernel: CountKernel, _ inclusion: InclusionModel, objectCount: Int
  ) -> [Double] {
    let (grid, masses) = kernel.mixture()
    var targets: [Double] = []
    var place = grid.count - 1
    var above = 0.0
    for rank in 0..<objectCount {
      let quantile = (Double(rank) + 0.5) / Double(objectCount)
      while place > 0, above + masses[place] < quantile {
        above += masses[place]
        place -= 1
      }
      targets.append(grid[place])
    }
    let sizes = [Double](repeating: 1, count: objectCount)
    var shares = normalized(targets)
    for _ in 0..<50 {
      let included = inclusion.shares(shares, sizes: sizes)
      let total = included.reduce(0, +) / targets.reduce(0, +)
      shares = normalized(
        shares.indices.map { shares[$0] * targets[$0] * total / max(1e-12, included[$0]) })
    }
    let top = shares.first ?? 1
    return shares.map { max(0.001, ($0 / top * 1000)).rounded(digits: 3) }
  }

  private static func normalized(_ values: [Double]) -> [Double] {
    let sum = values.reduce(0, +)
    return values.map { $0 / sum }
  }
}

/// Ranks of a Zipf distribution in cells: one by one at the top, together where they are nearly
/// equal.
private struct RankCells {
  private let ranks: [Double]
  let sizes: [Double]
  let shares: [Double]
  private let exponent: Double
  private let norm: Double

  init(count: Int, exponent: Double) {
    var ranks: [Double] = []
    var sizes: [Double] = []
    var first = 1
    while first <= count {
      let size = min(count - first + 1, first <= 32 ? 1 : max(1, first / 16))
      // Of the cell's own mean weight nearly: the middle of its logarithms.
      ranks.append((Double(first) * Double(first + size - 1)).squareRoot())
      sizes.append(Double(size))
      first += size
    }
    let weights = ranks.map { pow($0, -exponent) }
    let norm = zip(weights, sizes).reduce(0) { $0 + $1.0 * $1.1 }
    self.ranks = ranks
    self.sizes = sizes
    self.exponent = exponent
    self.norm = norm
    shares = weights.map { $0 / norm }
  }

  /// The share of every single rank.
  var single: [Double] {
    let count = Int(sizes.reduce(0, +))
    let weights = (1...max(1, count)).map { pow(Double($0), -exponent) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }
}

/// The probability of an object's count given the share of the queries that have it.
private struct CountKernel {
  /// Counts with how many objects have them, 0 included.
  let values: [(count: Double, objects: Double)]
  private let queries: Double
  private let objectCount: Double
  /// log of (queries choose count), by value.
  private let logChoices: [Double]
  /// Equally likely factors of the share, for orders in which some objects are open to more
  /// subjects.
  private let factors: [Double]

  init(_ evidence: PopularityFit.Evidence, queries: Double) {
    var tally: [Int: Int] = [0: evidence.objectCount - evidence.counts.count]
    for count in evidence.counts { tally[count, default: 0] += 1 }
    values = tally.keys.sorted().filter { tally[$0] ?? 0 > 0 }
      .map { (Double($0), Double(tally[$0] ?? 0)) }
    self.queries = queries
    objectCount = Double(evidence.objectCount)
    logChoices = values.map { value in
      ChiSquare.logGamma(queries + 1) - ChiSquare.logGamma(value.count + 1)
        - ChiSquare.logGamma(max(0, queries - value.count) + 1)
    }
    factors =
      evidence.isAcyclic ? (0..<24).map { -log((Double($0) + 0.5) / 24) } : [1]
  }

  private func logProbability(_ place: Int, share: Double) -> Double {
    let count = values[place].count
    let share = min(1 - 1e-12, max(1e-300, share))
    return logChoices[place] + count * log(share) + max(0, queries - count) * log1p(-share)
  }

  /// Of all counts, where an object's share is one of `shares`, which `sizes` objects have.
  ///
  /// With `onlySeen`, of the counts above 0 given that they are.
  func logLikelihood(_ shares: [Double], sizes: [Double], onlySeen: Bool = false) -> Double {
    let total = sizes.reduce(0, +) * Double(factors.count)
    func mean(_ probability: (Double) -> Double) -> Double {
      var sum = 0.0
      for (share, size) in zip(shares, sizes) {
        for factor in factors { sum += size * exp(probability(share * factor)) }
      }
      return max(1e-300, sum / total)
    }
    let seen = onlySeen ? max(1e-300, 1 - mean { queries * log1p(-min(1 - 1e-12, $0)) }) : 1
    return values.indices.reduce(0) { sum, place in
      if onlySeen, values[place].count == 0 { return sum }
      let probability = mean { logProbability(place, share: $0) }
      return sum + values[place].objects * log(probability / seen)
    }
  }

  /// The mixture of shares under which the counts are likeliest: shares by rising value, and their
  /// masses.
  func mixture() -> (shares: [Double], masses: [Double]) {
    let highest = min(1, (values.last?.count ?? 1) / queries)
    let lowest = 0.02 / queries
    let steps = 40
    var grid = (0...steps).map { lowest * pow(highest / lowest, Double($0) / Double(steps)) }
    let stride = max(1, values.count / 60)
    grid += values.indices.filter { $0 % stride == 0 || $0 > values.count - 20 }
      .map { values[$0].count / queries }.filter { $0 > 0 }
    grid = Set(grid.map { min(1, $0) }).sorted()
    let kernel = values.indices.map { place in grid.map { exp(logProbability(place, share: $0)) } }
    var masses = [Double](repeating: 1 / Double(grid.count), count: grid.count)
    for _ in 0..<200 {
      var next = [Double](repeating: 0, count: grid.count)
      for (place, row) in kernel.enumerated() {
        var sum = 0.0
        for index in grid.indices { sum += masses[index] * row[index] }
        guard sum > 0 else { continue }
        let weight = values[place].objects / objectCount / sum
        for index in grid.indices { next[index] += masses[index] * row[index] * weight }
      }
      masses = next
    }
    return (grid, masses)
  }
}
