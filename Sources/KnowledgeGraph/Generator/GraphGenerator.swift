package import LabCore

/// Makes a graph from a schema and a seed.
///
/// The result depends on the schema and the seed alone: every predicate draws from its own stream
/// for each block of subjects, so that neither the number of threads nor another predicate changes
/// it. Predicates that nothing else builds on are drawn as they are written and never held whole.
package struct GraphGenerator: Sendable {
  package let schema: GraphSchema
  package let seed: Seed
  /// Threads that draw, beside the one that writes; the result is the same for any number.
  package var workers: Int
  let plans: [PredicatePlan]
  private let names: [Names]
  let extents: TypeExtents
  private static let entitiesPerPart = 8192

  /// Throws `LabError` where the word pools cannot be filled.
  package init(schema: GraphSchema, seed: Seed, workers: Int = 1) throws {
    self.schema = schema
    self.seed = seed
    self.workers = workers
    var words = WordPool()
    names = try schema.entityTypes.map { try Names($0, seed: seed, words: &words) }
    let extents = TypeExtents(schema)
    self.extents = extents
    plans = schema.predicates.enumerated().map { index, predicate in
      PredicatePlan(id: Int32(index), predicate, schema: schema, extents: extents, seed: seed)
    }
  }

  package var entityCount: Int { extents.entityCount }

  /// The graph in memory, without a file.
  package func generate() throws -> KnowledgeGraph {
    var builder = GraphBuilder()
    _ = try run(into: &builder, progress: .silent)
    return builder.build()
  }

  /// Passes the graph to `sink` and returns what was drawn.
  func run(into sink: inout some GraphSink, progress: ProgressReporter) throws -> GenerationTally {
    try sink.begin(entityTypes: entityTypes, predicates: predicates)
    let nameHashes = try addEntities(to: &sink)
    let stored = try StoredPredicates(
      plans, holdOut: HoldOut(schema.heldOut, seed: seed), nameHashes: nameHashes,
      file: "schema \(schema.name)", workers: workers, progress: progress)
    let facts = FactMaker(self, stored: stored, nameHashes: nameHashes)
    var tally = stored.tally
    try OrderedWork.run(parts: facts.parts.count, workers: workers) { part in
      try Interruption.check("generating")
      return facts.part(part)
    } take: { part in
      for fact in part.facts { try sink.add(fact) }
      tally.add(part.tally)
      progress.update(
        "generating \(Readable.count(Double(tally.subjectCount))) of "
          + "\(Readable.count(Double(facts.subjectCount))) subjects, "
          + "\(Readable.count(Double(tally.factCount))) triples")
    }
    return tally
  }

  private var entityTypes: [EntityType] {
    schema.entityTypes.map { type in
      EntityType(name: type.name, parent: type.parent.map { Int32(extents.index(of: $0)) })
    }
  }

  private var predicates: [Predicate] {
    plans.map { plan in
      Predicate(
        name: plan.schema.name, subjectType: Int32(extents.index(of: plan.schema.subject)),
        objectType: Int32(extents.index(of: plan.schema.object)),
        inverseOf: plan.schema.inverseOf.flatMap { inverse in
          plans.first { $0.schema.name == inverse }?.id
        },
        templates: plan.schema.templates ?? [])
    }
  }

  /// Returns the hashes of all names.
  private func addEntities(to sink: inout some GraphSink) throws -> [UInt64] {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(entityCount)
    let size = Self.entitiesPerPart
    for (type, own) in extents.own.enumerated() {
      let names = names[type]
      try OrderedWork.run(parts: (own.count + size - 1) / size, workers: workers) { part in
        (part * size..<min((part + 1) * size, own.count)).map { index in
          let name = names[index]
          return (name: name, hash: NameHash.hash(name))
        }
      } take: { part in
        for entity in part {
          try sink.add(Entity(name: entity.name, type: Int32(type)))
          hashes.append(entity.hash)
        }
      }
    }
    return hashes
  }
}
