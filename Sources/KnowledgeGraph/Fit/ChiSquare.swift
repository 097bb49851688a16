import Foundation

/// Pearson's chi-square test.
enum ChiSquare {
  /// The probability of a statistic at least as large by chance, with `degrees` of freedom.
  static func survival(_ statistic: Double, degrees: Int) -> Double {
    guard degrees > 0 else { return statistic > 1e-9 ? 0 : 1 }
    return upperGamma(Double(degrees) / 2, max(0, statistic) / 2)
  }

  /// The p-value of counts against expectations; neighbours are pooled until 5 are expected of
  /// each.
  ///
  /// `fitted` parameters were estimated from the counts.
  static func test(_ counts: [Double], expected: [Double], fitted: Int) -> Double {
    var bins: [(count: Double, expected: Double)] = []
    var open = (count: 0.0, expected: 0.0)
    for (count, expected) in zip(counts, expected) {
      open.count += count
      open.expected += expected
      if open.expected >= 5 {
        bins.append(open)
        open = (0, 0)
      }
    }
    if open.count > 0 || open.expected > 0 {
      if let last = bins.popLast() {
        bins.append((last.count + open.count, last.expected + open.expected))
      } else {
        bins.append(open)
      }
    }
    let statistic = bins.reduce(0) { sum, bin in
      guard bin.expected > 0 else { return bin.count > 0 ? .infinity : sum }
      return sum + (bin.count - bin.expected) * (bin.count - bin.expected) / bin.expected
    }
    return survival(statistic, degrees: bins.count - 1 - fitted)
  }

  /// Q(a, x), the regularised upper incomplete gamma function: a series below a + 1, else a
  /// continued fraction by Lentz's method.
  static func upperGamma(_ a: Double, _ x: Double) -> Double {
    guard x > 0 else { return 1 }
    guard x.isFinite else { return 0 }
    let front = exp(a * log(x) - x - logGamma(a))
    if x < a + 1 {
      var term = 1 / a
      var sum = term
      var n = a
      for _ in 0..<10_000 where term > sum * 1e-15 {
        n += 1
        term *= x / n
        sum += term
      }
      return max(0, 1 - front * sum)
    }
    var b = x + 1 - a
    var c = 1e300
    var d = 1 / b
    var h = d
    for i in 1..<10_000 {
      let an = -Double(i) * (Double(i) - a)
      b += 2
      d = 1 / nonzero(an * d + b)
      c = nonzero(b + an / c)
      h *= d * c
      if abs(d * c - 1) < 1e-14 { break }
    }
    return min(1, front * h)
  }

  private static func nonzero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }

  /// log Gamma(x) for x > 0.
  static func logGamma(_ x: Double) -> Double { lgamma(x).0 }
}

extension Double {
  /// The value to this many significant digits.
  func rounded(digits: Int) -> Double {
    guard self != 0, isFinite else { return self }
    let factor = pow(10, Double(digits - 1) - floor(log10(abs(self))))
    return factor.isFinite && factor > 0 ? (self * factor).rounded() / factor : self
  }
}

/// Searches the maximum of a function with one peak, or where a rising one comes to a value.
enum PeakSearch {
  /// The end of the range's lower part, in which `isBelow` holds, by halves.
  static func end(
    of range: ClosedRange<Double>, steps: Int, where isBelow: (Double) -> Bool
  ) -> Double {
    var (low, high) = (range.lowerBound, range.upperBound)
    for _ in 0..<steps {
      let middle = (low + high) / 2
      if isBelow(middle) { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The place of the maximum in a range: a coarse grid, then golden sections around its best
  /// point.
  static func maximum(
    in range: ClosedRange<Double>, steps: Int = 40, refinements: Int = 30,
    of function: (Double) -> Double
  ) -> (place: Double, value: Double) {
    let width = (range.upperBound - range.lowerBound) / Double(steps)
    var best = (place: range.lowerBound, value: -Double.infinity)
    for step in 0...steps {
      let place = range.lowerBound + Double(step) * width
      let value = function(place)
      if value > best.value { best = (place, value) }
    }
    let ratio = (5.0.squareRoot() - 1) / 2
    var low = max(range.lowerBound, best.place - width)
    var high = min(range.upperBound, best.place + width)
    var left = high - ratio * (high - low)
    var right = low + ratio * (high - low)
    var (leftValue, rightValue) = (function(left), function(right))
    for _ in 0..<refinements {
      if leftValue >= rightValue {
        (high, right, rightValue) = (right, left, leftValue)
        left = high - ratio * (high - low)
        leftValue = function(left)
      } else {
        (low, left, leftValue) = (left, right, rightValue)
        right = low + ratio * (high - low)
        rightValue = function(right)
      }
    }
    let refined = (low + high) / 2
    let value = function(refined)
    return value > best.value ? (refined, value) : best
  }
}
