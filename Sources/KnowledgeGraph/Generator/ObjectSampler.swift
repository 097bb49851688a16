import Foundation
import LabCore

/// Draws the distinct objects of one subject by popularity, with the exact probability of each draw.
struct ObjectSampler: Sendable {
  struct Draw: Sendable {
    /// Index within the object type.
    var object: Int32
    /// Minus log2 of the probability of this draw, given those before it.
    var bits: Double
  }

  private let count: Int
  /// Nil where all objects are equally popular.
  private let table: AliasTable?
  /// Object by rank of popularity, and its inverse; empty where all are equally popular.
  private let objectByRank: [Int32]
  private let rankByObject: [Int32]
  /// After this many draws in a row of objects already taken, one pass over all of them decides.
  private static let patience = 64

  /// `stream` decides which object is how popular.
  init(count: Int, popularity: Popularity, stream: RandomStream) {
    self.count = count
    switch popularity {
    case .uniform:
      table = nil
      objectByRank = []
      rankByObject = []
    case .zipf(let exponent):
      var stream = stream
      table = AliasTable(weights: (1...count).map { pow(Double($0), -exponent) })
      var order = (0..<count).map { Int32($0) }
      stream.shuffle(&order)
      objectByRank = order
      var ranks = [Int32](repeating: 0, count: count)
      for (rank, object) in order.enumerated() { ranks[Int(object)] = Int32(rank) }
      rankByObject = ranks
    }
  }

  /// The probability of the most popular object in a first draw.
  var topProbability: Double { table?.probabilities[0] ?? 1 / Double(count) }

  /// Whether this is the most popular object (the first one where all are equal).
  func isTop(_ object: Int32) -> Bool { rank(of: object) == 0 }

  /// Draws `number` distinct objects other than `excluded`, in the order of drawing.
  ///
  /// `excluded` is known to be impossible, so that it takes no part in the probabilities.
  func draw(_ number: Int, excluding excluded: Int32?, _ stream: inout RandomStream) -> [Draw] {
    var taken = TakenRanks()
    if let excluded { taken.insert(rank(of: excluded)) }
    var remaining = 1 - taken.ranks.reduce(0) { $0 + probability($1) }
    var draws: [Draw] = []
    draws.reserveCapacity(number)
    for _ in 0..<number {
      // Differences of nearly equal numbers lose their digits; sum what is left instead.
      if remaining < 1e-6 { remaining = remainder(taken) }
      let rank = next(&stream, taken: taken, remaining: remaining)
      let probability = min(1, probability(rank) / remaining)
      draws.append(Draw(object: object(atRank: rank), bits: max(0, -log2(probability))))
      taken.insert(rank)
      remaining -= self.probability(rank)
    }
    return draws
  }

  private func next(
    _ stream: inout RandomStream, taken: TakenRanks, remaining: Double
  ) -> Int32 {
    for _ in 0..<Self.patience {
      let rank = Int32(table?.draw(&stream) ?? stream.below(count))
      if !taken.contains(rank) { return rank }
    }
    var target = stream.uniform() * remaining
    var last: Int32 = 0
    for rank in 0..<Int32(count) where !taken.contains(rank) {
      last = rank
      target -= probability(rank)
      if target < 0 { break }
    }
    return last
  }

  private func remainder(_ taken: TakenRanks) -> Double {
    var sum = 0.0
    for rank in (0..<Int32(count)).reversed() where !taken.contains(rank) {
      sum += probability(rank)
    }
    return sum
  }

  private func probability(_ rank: Int32) -> Double {
    table?.probabilities[Int(rank)] ?? 1 / Double(count)
  }

  private func object(atRank rank: Int32) -> Int32 {
    table == nil ? rank : objectByRank[Int(rank)]
  }

  private func rank(of object: Int32) -> Int32 {
    table == nil ? object : rankByObject[Int(object)]
  }
}

/// The few ranks that a subject has already; a set once they are many.
private struct TakenRanks {
  private(set) var ranks: [Int32] = []
  private var lookup: Set<Int32> = []

  mutating func insert(_ rank: Int32) {
    ranks.append(rank)
    if ranks.count == 32 { lookup = Set(ranks) } else if ranks.count > 32 { lookup.insert(rank) }
  }

  func contains(_ rank: Int32) -> Bool {
    ranks.count < 32 ? ranks.contains(rank) : lookup.contains(rank)
  }
}

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

  /// The mean over subjects that have any.
  var meanWherePositive: Double {
    let sum = probabilities.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    return sum / (1 - probabilities[0])
  }

  /// A constant takes nothing from the stream.
  func draw(_ stream: inout RandomStream) -> Int {
    table?.draw(&stream) ?? probabilities.count - 1
  }
}
