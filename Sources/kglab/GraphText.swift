import Console
import KnowledgeGraph
import LabCore

/// A graph's numbers as text, shared by the commands that make or show one.
enum GraphText {
  static func summary(_ profile: GraphProfile) {
    let entities = profile.entityTypes.reduce(0) { $0 + $1.entityCount }
    let queries = profile.queries
    let total = Double(max(1, queries.total))
    Output.line(
      "graph          \(entities.grouped) entities, \(profile.predicates.count) predicates, "
        + "\(queries.total.grouped) queries, \(profile.triples.total.grouped) triples"
    )
    let shares = Visibility.allCases.map { visibility in
      "\(queries[visibility].grouped) \(visibility.rawValue) "
        + "(\(Readable.percent(Double(queries[visibility]) / total)))"
    }
    Output.line("queries        \(shares.joined(separator: ", "))")
    let triples = profile.triples
    Output.line(
      "triples        \(triples.trained.grouped) trained on; held out: "
        + "\(triples.heldOutObject.grouped) by object, "
        + "\(triples.heldOutQuery.grouped) by query, "
        + "\(triples.heldOutSubject.grouped) by subject")
    training(profile)
    let answers = profile.answersPerQuery
    let shown = answers.prefix(6).map { "\($0.answers): \($0.queries.grouped)" }
    let rest = answers.dropFirst(6).reduce(0) { $0 + $1.queries }
    Output.line(
      "answers        \(shown.joined(separator: ", "))"
        + (rest > 0 ? ", more: \(rest.grouped)" : "")
        + "; mean of 1/answers \(Readable.number(profile.meanReciprocalAnswers))")
    if let rate = profile.guessRate {
      let known = Double(profile.knownInvisibleAnswerCount) / Double(profile.invisibleAnswerCount)
      Output.line(
        "guess rate     \(Readable.percent(rate)) of invisible queries, drawing from the trained p(o | p); "
          + "\(Readable.percent(known)) of their answers are known objects")
    }
  }

  /// What training presents where that is not every triple once, and what follows from other
  /// triples.
  private static func training(_ profile: GraphProfile) {
    let training = profile.training
    let noise = [
      (training.contradictory, "contradictory"), (training.stale, "stale"),
      (training.duplicate, "duplicate"),
    ].filter { $0.0 > 0 }
    if training.presentations != training.statements || !noise.isEmpty {
      let flagged = noise.map { "\($0.0.grouped) \($0.1)" }
      Output.line(
        "training       \(training.statements.grouped) statements, "
          + "\(training.presentations.grouped) presentations an epoch, "
          + "\(Readable.percent(training.singletonShare)) of statements presented once"
          + (flagged.isEmpty ? "" : "; " + flagged.joined(separator: ", ")))
    }
    let entailed = profile.entailed
    if entailed.total > 0 {
      Output.line(
        "entailed       \(entailed.total.grouped) triples: "
          + "\(entailed.trained.grouped) trained on; held out: "
          + "\(entailed.heldOutInferable.grouped) inferable, "
          + "\(entailed.heldOutUnknowable.grouped) not")
    }
  }

  static func types(_ profile: GraphProfile) {
    var table = TextTable(["entity type", "entities"])
    for type in profile.entityTypes {
      table.add([type.name, type.entityCount.grouped])
    }
    Output.table(table)
  }

  static func predicates(_ profile: GraphProfile) {
    var table = TextTable(
      [
        "predicate", "subject", "object", "queries", "fvs", "pvs", "ivs", "triples", "mean",
        "objects",
        "bits", "guess",
      ], left: [0, 1, 2])
    for row in profile.predicates {
      table.add([
        row.name, row.subjectType ?? "-", row.objectType ?? "-", row.queries.total.grouped,
        row.queries.fvs.grouped, row.queries.pvs.grouped,
        row.queries.ivs.grouped, row.tripleCount.grouped,
        Readable.number(Double(row.tripleCount) / Double(max(1, row.queries.total))),
        row.distinctObjectCount.grouped,
        row.bits.map { Readable.number($0 / Double(max(1, row.tripleCount))) } ?? "-",
        Readable.percent(row.guessRate),
      ])
    }
    Output.table(table)
  }

  /// What held-out triples ask that training never shows, and what it gives away.
  static func split(_ audit: SplitAudit?) {
    guard let audit else { return }
    func share(_ count: Int) -> String {
      "\(count.grouped) of \(audit.heldOutCount.grouped) held-out triples "
        + "(\(Readable.percent(Double(count) / Double(audit.heldOutCount))))"
    }
    if audit.unseenTripleCount > 0 {
      Output.line(
        "unseen         \(audit.unseenEntityCount.grouped) entities and "
          + "\(audit.unseenPredicateCount.grouped) predicates are held out and never trained on, "
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
        "               '\(pair.first)' \(relation) in \(Readable.percent(pair.overlap)) of triples"
      )
    }
    let more = audit.relationPairs.count - 5
    if more > 0 {
      Output.line("               and \(more.grouped) more; --json lists them")
    }
  }

  static func importReport(_ report: ImportReport) {
    for file in report.files {
      Output.line(
        "read           \(file.name): \(file.lineCount.grouped) lines, "
          + (file.holdsNames == true ? "names" : file.isTrained ? "trained on" : "held out"))
    }
    if let skipped = report.skipped, skipped.count > 0 {
      Output.line("skipped        \(skipped.count.grouped) malformed lines, the first:")
      for line in skipped.first { Output.line("               \(line)") }
    }
    if report.repeatedCount > 0 {
      Output.line(
        "repeated       \(report.repeatedCount.grouped) lines repeat a triple; "
          + "each counts once")
    }
    if report.alsoTrainedCount > 0 {
      Output.line(
        "leaked         \(report.alsoTrainedCount.grouped) held-out lines are also trained on, "
          + "so that they are not held out")
    }
  }
}
