import KnowledgeGraph

/// A graph's numbers as text, shared by the commands that make or show one.
enum GraphText {
  static func summary(_ profile: GraphProfile) {
    let entities = profile.entityTypes.reduce(0) { $0 + $1.entityCount }
    let queries = profile.queries
    let total = Double(max(1, queries.total))
    Output.line(
      "graph          \(Output.grouped(entities)) entities, \(profile.predicates.count) predicates, "
        + "\(Output.grouped(queries.total)) queries, \(Output.grouped(profile.triples.total)) triples"
    )
    let shares = Visibility.allCases.map { visibility in
      "\(Output.grouped(queries[visibility])) \(visibility.rawValue) "
        + "(\(Output.percent(Double(queries[visibility]) / total)))"
    }
    Output.line("queries        \(shares.joined(separator: ", "))")
    let triples = profile.triples
    Output.line(
      "triples        \(Output.grouped(triples.trained)) trained on; held out: "
        + "\(Output.grouped(triples.heldOutObject)) by object, "
        + "\(Output.grouped(triples.heldOutQuery)) by query, "
        + "\(Output.grouped(triples.heldOutSubject)) by subject")
    training(profile)
    let answers = profile.answersPerQuery
    let shown = answers.prefix(6).map { "\($0.answers): \(Output.grouped($0.queries))" }
    let rest = answers.dropFirst(6).reduce(0) { $0 + $1.queries }
    Output.line(
      "answers        \(shown.joined(separator: ", "))"
        + (rest > 0 ? ", more: \(Output.grouped(rest))" : "")
        + "; mean of 1/answers \(Output.number(profile.meanReciprocalAnswers))")
    if let rate = profile.guessRate {
      let known = Double(profile.knownInvisibleAnswerCount) / Double(profile.invisibleAnswerCount)
      Output.line(
        "guess rate     \(Output.percent(rate)) of invisible queries, drawing from the trained p(o | p); "
          + "\(Output.percent(known)) of their answers are known objects")
    }
  }

  /// What training presents where that is not every triple once, and what follows from other triples.
  private static func training(_ profile: GraphProfile) {
    let training = profile.training
    let noise = [
      (training.contradictory, "contradictory"), (training.stale, "stale"),
      (training.duplicate, "duplicate"),
    ].filter { $0.0 > 0 }
    if training.presentations != training.statements || !noise.isEmpty {
      let flagged = noise.map { "\(Output.grouped($0.0)) \($0.1)" }
      Output.line(
        "training       \(Output.grouped(training.statements)) statements, "
          + "\(Output.grouped(training.presentations)) presentations an epoch, "
          + "\(Output.percent(training.singletonShare)) of statements presented once"
          + (flagged.isEmpty ? "" : "; " + flagged.joined(separator: ", ")))
    }
    let entailed = profile.entailed
    if entailed.total > 0 {
      Output.line(
        "entailed       \(Output.grouped(entailed.total)) triples: "
          + "\(Output.grouped(entailed.trained)) trained on; held out: "
          + "\(Output.grouped(entailed.heldOutInferable)) inferable, "
          + "\(Output.grouped(entailed.heldOutUnknowable)) not")
    }
  }

  static func types(_ profile: GraphProfile) {
    var table = TextTable(["entity type", "entities"])
    for type in profile.entityTypes {
      table.add([type.name, Output.grouped(type.entityCount)])
    }
    table.print()
  }

  static func predicates(_ profile: GraphProfile) {
    var table = TextTable(
      [
        "predicate", "subject", "object", "queries", "fvs", "pvs", "ivs", "triples", "mean",
        "objects",
        "bits", "guess",
      ], leftColumns: 3)
    for row in profile.predicates {
      table.add([
        row.name, row.subjectType ?? "-", row.objectType ?? "-", Output.grouped(row.queries.total),
        Output.grouped(row.queries.fvs), Output.grouped(row.queries.pvs),
        Output.grouped(row.queries.ivs), Output.grouped(row.tripleCount),
        Output.number(Double(row.tripleCount) / Double(max(1, row.queries.total))),
        Output.grouped(row.distinctObjectCount),
        row.bits.map { Output.number($0 / Double(max(1, row.tripleCount))) } ?? "-",
        Output.percent(row.guessRate),
      ])
    }
    table.print()
  }

  /// What held-out triples ask that training never shows, and what it gives away.
  static func split(_ audit: SplitAudit?) {
    guard let audit else { return }
    func share(_ count: Int) -> String {
      "\(Output.grouped(count)) of \(Output.grouped(audit.heldOutCount)) held-out triples "
        + "(\(Output.percent(Double(count) / Double(audit.heldOutCount))))"
    }
    if audit.unseenTripleCount > 0 {
      Output.line(
        "unseen         \(Output.grouped(audit.unseenEntityCount)) entities and "
          + "\(Output.grouped(audit.unseenPredicateCount)) predicates are held out and never trained on, "
          + "in \(share(audit.unseenTripleCount))")
    }
    guard !audit.relationPairs.isEmpty else { return }
    Output.line(
      "given away     \(share(audit.inferableCount)) are trained on by an inverse or duplicate predicate:"
    )
    for pair in audit.relationPairs.prefix(5) {
      let relation =
        !pair.isInverse
        ? "says the same as '\(pair.second)'"
        : pair.first == pair.second ? "is symmetric" : "is the inverse of '\(pair.second)'"
      Output.line(
        "               '\(pair.first)' \(relation) in \(Output.percent(pair.overlap)) of triples")
    }
    let more = audit.relationPairs.count - 5
    if more > 0 {
      Output.line("               and \(Output.grouped(more)) more; --json lists them")
    }
  }

  static func importReport(_ report: ImportReport) {
    for file in report.files {
      Output.line(
        "read           \(file.name): \(Output.grouped(file.lineCount)) lines, "
          + (file.holdsNames == true ? "names" : file.isTrained ? "trained on" : "held out"))
    }
    if let skipped = report.skipped, skipped.count > 0 {
      Output.line("skipped        \(Output.grouped(skipped.count)) malformed lines, the first:")
      for line in skipped.first { Output.line("               \(line)") }
    }
    if report.repeatedCount > 0 {
      Output.line(
        "repeated       \(Output.grouped(report.repeatedCount)) lines repeat a triple; "
          + "each counts once")
    }
    if report.alsoTrainedCount > 0 {
      Output.line(
        "leaked         \(Output.grouped(report.alsoTrainedCount)) held-out lines are also trained on, "
          + "so that they are not held out")
    }
  }
}
