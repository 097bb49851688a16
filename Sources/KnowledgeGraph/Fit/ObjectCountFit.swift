import Foundation

/// The distribution of objects per subject that a schema can say, learnt from how many subjects
/// have how many.
struct ObjectCountFit {
  let model: ObjectCount
  /// Share of the subjects that have the predicate, as the schema means it: see
  /// `ObjectCount.poisson`.
  let coverage: Double
  /// Chance of counts at least as far from the model; nil where the model is the counts themselves.
  let pValue: Double?

  /// Subjects' counts below which no chance decides against a model.
  private static let significance = 0.05
  /// Counts up to which they are listed one by one.
  private static let largestList = 400

  /// `histogram[k]` is how many subjects have k objects, those without any included.
  init(_ histogram: [Int]) {
    let total = histogram.reduce(0, +)
    let having = total - (histogram.first ?? 0)
    let share = Double(having) / Double(max(1, total))
    let counts = histogram.indices.dropFirst().filter { histogram[$0] > 0 }
    guard let low = counts.first, let high = counts.last, low < high else {
      self.init(.constant(max(1, counts.first ?? 1)), coverage: share, pValue: nil)
      return
    }
    let observed = histogram.dropFirst().map { Double($0) }
    func pValue(_ weights: [Double], fitted: Int) -> Double {
      let sum = weights.reduce(0, +)
      return ChiSquare.test(
        observed, expected: weights.map { $0 / sum * Double(having) }, fitted: fitted)
    }
    func logLikelihood(_ weights: [Double]) -> Double {
      let sum = weights.reduce(0, +)
      return zip(observed, weights).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.1 / sum) : 0) }
    }
    let range = (1...high).map { $0 < low ? 0.0 : 1.0 }
    let rangeFit = pValue(range, fitted: 0)
    if rangeFit >= Self.significance {
      self.init(.range(min: low, max: high), coverage: share, pValue: rangeFit)
      return
    }
    // The larger likelihood of those that pass, each with one parameter.
    var best: (fit: ObjectCountFit, likelihood: Double)?
    func consider(_ model: ObjectCount, _ weights: [Double], coverage: Double) {
      let p = pValue(weights, fitted: 1)
      let likelihood = logLikelihood(weights)
      if p >= Self.significance, coverage <= 1, likelihood > best?.likelihood ?? -.infinity {
        best = (ObjectCountFit(model, coverage: coverage, pValue: p), likelihood)
      }
    }
    let exponent = Self.zipfExponent(observed).rounded(digits: 4)
    let zipf = (1...high).map { pow(Double($0), -exponent) }
    consider(.zipf(exponent: exponent, max: high), zipf, coverage: share)
    let mean = Self.poissonMean(observed).rounded(digits: 4)
    if mean > 0, mean <= 10_000 {
      let logs = (1...high).map { Double($0) * log(mean) - ChiSquare.logGamma(Double($0) + 1) }
      let top = logs.max() ?? 0
      consider(
        .poisson(mean: mean), logs.map { exp($0 - top) },
        coverage: Self.nearOne(share / (1 - exp(-mean))))
    }
    if let best {
      self = best.fit
    } else if high <= Self.largestList {
      self.init(.weights([0] + observed), coverage: share, pValue: nil)
    } else {
      self.init(
        .zipf(exponent: exponent, max: high), coverage: share, pValue: pValue(zipf, fitted: 1))
    }
  }

  init(_ model: ObjectCount, coverage: Double, pValue: Double?) {
    self.model = model
    self.coverage = min(1, max(1e-6, coverage.rounded(digits: 5)))
    self.pValue = pValue
  }

  /// A share that chance has put slightly above 1 is 1.
  private static func nearOne(_ share: Double) -> Double {
    share > 1 && share < 1.03 ? 1 : share
  }

  /// The exponent of P(n) ~ n^-s for n from 1 to the number of counts, by maximum likelihood.
  static func zipfExponent(_ observed: [Double]) -> Double {
    let total = observed.reduce(0, +)
    let logSum = observed.enumerated().reduce(0) { $0 + $1.element * log(Double($1.offset + 1)) }
    return PeakSearch.maximum(in: 0...8) { exponent in
      let norm = observed.indices.reduce(0) { $0 + pow(Double($1 + 1), -exponent) }
      return -exponent * logSum - total * log(norm)
    }.place
  }

  /// The mean of a Poisson distribution of which only counts above 0 were kept, by maximum
  /// likelihood.
  private static func poissonMean(_ observed: [Double]) -> Double {
    let total = observed.reduce(0, +)
    let mean = observed.enumerated().reduce(0) { $0 + $1.element * Double($1.offset + 1) } / total
    // mean = m / (1 - exp(-m)), which grows with m.
    return PeakSearch.end(of: 0...mean, steps: 60) { $0 <= 0 || $0 / -expm1(-$0) <= mean }
  }
}

