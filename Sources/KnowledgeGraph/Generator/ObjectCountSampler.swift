import Foundation
import LabCore

/// The distribution of a subject's number of objects, as a table of exact probabilities.
struct ObjectCountSampler: Sendable {
  /// Probability of each number, from 0.
  let probabilities: [Double]
  private let table: AliasTable?

  /// Poisson counts are cut off at `available` objects, or where less than 1e-12 is left.
  init(_ objects: ObjectCount, available: Int) {
    var weights: [Double]
    switch objects {
    case .constant(let count):
      weights = [Double](repeating: 0, count: count) + [1]
    case .range(let low, let high):
      weights = (0...high).map { $0 < low ? 0 : 1 }
    case .zipf(let exponent, let high):
      weights = (0...high).map { $0 == 0 ? 0 : pow(Double($0), -exponent) }
    case .weights(let given):
      weights = given
    case .poisson(let mean):
      weights = []
      var left = 1.0
      var logarithm = -mean
      for number in 0...available {
        if number > 0 { logarithm += log(mean / Double(number)) }
        let probability = exp(logarithm)
        weights.append(probability)
        left -= probability
        if left < 1e-12, Double(number) > mean { break }
      }
    }
    let total = weights.reduce(0, +)
    probabilities = weights.map { $0 / total }
    if case .constant = objects { table = nil } else { table = AliasTable(weights: weights) }
  }

  /// The mean over all subjects.
  var mean: Double { probabilities.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element } }

  /// The mean over subjects that have any.
  var meanWherePositive: Double {
    mean / (1 - probabilities[0])
  }

  /// A constant takes nothing from the stream.
  func draw(_ stream: inout RandomStream) -> Int {
    table?.draw(&stream) ?? probabilities.count - 1
  }
}
