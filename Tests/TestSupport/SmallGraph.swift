package import KnowledgeGraph

/// Graphs made by hand.
package enum SmallGraph {
  /// `people` subjects with three predicates each; every seventh query is held out.
  package static func people(_ people: Int) -> KnowledgeGraph {
    var builder = GraphBuilder(
      entityTypes: ["person", "city", "field"].map { EntityType(name: $0) },
      entities: (0..<people).map { Entity(name: "Ada\($0 % 7) Lund\($0 / 7)", type: 0) }
        + (0..<9).map { Entity(name: "New Port\($0)", type: 1) }
        + (0..<5).map { Entity(name: "Field\($0)", type: 2) },
      predicates: ["born in", "lives in", "works on"].enumerated().map {
        Predicate(name: $1, subjectType: 0, objectType: $0 == 2 ? 2 : 1)
      })
    for person in 0..<people {
      for predicate in 0..<3 {
        let number = person * 3 + predicate
        let object =
          predicate == 2 ? people + 9 + person * 31 % 5 : people + (person * 17 + predicate * 5) % 9
        builder.add(
          Triple(subject: Int32(person), predicate: Int32(predicate), object: Int32(object)),
          isVisible: number % 7 != 6)
      }
    }
    return builder.build()
  }

  /// A triple by its names.
  package struct Row {
    let subject: String
    let predicate: String
    let object: String
    let objectType: String
    let isVisible: Bool
    let exposures: Int32
    /// Of a falsehood.
    let noise: Noise?

    package init(
      _ subject: String, _ predicate: String, _ object: String, _ objectType: String = "thing",
      visible isVisible: Bool = true, exposures: Int32 = 1, noise: Noise? = nil
    ) {
      self.subject = subject
      self.predicate = predicate
      self.object = object
      self.objectType = objectType
      self.isVisible = isVisible
      self.exposures = exposures
      self.noise = noise
    }
  }

  /// A graph of rows whose subjects are of one type; every predicate has the given templates.
  package static func make(
    _ rows: [Row], subjects subjectType: String = "thing", templates: [String] = []
  ) -> KnowledgeGraph {
    var types = [subjectType]
    var predicates: [String] = []
    var entities: [[String]] = []
    func id<Item: Equatable>(_ item: Item, in list: inout [Item]) -> Int32 {
      if let known = list.firstIndex(of: item) { return Int32(known) }
      list.append(item)
      return Int32(list.count - 1)
    }
    var answers: [[Int32]: [Answer]] = [:]
    var falsehoods: [TaughtTriple] = []
    for row in rows {
      _ = id(row.objectType, in: &types)
      let key = [
        id([row.subject, subjectType], in: &entities), id(row.predicate, in: &predicates),
      ]
      let object = id([row.object, row.objectType], in: &entities)
      if let noise = row.noise {
        falsehoods.append(
          TaughtTriple(
            triple: Triple(subject: key[0], predicate: key[1], object: object),
            exposures: row.exposures, noise: noise))
      } else {
        answers[key, default: []].append(
          Answer(object: object, isVisible: row.isVisible, bits: 1, exposures: row.exposures))
      }
    }
    var queries: [Query] = []
    var all: [Answer] = []
    for key in answers.keys.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
      let own = (answers[key] ?? []).sorted { $0.object < $1.object }
      let visible = own.count(where: \.isVisible)
      queries.append(
        Query(
          subject: key[0], predicate: key[1],
          visibility: visible == own.count ? .fvs : visible == 0 ? .ivs : .pvs,
          answers: all.count..<(all.count + own.count),
          rank: Double(queries.count) / Double(answers.count)))
      all += own
    }
    return KnowledgeGraph(
      entityTypes: types.map { EntityType(name: $0) },
      entities: entities.map { entity in
        Entity(name: entity[0], type: Int32(types.firstIndex(of: entity[1]) ?? 0))
      },
      predicates: predicates.map {
        Predicate(name: $0, subjectType: 0, objectType: nil, templates: templates)
      }, queries: queries, answers: all, contentHash: "rows \(rows.count)",
      falsehoods: falsehoods.sorted { $0.triple < $1.triple })
  }
}
