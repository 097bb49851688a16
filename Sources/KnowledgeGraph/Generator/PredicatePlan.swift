import Foundation
import LabCore

/// How one predicate's triples come about, and its samplers.
struct PredicatePlan: Sendable {
  let id: Int32
  let schema: PredicateSchema
  let nameHash: UInt64
  /// Entity ids of what can be a subject and an object.
  let subjects: Range<Int>
  let objectRange: Range<Int>
  let subjectTypeHasKinds: Bool
  let counts: ObjectCountSampler
  let objects: ObjectSampler
  let acyclic: AcyclicSampler?
  let dependence: DependenceOrder?
  private let seed: Seed
  /// Subjects that share one random stream.
  static let blockSize = 512

  init(
    id: Int32, _ predicate: PredicateSchema, schema: GraphSchema, extents: TypeExtents, seed: Seed
  ) {
    self.id = id
    self.schema = predicate
    self.seed = seed
    nameHash = NameHash.hash(predicate.name)
    subjects = extents.all(of: predicate.subject)
    objectRange = extents.all(of: predicate.object)
    subjectTypeHasKinds = subjects != extents.own[extents.index(of: predicate.subject)]
    counts = ObjectCountSampler(
      predicate.objects, available: schema.availableObjects(of: predicate))
    objects = ObjectSampler(
      count: objectRange.count, popularity: predicate.popularity,
      stream: seed.stream("graph/popularity/\(predicate.name)"))
    acyclic =
      predicate.holding.acyclic
      ? AcyclicSampler(objects, stream: seed.stream("graph/order/\(predicate.name)")) : nil
    dependence = predicate.given.map { [count = objectRange.count] in
      DependenceOrder(
        $0, objectCount: count, stream: seed.stream("graph/given/\(predicate.name)"))
    }
  }

  /// Whether draws of one subject depend on those of others, so that all are made in order.
  var isSequential: Bool { schema.holding.inverseFunctional || schema.holding.symmetric }

  var blockCount: Int { (subjects.count + Self.blockSize - 1) / Self.blockSize }

  func stream(block: Int) -> RandomStream {
    seed.stream("graph/triples/\(schema.name)/\(block)")
  }

  /// How many objects the next subject of a stream gets; 0 where it does not have the predicate.
  func drawCount(_ stream: inout RandomStream) -> Int {
    if schema.coverage < 1, stream.uniform() >= schema.coverage { return 0 }
    return counts.draw(&stream)
  }

  /// The draws of one block of subjects; `others` is the table of the predicate that this one
  /// depends on.
  func draw(block: Int, given others: PredicateTable?) -> DrawBuffer {
    var buffer = DrawBuffer()
    var stream = stream(block: block)
    let first = subjects.lowerBound + block * Self.blockSize
    for subject in first..<min(first + Self.blockSize, subjects.upperBound) {
      let number = drawCount(&stream)
      if number > 0 { draw(number, for: subject, given: others, &stream, into: &buffer) }
      finishSubject(&buffer, asked: number)
    }
    return buffer
  }

  private func draw(
    _ number: Int, for subject: Int, given others: PredicateTable?, _ stream: inout RandomStream,
    into buffer: inout DrawBuffer
  ) {
    let first = Int32(objectRange.lowerBound)
    let own = ownPlace(of: subject)
    if let acyclic, let own {
      acyclic.draw(number, for: own, &stream) { buffer.append($0 + first, bits: $1) }
      return
    }
    var favoured: FavouredObjects?
    if let dependence, let others, let cause = others.places(of: subject).first {
      favoured = dependence.favoured(by: others.objects[cause])
    }
    let start = buffer.objects.count
    objects.draw(number, excluding: own.map { [$0] } ?? [], favoured: favoured, &stream) {
      buffer.append($0 + first, bits: $1)
    }
    if let favoured, start < buffer.objects.count {
      buffer.tally.dependentQueries += 1
      let popularity = favoured.objects.reduce(0) { $0 + objects.popularity(of: $1) }
      buffer.tally.expectedFavoured += favoured.strength + (1 - favoured.strength) * popularity
      if favoured.objects.contains(buffer.objects[start] - first) {
        buffer.tally.favouredFirstDraws += 1
      }
    }
  }

  /// The subject as a place among the objects, of which it is never its own; nil where it is none.
  func ownPlace(of subject: Int) -> Int32? {
    objectRange.contains(subject) ? Int32(subject - objectRange.lowerBound) : nil
  }

  /// Ends the draws of a subject for which `asked` were to be made.
  func finishSubject(_ buffer: inout DrawBuffer, asked: Int) {
    let start = buffer.ends.last ?? 0
    let end = buffer.objects.count
    buffer.ends.append(end)
    buffer.tally.subjectCount += 1
    buffer.tally.countBits -= log2(probability(ofCount: asked))
    if end - start < asked { buffer.tally.shortenedCount += 1 }
    guard end > start else { return }
    buffer.tally.queryCount += 1
    buffer.tally.drawCount += end - start
    if objects.isTop(buffer.objects[start] - Int32(objectRange.lowerBound)) {
      buffer.tally.topFirstDraws += 1
    }
    for place in start..<end { buffer.tally.objectBits += buffer.bits[place] }
    if end - start > 1 {
      for number in 2...(end - start) { buffer.tally.orderBits += log2(Double(number)) }
    }
  }

  /// The probability that a subject is to get exactly this many objects.
  func probability(ofCount number: Int) -> Double {
    guard number < counts.probabilities.count else { return 0 }
    let drawn = schema.coverage * counts.probabilities[number]
    return number == 0 ? drawn + 1 - schema.coverage : drawn
  }
}

/// Which objects belong to which object of another predicate.
struct DependenceOrder: Sendable {
  private let strength: Double
  private let spread: Int
  private let order: [Int32]
  private let key: UInt64

  init(_ dependence: Dependence, objectCount: Int, stream: RandomStream) {
    var stream = stream
    strength = dependence.strength
    spread = min(dependence.spread, objectCount)
    var order = (0..<objectCount).map { Int32($0) }
    stream.shuffle(&order)
    self.order = order
    key = stream.next()
  }

  /// The objects that follow from another predicate's object, an entity id.
  func favoured(by cause: Int32) -> FavouredObjects {
    let start = Int(NameHash.mix(key, UInt64(cause)) % UInt64(order.count))
    return FavouredObjects(
      objects: (0..<spread).map { order[(start + $0) % order.count] }, strength: strength)
  }
}
