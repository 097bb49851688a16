import Analysis
import Compute
import Corpus
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

struct KnowledgeTests {
  private func fresh(_ run: TrainedRun, _ options: KnowledgeOptions = fewResamples) throws
    -> KnowledgeSummary
  {
    try run.run.knowledge(options, graph: run.graph, work: Work(shouldStop: { false }))
  }

  private static var fewResamples: KnowledgeOptions {
    var options = KnowledgeOptions()
    options.resampleCount = 50
    return options
  }

  private func scores(_ run: TrainedRun) throws -> [FactScore] {
    let scorer = try FactScorer(
      model: run.run.loadModel(), tokenizer: run.run.tokenizer, graph: run.graph)
    return try #require(try scorer.scores(of: Array(run.graph.queries.indices)))
  }

  /// Bits from their definition: entropies by counting, code lengths from the model.
  @Test func storedBitsFollowTheFormula() throws {
    let run = try TrainedRun(TestGraph.people(20))
    let graph = run.graph
    let summary = try fresh(run)
    var objects: [Int32: [Int32]] = [:]
    for triple in graph.statements(fraction: 1).map(\.triple) {
      objects[triple.predicate, default: []].append(triple.object)
    }
    let entropies = objects.mapValues { all in
      Set(all).reduce(0.0) { sum, object in
        let share = Double(all.count { $0 == object }) / Double(all.count)
        return sum - share * log2(share)
      }
    }
    var (stored, code, memorised, count) = (0.0, 0.0, 0.0, 0)
    var net: [Int32: Double] = [:]
    for score in try scores(run) {
      let query = graph.queries[score.query]
      for answer in graph.answers[query.answers] where answer.isVisible {
        let own = try #require(score.truth.first { $0.object == answer.object })
        let entropy = try #require(entropies[query.predicate])
        let bits = -own.logProbability / log(2)
        stored += max(0, entropy - bits)
        memorised += max(0, answer.bits - bits)
        net[query.predicate, default: 0] += entropy - bits
        code += bits
        count += 1
      }
    }
    let row = try #require(summary.storedBits(trained: true))
    #expect(row.tripleCount == count)
    #expect(abs(row.storedBits - stored) < 1e-6 * (1 + stored))
    #expect(abs(row.codeBits - code) < 1e-6 * code)
    #expect(abs(row.memorisedBits - memorised) < 1e-6 * (1 + memorised))
    let positive = net.values.reduce(0) { $0 + max(0, $1) }
    #expect(abs(row.netBits - positive) < 1e-6 * (1 + positive))
    #expect(row.netBits <= row.storedBits + 1e-9)
    #expect(summary.reference == "generator")
    #expect(row.referenceBits == Double(count), "each triple of the test graph carries one bit")
    let exposures = summary.storedBits.filter { $0.groupKind == "exposure" }
    #expect(exposures.map(\.groupValue) == ["1"])
    #expect(exposures[0].storedBits == row.storedBits)
    #expect(summary.storedBits(trained: false)?.tripleCount == graph.answers.count - count)
  }

  /// Without bits of a generator: an object's share of what its predicate is trained on.
  @Test func anObjectNeverTrainedCountsAsOnce() throws {
    let folder = try TemporaryFolder()
    for (name, text) in [
      ("train.txt", "ann\tin\trome\nbob\tin\trome\ncy\tin\trome\ndi\tin\tbonn\neve\tof\toslo\n"),
      ("test.txt", "eve\tin\trome\nfay\tin\toslo\n"),
    ] { try folder.write(text, to: name) }
    let run = try TrainedRun(TripleImporter(name: "x").load([folder.url]))
    let summary = try fresh(run)
    #expect(summary.reference == "object_frequencies")
    // Held out: rome, three of four, and oslo, never said of "in".
    let reference = try #require(summary.storedBits(trained: false)).referenceBits
    #expect(abs(reference - (log2(4.0 / 3) + log2(4))) < 1e-9)
  }

  /// A model that says only p(o | p) stores nothing net; one that knows every fact stores its
  /// entropy.
  @Test func boundsOfStoredBits() throws {
    let fixture = try Fixture(TestGraph.people(40))
    let scorer = try FactScorer(
      model: fixture.model, tokenizer: fixture.tokenizer, graph: fixture.graph)
    let all = try #require(try scorer.scores(of: Array(0..<120)))
    #expect(all.allSatisfy { $0.probability >= 0 && $0.probability <= 1 })
    // The exact rate counts the same probabilities.
    let outcomes = try fixture.evaluator(options()).outcomes(of: 0..<120)
    for (score, outcome) in zip(all, outcomes) {
      #expect(abs(1 - score.probability - outcome.exact[0].hallucination) < 1e-6)
    }
  }

