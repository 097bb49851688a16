import Foundation
import LabCore

extension GraphSchema {
  /// Multiplies the counts of the types that scale, and their word pools by the matching root.
  ///
  /// The pools grow with the root for the shortest names, so that words stay as shared as before.
  mutating func multiply(by scale: Double) throws {
    guard scale.isFinite, scale > 0, scale <= 1e6 else {
      throw LabError("--scale \(scale): must be above 0 and at most a million", .usage)
    }
    guard scale != 1 else { return }
    for index in entityTypes.indices where entityTypes[index].scales {
      entityTypes[index].count = max(1, Int((Double(entityTypes[index].count) * scale).rounded()))
      if case .multiPart(let parts, let pools, let syllables) = entityTypes[index].names {
        let factor = pow(scale, 1 / Double(parts.min() ?? 1))
        entityTypes[index].names = .multiPart(
          parts: parts, pools: pools.map { max(1, Int((Double($0) * factor).rounded(.up))) },
          syllables: syllables)
      }
    }
  }

  /// Throws a sentence that names the first constraint that cannot be met, and what to change.
  func check(file: String) throws {
    guard !entityTypes.isEmpty else { throw LabError("\(file): entity_types is empty; add one") }
    guard !predicates.isEmpty else { throw LabError("\(file): predicates is empty; add one") }
    for type in entityTypes { try type.check(file: file) }
    // Before anything adds them up; a literal of a long pattern has more names than any graph.
    for type in entityTypes where type.count > Int(Int32.max) {
      throw LabError(
        "\(file): entity_types.\(type.name).count: \(type.count) entities are more than fit, "
          + "\(Int32.max); lower the count")
    }
    try checkKinds(file: file)
    guard entityTypes.reduce(0, { $0 + $1.count }) <= Int(Int32.max) else {
      throw LabError("\(file): entity_types: more than \(Int32.max) entities; lower the counts")
    }
    for predicate in predicates { try check(predicate, file: file) }
    try checkSources(file: file)
    try checkHeldOut(file: file)
  }

  private func checkHeldOut(file: String) throws {
    guard heldOut.query + heldOut.subject < 1 else {
      throw LabError(
        "\(file): visibility.held_out: query \(heldOut.query) and subject \(heldOut.subject) together "
          + "leave nothing to train on; lower one so that their sum is below 1")
    }
    guard predicates.contains(where: { ($0.heldOut?.query ?? 0) < 1 }) else {
      throw LabError(
        "\(file): predicates: held_out.query is 1 for all of them, which leaves nothing to train on; "
          + "lower one")
    }
    guard
      heldOut.object == 0
        || predicates.contains(where: {
          $0.isDerived || $0.objects.canBeSeveral || $0.constraints != nil
        })
    else {
      throw LabError(
        "\(file): visibility.held_out.object is \(heldOut.object), but no predicate gives a subject "
          + "two objects; set it to 0 or raise objects of a predicate")
    }
  }

  /// How many different objects a subject of the predicate can have: itself is none of them.
  func availableObjects(of predicate: PredicateSchema) -> Int {
    let extents = TypeExtents(self)
    let objects = extents.all(of: predicate.object)
    return objects.count - (extents.all(of: predicate.subject).overlaps(objects) ? 1 : 0)
  }
}

extension ObjectCount {
  var canBeSeveral: Bool {
    switch self {
    case .constant(let count): count > 1
    case .weights(let weights): weights.dropFirst(2).contains { $0 > 0 }
    case .range(_, let max), .zipf(_, let max): max > 1
    case .poisson: true
    }
  }
}

extension EntityTypeSchema {
  fileprivate func check(file: String) throws {
    let place = "\(file): entity_types.\(name)"
    if let capacity = names.literalCapacity, count > capacity {
      throw LabError(
        "\(place).count: \(count) different names are asked, but the name model has only \(capacity); "
          + "lower count or widen the model's range")
    }
    guard case .multiPart(let parts, let pools, let syllables) = names else { return }
    for pool in pools where pool > WordPool.capacity(syllables: syllables) {
      throw LabError(
        "\(place).name.pool: \(pool) words of \(syllables) syllables are asked, but only "
          + "\(WordPool.capacity(syllables: syllables)) can be made; raise syllables to \(syllables + 1)"
      )
    }
    let count = count - Names.ambiguousCount(of: self) / 2
    for length in Set(parts).sorted() {
      let needed = MultiPartNames.count(ofLength: length, parts: parts, of: count)
      let possible = MultiPartNames.capacity(ofLength: length, pools: pools)
      guard needed > possible else { continue }
      throw LabError(
        "\(place).name.pool: names of \(length) \(length == 1 ? "part" : "parts") from these pools can "
          + "be \(possible) different ones, but \(needed) of the \(count) entities need one; raise pool "
          + "to \(Int(pow(Double(needed), 1 / Double(length)).rounded(.up))) or more, or raise parts"
      )
    }
  }
}
