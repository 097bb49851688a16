import Foundation
import LabCore

/// How often each triple is presented in an epoch: a function of the names in it, under the seed.
struct ExposureSampler: Sendable {
  /// P(K <= k) for k from 1; empty where every triple is presented `constant` times.
  private let cumulative: [Double]
  private let constant: Int32
  private let key: UInt64

  init(_ model: ExposureModel?, seed: Seed) {
    key = seed.derived("graph/exposures").value
    let model = model ?? .constant(1)
    if case .constant(let count) = model {
      constant = Int32(count)
      cumulative = []
      return
    }
    constant = 1
    let weights = model.weights
    let total = weights.reduce(0, +)
    var sum = 0.0
    cumulative = weights.map {
      sum += $0 / total
      return sum
    }
  }

  /// `query` is the hash of the query's names, `object` that of the object's.
  func exposures(query: UInt64, object: UInt64) -> Int32 {
    guard !cumulative.isEmpty else { return constant }
    let target = NameHash.unit(NameHash.mix(key, NameHash.mix(query, object)))
    var low = 0
    var high = cumulative.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    return Int32(low + 1)
  }

  /// The share of triples that are presented once, and the mean number of presentations.
  var expected: (singletonShare: Double, mean: Double) {
    guard let first = cumulative.first else { return (constant == 1 ? 1 : 0, Double(constant)) }
    var mean = first
    for index in cumulative.indices.dropFirst() {
      mean += Double(index + 1) * (cumulative[index] - cumulative[index - 1])
    }
    return (first, mean)
  }
}
