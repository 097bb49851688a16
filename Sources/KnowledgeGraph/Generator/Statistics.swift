import Foundation

/// A setting of the schema beside what came out.
package struct AchievedStatistic: Codable, Hashable, Sendable {
  /// The setting's path in the schema, and what of it is counted.
  package let setting: String
  /// The value that the schema implies (an expectation, where chance decides).
  package let requested: Double
  package let achieved: Double
}

/// The information in a graph under its generator, in bits.
package struct InformationContent: Codable, Hashable, Sendable {
  /// Which objects, drawn one after another: the sum of the triples' bits.
  package let objects: Double
  /// How many objects each subject has of each predicate, none included.
  package let objectCounts: Double
  /// By how much the order of drawing overstates the objects of queries with several, log2(n!) each:
  /// exact for uniform popularity, an upper bound otherwise.
  package let order: Double

  enum CodingKeys: String, CodingKey {
    case objects, order
    case objectCounts = "object_counts"
  }
}

/// Counts what the generator draws, to set beside what was asked.
struct GenerationTally {
  struct PerPredicate {
    var subjectCount = 0
    var queryCount = 0
    var tripleCount = 0
    var topFirstDraws = 0
  }

  private(set) var perPredicate: [PerPredicate]
  private(set) var subjectCount = 0
  private(set) var heldOutSubjectCount = 0
  private(set) var tripleCount = 0
  private var objectBits = 0.0
  private var countBits = 0.0
  private var orderBits = 0.0

  init(_ predicateCount: Int) { perPredicate = Array(repeating: .init(), count: predicateCount) }

  mutating func addSubject(isHeldOut: Bool) {
    subjectCount += 1
    if isHeldOut { heldOutSubjectCount += 1 }
  }

  mutating func add(_ plan: PredicatePlan, _ draws: [ObjectSampler.Draw]) {
    let index = Int(plan.id)
    perPredicate[index].subjectCount += 1
    countBits -= log2(plan.probability(ofCount: draws.count))
    guard let first = draws.first else { return }
    tripleCount += draws.count
    perPredicate[index].queryCount += 1
    perPredicate[index].tripleCount += draws.count
    if plan.objects.isTop(first.object) { perPredicate[index].topFirstDraws += 1 }
    for draw in draws { objectBits += draw.bits }
    for number in 1...draws.count { orderBits += log2(Double(number)) }
  }

  var information: InformationContent {
    InformationContent(objects: objectBits, objectCounts: countBits, order: orderBits)
  }

  func statistics(of generator: GraphGenerator, profile: GraphProfile) -> [AchievedStatistic] {
    var rows: [AchievedStatistic] = []
    func row(_ setting: String, _ requested: Double, _ achieved: Double) {
      rows.append(AchievedStatistic(setting: setting, requested: requested, achieved: achieved))
    }
    for (type, count) in zip(generator.schema.entityTypes, profile.entityCounts) {
      row("entity_types.\(type.name).count", Double(type.count), Double(count))
    }
    for (plan, counts) in zip(generator.plans, perPredicate) {
      let path = "predicates.\(plan.schema.name)"
      let queries = Double(counts.queryCount)
      row(
        "\(path).coverage", 1 - plan.probability(ofCount: 0), queries / Double(counts.subjectCount))
      guard counts.queryCount > 0 else { continue }
      row(
        "\(path).objects (mean)", plan.counts.meanWherePositive,
        Double(counts.tripleCount) / queries)
      row(
        "\(path).popularity (share of the most popular)", plan.objects.topProbability,
        Double(counts.topFirstDraws) / queries)
    }
    let heldOut = generator.schema.heldOut
    let path = "visibility.held_out"
    row(
      "\(path).subject", heldOut.subject,
      Double(heldOutSubjectCount) / Double(max(1, subjectCount)))
    row(
      "\(path).query", heldOut.query,
      Double(profile.heldOutQueryCount) / Double(max(1, profile.queryCount)))
    row(
      "\(path).object", heldOut.object,
      Double(profile.pvsCount) / Double(max(1, profile.visibleSeveralCount)))
    return rows
  }
}
