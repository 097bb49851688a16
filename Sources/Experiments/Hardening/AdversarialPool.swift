package import Foundation
package import LabCore

/// A text that an attack found in a round, whether or not it succeeded.
package struct PoolItem: Codable, Hashable, Sendable {
  /// From 1.
  package let round: Int
  package let queryID: Int
  /// What stands after `<X>`.
  package let content: [Int32]
  package let isSuccess: Bool
  /// Floating-point operations that the attack took.
  package let flops: Double
  /// What a detector judges, its end token included, and whether that is a hallucination; nil for a
  /// model.
  package let answer: [Int32]?
  package let isHallucination: Bool?
  /// Of the true answer or label, in nats, after the round that trained on it last; nil where none
  /// did.
  package var loss: Double?

  package init(
    round: Int, queryID: Int, content: [Int32], isSuccess: Bool, flops: Double,
    answer: [Int32]? = nil, isHallucination: Bool? = nil, loss: Double? = nil
  ) {
    self.round = round
    self.queryID = queryID
    self.content = content
    self.isSuccess = isSuccess
    self.flops = flops
    self.answer = answer
    self.isHallucination = isHallucination
    self.loss = loss
  }

  enum CodingKeys: String, SnakeCaseKey {
    case round, content, flops, answer, loss, queryID, isSuccess, isHallucination
  }
}

/// Every text that attacks found so far, in the order of their finding.
package struct AdversarialPool: Hashable, Sendable {
  /// In the order in which they were found.
  package var items: [PoolItem] = []

  package init(_ items: [PoolItem] = []) { self.items = items }

  /// How fast a lower rank makes a text rarer.
  package static let decay = 0.005

  /// The rank of each value, from 1 for the lowest; those of equal ones are their mean.
  package static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var end = first + 1
      while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
      for place in first..<end { ranks[order[place]] = Double(first + 1 + end) / 2 }
      first = end
    }
    return ranks
  }

  /// exp(0.005 (r - max r)), r half the rank of the round and half that of the loss, which is
  /// infinite where none is known.
  package var weights: [Double] {
    let ages = Self.ranks(items.map { Double($0.round) })
    let losses = Self.ranks(items.map { $0.loss ?? .infinity })
    let ranks = zip(ages, losses).map { ($0 + $1) / 2 }
    let top = ranks.max() ?? 0
    return ranks.map { exp(Self.decay * ($0 - top)) }
  }

  /// Places of up to `count` items, each drawn in proportion to its weight among those that are
  /// left.
  ///
  /// By the largest of log w + Gumbel noise (Efraimidis & Spirakis 2006), ascending.
  package func draw(_ count: Int, from stream: inout RandomStream) -> [Int] {
    Self.draw(count, weights: weights, from: &stream)
  }

  /// The same with weights that are given.
  package static func draw(
    _ count: Int, weights: [Double], from stream: inout RandomStream
  ) -> [Int] {
    let keys = weights.map { log($0) - log(-log(1 - stream.uniform())) }
    return keys.indices.sorted { (keys[$0], $1) > (keys[$1], $0) }.prefix(count).sorted()
  }

  // MARK: Lines

  /// A line of JSON for each item.
  package func lines() throws -> Data { try Self.lines(items) }

  /// A line of JSON for each of some items.
  package static func lines(_ items: [PoolItem]) throws -> Data {
    try items.reduce(into: Data()) { $0 += try CanonicalJSON.compact($1) + Data("\n".utf8) }
  }

  /// Reads `lines`; a last line that is not whole is left out.
  package init(lines data: Data) throws {
    let whole = data.prefix(data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
    items = try whole.split(separator: UInt8(ascii: "\n")).map {
      try CanonicalJSON.decode(PoolItem.self, from: Data($0))
    }
  }
}