/// How many objects subjects are to draw of a symmetric predicate, where each triple holds both
/// ways.
enum SymmetricCountFit {
  private static let largestDeconvolution = 512

  /// Weights of the numbers of draws, from 0, that give the subjects their objects, drawn and
  /// mirrored together.
  ///
  /// What others draw comes to a subject as a Poisson number of half the mean; the draws are what
  /// remains, by Richardson-Lucy deconvolution. `histogram[k]` is how many subjects have k objects.
  static func weights(_ histogram: [Int]) -> [Double] {
    let total = Double(max(1, histogram.reduce(0, +)))
    let target = histogram.map { Double($0) / total }
    guard target.count <= largestDeconvolution else {
      // Its work grows with the square; of hubs as large as this, half of the objects are drawn.
      var weights = [Double](repeating: 0, count: target.count / 2 + 1)
      for (objects, share) in target.enumerated() { weights[(objects + 1) / 2] += share * 1000 }
      return weights.map { $0.rounded(digits: 4) }
    }
    let half = target.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element } / 2
    let size = target.count
    let kernel = (0..<size).map {
      exp(Double($0) * log(max(1e-12, half)) - half - ChiSquare.logGamma(Double($0) + 1))
    }
    var weights = [Double](repeating: 1 / Double(size), count: size)
    for _ in 0..<300 {
      var model = [Double](repeating: 0, count: size)
      for drawn in 0..<size {
        for got in 0..<(size - drawn) { model[drawn + got] += weights[drawn] * kernel[got] }
      }
      weights = (0..<size).map { drawn in
        var factor = 0.0
        var mass = 0.0
        for got in 0..<(size - drawn) where kernel[got] > 0 {
          mass += kernel[got]
          if model[drawn + got] > 0 {
            factor += target[drawn + got] / model[drawn + got] * kernel[got]
          }
        }
        return mass > 0 ? weights[drawn] * factor / mass : 0
      }
    }
    while weights.count > 2, let last = weights.last, last < 1e-5 { weights.removeLast() }
    let sum = weights.reduce(0, +)
    return weights.map {
      ($0 / sum * 1000).rounded(digits: 3) < 0.001 ? 0 : ($0 / sum * 1000).rounded(digits: 3)
    }
  }

  /// The coverage that pairs off a share of the entities, where each has one partner.
  ///
  /// Entities are asked in turn; who has no partner yet draws one of the others without, with the
  /// probability that is sought. The share who have one in the end follows from two differential
  /// equations.
  static func coverage(pairedShare: Double) -> Double {
    func paired(_ coverage: Double) -> Double {
      // Of all: asked and without a partner, and yet to be asked and without.
      var (asked, open) = (0.0, 1.0)
      let steps = 2000
      for step in 0..<steps {
        let width = 1 / Double(steps)
        let unpaired = min(1, open / max(1e-9, 1 - Double(step) * width))
        let drawn = coverage * unpaired * width
        let all = max(1e-9, asked + open)
        asked += unpaired * (1 - coverage) * width - drawn * asked / all
        open -= unpaired * width + drawn * open / all
        asked = max(0, asked)
        open = max(0, open)
      }
      return 1 - asked
    }
    return PeakSearch.end(of: 0...1, steps: 40) { paired($0) <= pairedShare }
  }
}
