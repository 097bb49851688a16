import Corpus
import KnowledgeGraph
import LabCore
import Testing
import Training

@Suite struct FactLookupTests {
  /// Two people called Ann with answers of every standing; the second Ann's are outside half of the
  /// graph.
  private static let graph: KnowledgeGraph = {
    func answer(_ object: Int32, _ isVisible: Bool, _ exposures: Int32 = 1) -> Answer {
      Answer(object: object, isVisible: isVisible, bits: 1, exposures: exposures)
    }
    func query(_ subject: Int32, _ predicate: Int32, _ answers: Range<Int>, _ rank: Double) -> Query
    {
      Query(
        subject: subject, predicate: predicate, visibility: .fvs, answers: answers, rank: rank)
    }
    let names = ["Ann", "Ann", "Ben", "London", "Paris", "Rome", "Berlin"]
    return KnowledgeGraph(
      entityTypes: [
        EntityType(name: "person"), EntityType(name: "city"), EntityType(name: "ship"),
      ],
      entities: names.enumerated().map {
        Entity(name: $1, type: $0 > 2 ? 1 : $0 == 1 ? 2 : 0)
      },
      predicates: ["lives in", "likes"].map {
        Predicate(name: $0, subjectType: nil, objectType: nil)
      },
      queries: [query(0, 0, 0..<2, 0.1), query(1, 0, 2..<3, 0.9), query(2, 1, 3..<4, 0.2)],
      answers: [answer(3, true, 4), answer(4, false), answer(5, true), answer(6, true)],
      contentHash: "anns",
      falsehoods: [
        TaughtTriple(
          triple: Triple(subject: 0, predicate: 0, object: 6), exposures: 2, noise: .stale)
      ])
  }()

  private func lookup(fraction: Double, epochs: Int, reached: Int? = nil) throws -> FactLookup {
    let corpus = try TrainingCorpus(
      graph: Self.graph, tokenizer: TokenizerKind.word.tokenizer(for: Self.graph),
      configuration: CorpusConfiguration(fraction: fraction))
    let schedule = try corpus.schedule(tokensPerBatch: 14, seed: Seed(5))
    let steps = epochs * schedule.stepsPerEpoch
    return FactLookup(
      graph: Self.graph, schedule: schedule, step: reached ?? steps, stepCount: steps)
  }

  @Test func everyAnswerHasItsStandingAndItsPresentations() throws {
    let report = try lookup(fraction: 0.5, epochs: 3).report(subject: "Ann", predicate: "lives in")
    #expect(report.subjectCount == 2)
    #expect(report.answers.map(\.object) == ["London", "Paris", "Berlin", "Rome"])
    #expect(
      report.answers.map(\.standing) == [.trained, .heldOut, .stale, .outsideFraction])
    #expect(report.answers.map(\.subjectType) == ["person", "person", "person", "ship"])
    #expect(report.answers.map(\.exposuresPerEpoch) == [4, 0, 2, 0])
    #expect(report.answers.map(\.plannedCount) == [12, 0, 6, 0])
    #expect(report.answers.map(\.seenCount) == [12, 0, 6, 0])
    for answer in report.answers {
      #expect(answer.presentations.count == answer.plannedCount)
      for epoch in 1...3 {
        let own = answer.presentations.filter { $0.epoch == epoch }
        #expect(own.count == answer.exposuresPerEpoch)
        let steps = (epoch - 1) * report.stepsPerEpoch + 1...epoch * report.stepsPerEpoch
        #expect(own.allSatisfy { steps.contains($0.step) })
      }
    }
    let whole = try lookup(fraction: 1, epochs: 1).report(subject: "Ann", predicate: "lives in")
    #expect(whole.answers.map(\.standing) == [.trained, .heldOut, .stale, .trained])
  }

  @Test func whatIsSeenEndsWhereTrainingIs() throws {
    let report = try lookup(fraction: 1, epochs: 4, reached: 3)
      .report(subject: "Ann", predicate: "lives in")
    let london = report.answers[0]
    #expect(london.plannedCount == 16)
    #expect(london.seenCount == london.presentations.count { $0.step <= 3 })
    #expect(london.seenCount < 8)
  }

  @Test func whatIsNotThereIsNamed() throws {
    let lookup = try lookup(fraction: 1, epochs: 1)
    func text(_ subject: String, _ predicate: String) -> String? {
      let error = #expect(throws: LabError.self) {
        try lookup.report(subject: subject, predicate: predicate)
      }
      return error?.description
    }
    #expect(text("Anne", "lives in") == "the graph has no entity 'Anne'; did you mean 'Ann'?")
    #expect(
      text("Ann", "live in") == "the graph has no predicate 'live in'; did you mean 'lives in'?")
    #expect(
      text("Ann", "likes")
        == "the graph has no triple of 'Ann' with 'likes'; it has triples with 'lives in'")
    #expect(
      text("Rome", "likes")
        == "the graph has no triple of 'Rome' with 'likes'; it has none that begins with 'Rome'")
  }
}
