import Foundation

extension GenerationTally {
  /// Every setting of the schema beside what came of it; counts of queries and triples are those of
  /// the graph.
  func statistics(of generator: GraphGenerator, profile: GraphProfile) -> [AchievedStatistic] {
    var rows = typeRows(generator, profile)
    for (plan, counts) in zip(generator.plans, predicates) {
      rows += plan.schema.isDerived ? [] : drawRows(plan, counts.draws)
      rows += ownHeldOutRows(plan, counts)
    }
    rows += exposureRows(generator) + noiseRows(generator, profile)
    return rows + heldOutRows(generator)
  }

  private func row(_ setting: String, _ requested: Double, _ achieved: Double) -> AchievedStatistic
  {
    AchievedStatistic(setting: setting, requested: requested, achieved: achieved)
  }

  private static func share(_ part: Int, of whole: Int) -> Double {
    Double(part) / Double(max(1, whole))
  }

  private func typeRows(
    _ generator: GraphGenerator, _ profile: GraphProfile
  ) -> [AchievedStatistic] {
    zip(generator.schema.entityTypes, profile.entityCounts).flatMap { type, count in
      let path = "entity_types.\(type.name)"
      let achieved = Self.share(Names.ambiguousCount(of: type), of: count)
      return [row("\(path).count", Double(type.count), Double(count))]
        + (type.ambiguous.map { [row("\(path).ambiguous", $0, achieved)] } ?? [])
    }
  }

  private func drawRows(_ plan: PredicatePlan, _ draws: DrawTally) -> [AchievedStatistic] {
    var rows: [AchievedStatistic] = []
    func add(_ what: String, _ requested: Double, _ achieved: Double) {
      rows.append(row("predicates.\(plan.schema.name).\(what)", requested, achieved))
    }
    add(
      "coverage", 1 - plan.probability(ofCount: 0),
      Self.share(draws.queryCount, of: draws.subjectCount))
    guard draws.queryCount > 0 else { return rows }
    let queries = Double(draws.queryCount)
    add("objects (mean)", plan.counts.meanWherePositive, Double(draws.drawCount) / queries)
    // Constraints and dependence change who is drawn how often, so that the share has no simple
    // expectation.
    if plan.schema.constraints == nil, plan.schema.given == nil {
      add(
        "popularity (share of the most popular)", plan.objects.topProbability,
        Double(draws.topFirstDraws) / queries)
    }
    if plan.schema.given != nil, draws.dependentQueries > 0 {
      let asked = Double(draws.dependentQueries)
      add(
        "given (share of what it favours)", draws.expectedFavoured / asked,
        Double(draws.favouredFirstDraws) / asked)
    }
    if draws.shortenedCount > 0 {
      add("objects (subjects that got fewer)", 0, Double(draws.shortenedCount))
    }
    return rows
  }

  private func ownHeldOutRows(
    _ plan: PredicatePlan, _ counts: PerPredicate
  ) -> [AchievedStatistic] {
    guard let own = plan.schema.heldOut else { return [] }
    return [
      row(
        "predicates.\(plan.schema.name).held_out.query", own.query,
        Self.share(counts.hiddenQueryCount, of: counts.openQueryCount))
    ]
  }

  private func exposureRows(_ generator: GraphGenerator) -> [AchievedStatistic] {
    let schema = generator.schema
    let models = schema.predicates.map { $0.exposures ?? schema.exposures }
    guard models.contains(where: { $0 != nil }) else { return [] }
    let expected = models.map { ExposureSampler($0, seed: generator.seed).expected }
    let trained = Double(max(1, predicates.reduce(0) { $0 + $1.trainedCount }))
    func mean(_ value: (PerPredicate, (singletonShare: Double, mean: Double)) -> Double) -> Double {
      zip(predicates, expected).reduce(0) { $0 + value($1.0, $1.1) } / trained
    }
    return [
      row(
        "exposures (mean)", mean { Double($0.trainedCount) * $1.mean },
        mean { counts, _ in Double(counts.presentationCount) }),
      row(
        "exposures (share presented once)", mean { Double($0.trainedCount) * $1.singletonShare },
        mean { counts, _ in Double(counts.singletonCount) }),
    ]
  }

  private func noiseRows(
    _ generator: GraphGenerator, _ profile: GraphProfile
  ) -> [AchievedStatistic] {
    let schema = generator.schema
    let shares = schema.predicates.map { $0.noise ?? schema.noise ?? NoiseShares() }
    func expected(_ share: KeyPath<NoiseShares, Double>, of count: KeyPath<PerPredicate, Int>)
      -> Double
    {
      zip(shares, predicates).reduce(0) { $0 + $1.0[keyPath: share] * Double($1.1[keyPath: count]) }
    }
    let training = profile.training
    return [
      row(
        "noise.contradictory (statements)",
        expected(\.contradictory, of: \.visibleQueryCount), Double(training.contradictory)),
      row(
        "noise.stale (statements)", expected(\.stale, of: \.visibleQueryCount),
        Double(training.stale)),
      row(
        "noise.duplicate (triples)", expected(\.duplicate, of: \.trainedCount),
        Double(training.duplicate)),
    ].filter { $0.requested > 0 }
  }

  private func heldOutRows(_ generator: GraphGenerator) -> [AchievedStatistic] {
    let shares = generator.schema.heldOut
    let path = "visibility.held_out"
    var (queries, hidden, several, partial) = (0, 0, 0, 0)
    for (plan, counts) in zip(generator.plans, predicates)
    where plan.schema.heldOut == nil && !plan.schema.hasEntailedTriples {
      queries += counts.openQueryCount
      hidden += counts.hiddenQueryCount
      several += counts.severalCount
      partial += counts.partialCount
    }
    // What is entailed is also hidden with its premises, beyond any share; without plain predicates
    // there is no row.
    guard queries > 0 else { return [] }
    // A share of all queries: those hidden with their subject belong to all, so that the rest bears
    // more.
    return [
      row("\(path).subject", shares.subject, Self.share(heldOutSubjectCount, of: subjectCount)),
      row(
        "\(path).query", shares.query, Self.share(hidden, of: queries) * (1 - shares.subject)),
      row("\(path).object", shares.object, Self.share(partial, of: several)),
    ]
  }
}
