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
    let keepsIDs = collector.idSource != nil
    let entities = Order(collector.entities, keepsIDs: keepsIDs, areKeys: collector.hasKeys)
    let predicates = Order(collector.predicates, keepsIDs: keepsIDs, areKeys: false)
    let attributes = collector.attributes
    var triples = SortedTriples(
      collector.takeEntries(), attributes: attributes, entityRank: entities.rank,
      predicateRank: predicates.rank)
    try emitNames(collector, entities, predicates, into: &sink)
    var count = 0
    var nextReport = 0
    try triples.forEachSubject { subject, rows in
      if count >= nextReport {
        nextReport = count + 65_536
        try Interruption.check("importing")
        progress.update("writing triple \(Readable.count(Double(count)))")
      }
      count += rows.count
      try emit(subject, rows, attributes, entities, predicates, into: &sink)
    }
    return (triples.repeatedCount, triples.alsoTrainedCount)
  }

  // MARK: Names

  /// In what order names become ids.
  private struct Order {
    private let names: NameTable
    private let areKeys: Bool
    /// The collector's id of each name in order.
    let ids: [Int32]
    /// The place of each of the collector's ids.
    let rank: [Int32]

    init(_ names: NameTable, keepsIDs: Bool, areKeys: Bool) {
      self.names = names
      self.areKeys = areKeys
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

    /// The name with one of the graph's ids.
    func name(_ place: Int) -> String {
      let id = Int(ids[place])
      return areKeys ? TripleEmitter.name(names[id]) : names.text(id)
    }

    func hash(_ place: Int32) -> UInt64 {
      let id = Int(ids[Int(place)])
      return areKeys
        ? NameHash.hash(names[id].prefix { $0 != TripleCollector.separator }) : names.hash(id)
    }
  }

  private func emitNames(
    _ collector: TripleCollector, _ entities: Order, _ predicates: Order,
    into sink: inout some GraphSink
  ) throws {
    var types = collector.vocabularyTypes
    var typeOfEntity = types.ofEntities
    if typeOfEntity.isEmpty, collector.hasKeys {
      typeOfEntity = try entities.ids.map { id in
        try types.number(of: Self.type(collector.entities[Int(id)]))
      }
    } else if typeOfEntity.isEmpty {
      _ = try types.number(of: Array(Self.untyped.utf8)[...])
    }
    try sink.begin(
      entityTypes: types.all,
      predicates: predicates.ids.indices.map { place in
        let stated = types.ofPredicates.isEmpty ? (nil, nil) : types.ofPredicates[place]
        return Predicate(
          name: predicates.name(place), subjectType: stated.0, objectType: stated.1)
      })
    for place in entities.ids.indices {
      try sink.add(
        Entity(
          name: entities.name(place), type: typeOfEntity.isEmpty ? 0 : typeOfEntity[place]))
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

  // MARK: Triples

  private func emit(
    _ subject: Int32, _ rows: [SortedTriples.Row], _ attributes: [TripleAttributes],
    _ entities: Order, _ predicates: Order, into sink: inout some GraphSink
  ) throws {
    let isKnown = rows.contains { row in
      let attribute = attributes[Int(row.attribute)]
      return attribute.isTrained && !attribute.isFalse
    }
    for query in rows.runs(by: \.predicate) {
      let truths = query.filter { !attributes[Int($0.attribute)].isFalse }
      let isTaught = truths.contains { attributes[Int($0.attribute)].isTrained }
      // Without levels of the lines' own: what the split amounts to.
      let implied: HeldOutLevel = isTaught ? .object : isKnown ? .query : .subject
      var levels: ArraySlice<HeldOutLevel?> = []
      if let holdOut, let first = truths.first {
        levels =
          holdOut.levels(
            subject: entities.hash(subject), predicate: predicates.hash(first.predicate),
            count: truths.count
          ) { entities.hash(truths[$0].object) }[...]
      }
      for row in query {
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
    }
  }
}