  /// Every number of the bound from its definition, on a graph with known exposures.
  @Test func singletonsAreCounted() throws {
    let run = try TrainedRun(TestGraph.people(20))
    let graph = run.graph
    let bound = try fresh(run).singletons
    let trained = graph.statements(fraction: 1).map(\.triple)
    #expect(bound.presentationCount == trained.count)
    let perQuery = Dictionary(grouping: trained) { [$0.subject, $0.predicate] }
    #expect(bound.singletonCount == perQuery.values.count { $0.count == 1 })
    #expect(bound.singletonRate == Double(bound.singletonCount) / Double(trained.count))
    let n = Double(trained.count)
    #expect(abs(bound.sampleTerm - (35 + 6 * log(n)) / n.squareRoot()) < 1e-12)
    // Things are of one type: 6 texts, 2 of them right.
    #expect(bound.wrongObjectCount == 4)
    #expect(bound.miscalibration == abs(bound.modelMass - bound.trueMass))
    #expect(
      abs(bound.bound - (bound.singletonRate - 0.5 - bound.miscalibration - bound.sampleTerm))
        < 1e-12)
    let weights = graph.queries.map { Double($0.answers.count) }
    let unseen = zip(graph.queries, weights).reduce(0) {
      $0 + ($1.0.visibility == .ivs ? $1.1 : 0)
    }
    #expect(abs(bound.unseenShare - unseen / weights.reduce(0, +)) < 1e-12)
    let wrong = zip(try scores(run), weights).reduce(0) { $0 + $1.1 * (1 - $1.0.probability) }
    #expect(abs(bound.weightedRate - wrong / weights.reduce(0, +)) < 1e-6)
  }

  @Test func reversedFactsAreFoundAndAsked() throws {
    let run = try TrainedRun(TestGraph.families(30))
    let reversal = try fresh(run).reversal
    #expect(reversal.absence == nil)
    // "parent of" and "child of" are each other's inverse; only ways back are held out.
    #expect(reversal.rows.map(\.predicate) == ["", "child of"])
    #expect(reversal.rows.map(\.forwardPredicate) == ["", "parent of"])
    let row = reversal.rows[1]
    #expect(row.factCount == 10)
    #expect(row.gap == reversal.rows[0].gap || row.gap.value == reversal.rows[0].gap.value)
    #expect(row.shareAbove >= 0 && row.shareAbove <= 1)
    #expect(row.accuracy.count == 10)
    #expect(row.forwardAccuracy != nil)
    // The stored numbers give the mean again.
    let path = run.folder.appendingPathComponent(RunDatabase.fileName).path
    let mean = try DatabaseQueue(path: path).read { database in
      try Double.fetchOne(
        database,
        sql: "SELECT AVG(log_probability - random_log_probability) FROM reversal_result")
    }
    #expect(abs(try #require(mean) - row.gap.value) < 1e-9)
    let counts = try DatabaseQueue(path: path).read { database in
      try Int.fetchAll(database, sql: "SELECT DISTINCT random_count FROM reversal_result")
    }
    #expect(counts == [16])
  }

  @Test func graphsWithoutInversesSaySo() throws {
    let summary = try fresh(TrainedRun(TestGraph.people(20), epochs: 1))
    #expect(summary.reversal.rows.isEmpty)
    #expect(summary.reversal.absence?.contains("no predicate") == true)
  }

  /// Confidence is the probability of the greedy answer; stored bins add up.
  @Test func calibrationFollowsTheScores() throws {
    let run = try TrainedRun(TestGraph.people(20))
    let summary = try fresh(run)
    let all = try scores(run)
    let row = try #require(summary.calibration.first { $0.visibility == .ivs })
    let own = all.filter { run.graph.queries[$0.query].visibility == .ivs }
    #expect(row.answerCount == own.count)
    let errors = own.map { score -> Double in
      let right: Double = score.greedy.verdict.isHallucination ? 0 : 1
      return pow(exp(score.greedy.logProbability) - right, 2)
    }
    #expect(abs(row.brier.value - errors.reduce(0, +) / Double(errors.count)) < 1e-9)
    for binning in ["equal_width", "equal_mass"] {
      let bins = row.reliability.filter { $0.binning.rawValue == binning }
      #expect(bins.reduce(0) { $0 + $1.count } == own.count)
      #expect(bins.count <= 10)
    }
    #expect(Set(summary.calibration.map(\.visibility)) == Set(QuerySet.allCases))
  }

  /// A second call reads back; one that was stopped goes on without asking again.
  @Test func scoringContinues() throws {
    let run = try TrainedRun(TestGraph.people(100), epochs: 1)
    expectFailure(status: .interrupted) {
      try run.run.knowledge(
        Self.fewResamples, graph: run.graph, work: Work(shouldStop: stopping(after: 9)))
    }
    let path = run.folder.appendingPathComponent(RunDatabase.fileName).path
    func count() throws -> Int? {
      try DatabaseQueue(path: path).read {
        try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM scored_query")
      }
    }
    #expect(try count() == 256)
    let summary = try fresh(run)
    #expect(try count() == 300)
    #expect(try fresh(run) == summary)
    let whole = try TrainedRun(TestGraph.people(100), epochs: 1)
    #expect(try fresh(whole) == summary)
  }
}
