import Foundation
import LabCore

/// Objects that a dependence on another predicate makes likely.
struct FavouredObjects: Sendable {
  /// Places within the object type, all different.
  let objects: [Int32]
  /// Probability that the object is drawn from them, each equally likely.
  let strength: Double
}

/// Draws the distinct objects of one subject by popularity, with the exact probability of each
/// draw.
///
/// Objects are places within the object type here.
struct ObjectSampler: Sendable {
  let count: Int
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
    let weights: [Double]
    switch popularity {
    case .uniform:
      table = nil
      objectByRank = []
      rankByObject = []
      return
    case .zipf(let exponent): weights = (1...max(1, count)).map { pow(Double($0), -exponent) }
    case .weights(let given): weights = given.sorted(by: >)
    }
    var stream = stream
    table = AliasTable(weights: weights)
    var order = (0..<count).map { Int32($0) }
    stream.shuffle(&order)
    objectByRank = order
    var ranks = [Int32](repeating: 0, count: count)
    for (rank, object) in order.enumerated() { ranks[Int(object)] = Int32(rank) }
    rankByObject = ranks
  }

  /// The probability of the most popular object in a first draw.
  var topProbability: Double { table?.probabilities.max() ?? 1 / Double(count) }

  /// Whether this is the most popular object (the first one where all are equal).
  func isTop(_ object: Int32) -> Bool { rank(of: object) == 0 }

  /// The probability of an object in a first draw without dependence.
  func popularity(of object: Int32) -> Double { popularity(atRank: rank(of: object)) }

  /// Draws `number` distinct objects other than `excluded`, in the order of drawing.
  ///
  /// What is excluded is known to be impossible, so that it takes no part in the probabilities.
  /// Ends early where no object is left. `body` is called with each object and its bits.
  func draw(
    _ number: Int, excluding excluded: [Int32] = [], favoured: FavouredObjects? = nil,
    _ stream: inout RandomStream, _ body: (Int32, Double) -> Void
  ) {
    if number == 1, excluded.isEmpty, favoured == nil, count > 1 {
      let rank = Int32(table?.draw(&stream) ?? stream.below(count))
      body(object(atRank: rank), -log2(popularity(atRank: rank)))
      return
    }
    var taken = TakenRanks()
    for object in excluded { taken.insert(rank(of: object)) }
    var remaining = 1 - taken.ranks.reduce(0) { $0 + probability($1, favoured) }
    for _ in 0..<min(number, count - excluded.count) {
      // Differences of nearly equal numbers lose their digits; sum what is left instead.
      if remaining < 1e-6 { remaining = remainder(taken, favoured) }
      // Objects of no weight cannot be drawn.
      guard remaining > 0 else { return }
      let rank = next(&stream, taken: taken, remaining: remaining, favoured)
      let probability = min(1, probability(rank, favoured) / remaining)
      body(object(atRank: rank), max(0, -log2(probability)))
      taken.insert(rank)
      remaining -= self.probability(rank, favoured)
    }
  }

  private func next(
    _ stream: inout RandomStream, taken: TakenRanks, remaining: Double,
    _ favoured: FavouredObjects?
  ) -> Int32 {
    for _ in 0..<Self.patience {
      let rank: Int32
      if let favoured, stream.uniform() < favoured.strength {
        rank = self.rank(of: favoured.objects[stream.below(favoured.objects.count)])
      } else {
        rank = Int32(table?.draw(&stream) ?? stream.below(count))
      }
      if !taken.contains(rank) { return rank }
    }
    var target = stream.uniform() * remaining
    var last: Int32 = 0
    for rank in 0..<Int32(count) where !taken.contains(rank) {
      let probability = probability(rank, favoured)
      guard probability > 0 else { continue }
      last = rank
      target -= probability
      if target < 0 { break }
    }
    return last
  }

  private func remainder(_ taken: TakenRanks, _ favoured: FavouredObjects?) -> Double {
    var sum = 0.0
    for rank in (0..<Int32(count)).reversed() where !taken.contains(rank) {
      sum += probability(rank, favoured)
    }
    return sum
  }

  private func probability(_ rank: Int32, _ favoured: FavouredObjects?) -> Double {
    let popularity = popularity(atRank: rank)
    guard let favoured else { return popularity }
    let share = favoured.strength / Double(favoured.objects.count)
    return (1 - favoured.strength) * popularity
      + (favoured.objects.contains(object(atRank: rank)) ? share : 0)
  }

  private func popularity(atRank rank: Int32) -> Double {
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
