package import LabCore

/// Makes a graph from a schema and a seed, one subject at a time.
///
/// The result depends on the schema and the seed alone: every predicate draws from its own stream for
/// each block of subjects, so that neither the order of work nor another predicate changes it.
package struct GraphGenerator: Sendable {
  package let schema: GraphSchema
  package let seed: Seed
  let plans: [PredicatePlan]
  private let names: [Names]
  /// The id of the first entity of each type, and one past the last.
  private let firstIDs: [Int]
  private let holdOut: HoldOut
  private static let blockSize = 512

  /// Throws `LabError` where the word pools cannot be filled.
  package init(schema: GraphSchema, seed: Seed) throws {
    self.schema = schema
    self.seed = seed
    var words = WordPool()
    names = try schema.entityTypes.map { try Names($0, seed: seed, words: &words) }
    firstIDs = schema.entityTypes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    plans = schema.predicates.enumerated().map { index, predicate in
      PredicatePlan(id: Int32(index), predicate, schema: schema, seed: seed)
    }
    holdOut = HoldOut(schema.heldOut, seed: seed)
  }

  package var entityCount: Int { firstIDs.last ?? 0 }

  /// The graph in memory, without a file.
  package func generate() throws -> KnowledgeGraph {
    var builder = GraphBuilder()
    var tally = GenerationTally(plans.count)
    try run(into: &builder, tally: &tally, progress: .silent)
    return builder.build()
  }

  func run(
    into sink: inout some GraphSink, tally: inout GenerationTally, progress: ProgressReporter
  ) throws {
    try sink.begin(
      entityTypes: schema.entityTypes.map { EntityType(name: $0.name) },
      predicates: plans.map {
        Predicate(
          name: $0.schema.name, subjectType: Int32($0.subjectType), objectType: Int32($0.objectType)
        )
      })
    var nameHashes: [UInt64] = []
    nameHashes.reserveCapacity(entityCount)
    for (type, names) in names.enumerated() {
      for index in 0..<schema.entityTypes[type].count {
        let name = names[index]
        nameHashes.append(NameHash.hash(name))
        try sink.add(Entity(name: name, type: Int32(type)))
      }
    }
    for type in schema.entityTypes.indices {
      try runSubjects(of: type, nameHashes, &sink, &tally, progress)
    }
  }

  private func runSubjects(
    of type: Int, _ nameHashes: [UInt64], _ sink: inout some GraphSink,
    _ tally: inout GenerationTally, _ progress: ProgressReporter
  ) throws {
    let plans = plans.filter { $0.subjectType == type }
    guard !plans.isEmpty else { return }
    let count = schema.entityTypes[type].count
    var streams: [RandomStream] = []
    for index in 0..<count {
      if index % Self.blockSize == 0 {
        guard !Interruption.isRequested else {
          throw LabError.interrupted("interrupted while generating; nothing was written")
        }
        streams = plans.map { $0.stream(seed: seed, block: index / Self.blockSize) }
        if index > 0 {
          progress.update(
            "generating \(schema.entityTypes[type].name) \(index) of \(count), "
              + "\(Readable.count(Double(tally.tripleCount))) triples")
        }
      }
      let subject = firstIDs[type] + index
      tally.addSubject(isHeldOut: holdOut.isHeldOut(subject: nameHashes[subject]))
      for (position, plan) in plans.enumerated() {
        let draws = plan.draw(subjectIndex: index, &streams[position])
        tally.add(plan, draws)
        guard !draws.isEmpty else { continue }
        try add(draws, of: plan, subject: subject, nameHashes, to: &sink)
      }
    }
  }

  private func add(
    _ draws: [ObjectSampler.Draw], of plan: PredicatePlan, subject: Int, _ nameHashes: [UInt64],
    to sink: inout some GraphSink
  ) throws {
    let first = firstIDs[plan.objectType]
    let sorted = draws.count == 1 ? draws : draws.sorted { $0.object < $1.object }
    let levels = holdOut.levels(
      subject: nameHashes[subject], predicate: plan.nameHash, count: sorted.count
    ) { nameHashes[first + Int(sorted[$0].object)] }
    for (draw, level) in zip(sorted, levels) {
      try sink.add(
        Fact(
          triple: Triple(
            subject: Int32(subject), predicate: plan.id, object: Int32(first) + draw.object),
          heldOut: level, bits: draw.bits))
    }
  }
}

/// One predicate's samplers.
struct PredicatePlan: Sendable {
  let id: Int32
  let schema: PredicateSchema
  let nameHash: UInt64
  let subjectType: Int
  let objectType: Int
  let counts: ObjectCountSampler
  let objects: ObjectSampler

  init(id: Int32, _ predicate: PredicateSchema, schema: GraphSchema, seed: Seed) {
    self.id = id
    self.schema = predicate
    nameHash = NameHash.hash(predicate.name)
    func type(_ name: String) -> Int { schema.entityTypes.firstIndex { $0.name == name } ?? 0 }
    subjectType = type(predicate.subject)
    objectType = type(predicate.object)
    counts = ObjectCountSampler(
      predicate.objects, available: schema.availableObjects(of: predicate))
    objects = ObjectSampler(
      count: schema.entityTypes[objectType].count, popularity: predicate.popularity,
      stream: seed.stream("graph/popularity/\(predicate.name)"))
  }

  func stream(seed: Seed, block: Int) -> RandomStream {
    seed.stream("graph/triples/\(schema.name)/\(block)")
  }

  /// Empty where the subject does not have the predicate.
  func draw(subjectIndex: Int, _ stream: inout RandomStream) -> [ObjectSampler.Draw] {
    if schema.coverage < 1, stream.uniform() >= schema.coverage { return [] }
    let number = counts.draw(&stream)
    guard number > 0 else { return [] }
    return objects.draw(
      number, excluding: subjectType == objectType ? Int32(subjectIndex) : nil, &stream)
  }

  /// The probability that a subject has exactly this many objects.
  func probability(ofCount number: Int) -> Double {
    guard number < counts.probabilities.count else { return 0 }
    let drawn = schema.coverage * counts.probabilities[number]
    return number == 0 ? drawn + 1 - schema.coverage : drawn
  }
}
