import LabCore

/// Passes what an import gathered on to a graph: names, then triples in order.
struct TripleEmitter {
  private let holdOut: HoldOut?
  private let progress: ProgressReporter

  init(holdOut shares: HeldOutShares, seed: Seed, progress: ProgressReporter) {
    holdOut = shares == HeldOutShares() ? nil : HoldOut(shares, seed: seed)
    self.progress = progress
  }

  /// Empties `collector` into `sink`.
  ///
  /// Returns how many lines repeated a triple with the same role, and how many held-out ones were
  /// dropped because the same triple is trained on.
  func emit(
    _ collector: inout TripleCollector, into sink: inout some GraphSink
  ) throws -> (repeated: Int, alsoTrained: Int) {
    if collector.entries.count > 1 << 20 {
      progress.note("sorting \(Readable.count(Double(collector.entries.count))) triples")
    }
    let entities = Order(collector.entities, keepsIDs: collector.idSource != nil)
    let predicates = Order(collector.predicates, keepsIDs: collector.idSource != nil)
    let attributes = collector.attributes
    var triples = SortedTriples(
      collector.takeEntries(), attributes: attributes, entityRank: entities.rank,
      predicateRank: predicates.rank)
    try emitNames(collector, entities, predicates, into: &sink)
    let hashes = Hashes(collector, entities, predicates)
    var count = 0
    var nextReport = 0
    try triples.forEachSubject { subject, rows in
      if count >= nextReport {
        nextReport = count + 65_536
        guard !Interruption.isRequested else {
          throw LabError.interrupted("interrupted while importing; nothing was written")
        }
        progress.update("writing triple \(Readable.count(Double(count)))")
      }
      count += rows.count
      try emit(subject, rows, attributes, hashes, into: &sink)
    }
    return (triples.repeatedCount, triples.alsoTrainedCount)
  }

  // MARK: Names

  /// In what order names become ids.
  private struct Order {
    /// The collector's id of each name in order.
    let ids: [Int32]
    /// The place of each of the collector's ids.
    let rank: [Int32]

    init(_ names: NameTable, keepsIDs: Bool) {
      if keepsIDs {
        ids = Array(0..<Int32(truncatingIfNeeded: names.count))
        rank = ids
        return
      }
      ids = NameOrder.ids(names)
      var rank = [Int32](repeating: 0, count: ids.count)
      for (place, id) in ids.enumerated() { rank[Int(id)] = Int32(truncatingIfNeeded: place) }
      self.rank = rank
    }
  }

  private func emitNames(
    _ collector: TripleCollector, _ entities: Order, _ predicates: Order,
    into sink: inout some GraphSink
  ) throws {
    let names = collector.entities
    var types = collector.vocabularyTypes
    let isTyped = !types.ofEntities.isEmpty
    var typeOfEntity: [Int32] = []
    if isTyped {
      typeOfEntity = types.ofEntities
    } else if collector.hasKeys {
      typeOfEntity = try entities.ids.map { id in
        try types.number(of: Self.type(names[Int(id)]))
      }
    } else {
      _ = try types.number(of: Array(Self.untyped.utf8)[...])
    }
    try sink.begin(
      entityTypes: types.all,
      predicates: predicates.ids.enumerated().map { place, id in
        let stated = types.ofPredicates.isEmpty ? (nil, nil) : types.ofPredicates[place]
        return Predicate(
          name: collector.predicates.text(Int(id)), subjectType: stated.0, objectType: stated.1)
      })
    for (place, id) in entities.ids.enumerated() {
      let name =
        collector.hasKeys ? Self.name(names[Int(id)]) : names.text(Int(id))
      try sink.add(Entity(name: name, type: typeOfEntity.isEmpty ? 0 : typeOfEntity[place]))
    }
  }

  static let untyped = "entity"

  /// The name in an entity's key.
  static func name(_ key: ArraySlice<UInt8>) -> String {
    String(decoding: key.prefix { $0 != TripleCollector.separator }, as: UTF8.self)
  }

  /// The type in an entity's key.
  private static func type(_ key: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let parts = key.split(
      separator: TripleCollector.separator, maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count > 1 && !parts[1].isEmpty ? parts[1] : Array(untyped.utf8)[...]
  }

  /// Hashes of names by the graph's ids.
  private struct Hashes {
    private let entities: NameTable
    private let predicates: NameTable
    private let entityIDs: [Int32]
    private let predicateIDs: [Int32]
    private let hasKeys: Bool

    init(_ collector: TripleCollector, _ entities: Order, _ predicates: Order) {
      self.entities = collector.entities
      self.predicates = collector.predicates
      entityIDs = entities.ids
      predicateIDs = predicates.ids
      hasKeys = collector.hasKeys
    }

    func entity(_ id: Int32) -> UInt64 {
      let id = Int(entityIDs[Int(id)])
      return hasKeys
        ? NameHash.hash(entities[id].prefix { $0 != TripleCollector.separator })
        : entities.hash(id)
    }

    func predicate(_ id: Int32) -> UInt64 { predicates.hash(Int(predicateIDs[Int(id)])) }
  }

  // MARK: Triples

  private func emit(
    _ subject: Int32, _ rows: [SortedTriples.Row], _ attributes: [TripleAttributes],
    _ hashes: Hashes, into sink: inout some GraphSink
  ) throws {
    let isKnown = rows.contains { row in
      let attribute = attributes[Int(row.attribute)]
      return attribute.isTrained && !attribute.isFalse
    }
    var start = 0
    while start < rows.count {
      var end = start
      var trainedCount = 0
      var trueCount = 0
      while end < rows.count, rows[end].predicate == rows[start].predicate {
        let attribute = attributes[Int(rows[end].attribute)]
        if !attribute.isFalse {
          trueCount += 1
          trainedCount += attribute.isTrained ? 1 : 0
        }
        end += 1
      }
      // Without levels of the lines' own: what the split amounts to.
      let implied: HeldOutLevel = trainedCount > 0 ? .object : isKnown ? .query : .subject
      var levels = self.levels(
        subject, rows[start..<end], trueCount: trueCount, attributes, hashes)[...]
      for row in rows[start..<end] {
        let attribute = attributes[Int(row.attribute)]
        let chosen = attribute.isFalse ? nil : levels.popFirst() ?? nil
        try sink.add(
          Fact(
            triple: Triple(subject: subject, predicate: row.predicate, object: row.object),
            heldOut: attribute.isTrained ? chosen : attribute.level ?? implied,
            bits: attribute.bits, exposures: attribute.exposures,
            derivation: attribute.derivation, isInferable: attribute.isInferable,
            noise: attribute.noise))
      }
      start = end
    }
  }

  /// The levels of a query's true triples by the shares asked for; empty where there are none.
  private func levels(
    _ subject: Int32, _ rows: ArraySlice<SortedTriples.Row>, trueCount: Int,
    _ attributes: [TripleAttributes], _ hashes: Hashes
  ) -> [HeldOutLevel?] {
    guard let holdOut, let first = rows.first, trueCount > 0 else { return [] }
    let truths =
      trueCount == rows.count ? rows : rows.filter { !attributes[Int($0.attribute)].isFalse }[...]
    return holdOut.levels(
      subject: hashes.entity(subject), predicate: hashes.predicate(first.predicate),
      count: trueCount
    ) { hashes.entity(truths[truths.startIndex + $0].object) }
  }
}
