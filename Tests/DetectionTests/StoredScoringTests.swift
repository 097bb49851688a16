import Detection
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct StoredScoringTests {
  private let copy: RunCopy
  private var run: RunFolder { copy.run }
  private var graph: KnowledgeGraph { copy.graph }

  init() throws { copy = try RunCopy() }

  /// A linear head of one task on the small run.
  private func detector(
    _ task: DetectorTask, _ change: (inout DetectionOptions) -> Void = { _ in }
  ) throws -> URL {
    let options = DetectionOptions.linear { options in
      options.tasks = [task]
      change(&options)
    }
    let summary = try DetectionRunner(run: run, graph: graph, options: options).run()
    let result = try #require(summary.detectors.first { $0.kind.isTrained })
    return try run.detector(result.folder)
  }

  private func evaluate() throws {
    var options = EvaluationOptions()
    options.sampleTemperatures = [1]
    options.samples = 2
    options.resampleCount = 0
    let evaluator = try Evaluator(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options)
    let database = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
    _ = try evaluator.run(
      in: database, weightsHash: #require(run.record.weightsHash), work: Work(shouldStop: { false })
    )
  }

  private func count(_ sql: String) throws -> Int {
    let database = try #require(try RunDatabase.read(in: run.url))
    return try database.read { try Int.fetchOne($0, sql: sql) } ?? 0
  }

  @Test(arguments: DetectorTask.allCases)
  func storedAnswersAreScored(task: DetectorTask) throws {
    let folder = try detector(task)
    try evaluate()
    let scoring = try StoredScoring(folder: folder, run: run, graph: graph)
    #expect(scoring.isOwnModel)
    let first = try scoring.scoreStoredAnswers()
    #expect(first.answerCount == 2 * graph.queries.count)
    #expect(try count("SELECT COUNT(*) FROM answer_score") == first.scoreCount)
    if task == .sentence { #expect(first.scoreCount == first.answerCount) }
    #expect(try scoring.scoreStoredAnswers() == first)
    // One that is lost comes back.
    do {
      let database = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
      try database.write { database in
        try database.execute(
          sql: """
            DELETE FROM answer_score WHERE (query_id, sample, place) =
              (SELECT query_id, sample, place FROM answer_score ORDER BY query_id, sample, place LIMIT 1)
            """)
      }
    }
    #expect(try count("SELECT COUNT(*) FROM answer_score") == first.scoreCount - 1)
    #expect(try scoring.scoreStoredAnswers() == first)
    #expect(try count("SELECT COUNT(*) FROM answer_score") == first.scoreCount)
    let auroc = try #require(first.metrics.first { $0.metric == .auroc })
    #expect((0...1).contains(auroc.value))
  }

  @Test func triplesAreScoredByName() throws {
    let folder = try detector(.sentence)
    let scoring = try StoredScoring(folder: folder, run: run, graph: graph)
    let query = graph.queries[0]
    let subject = graph.entities[Int(query.subject)].name
    let predicate = graph.predicates[Int(query.predicate)].name
    let answer = graph.entities[Int(graph.answers[query.answers][0].object)].name
    let wrong = try #require(graph.entities.first { $0.type == 1 && $0.name != answer }).name
    let file = copy.folder["claims.tsv"]
    try Data("\(subject)\t\(predicate)\t\(answer)\n\n\(subject)\t\(predicate)\t\(wrong)\r\n".utf8)
      .write(to: file)
    let lines = try TripleImporter(name: "claims").triples([file])
    #expect(lines.map(\.line) == [1, 3])
    let scores = try scoring.score(lines)
    #expect(scores.map(\.object) == [answer, wrong])
    #expect(scores.map(\.verdict) == [.correct, .wrongObject])
    #expect(scores.allSatisfy { (0...1).contains($0.score) && $0.place == 0 })
    #expect(try scoring.score(lines) == scores)
    #expect(try count("SELECT COUNT(*) FROM triple_score") == 2)
    // Every token of the object has a score in the token task.
    let tokens = try StoredScoring(folder: detector(.token), run: run, graph: graph).score(lines)
    #expect(tokens.map(\.place) == [1, 2, 1, 2])
  }

  @Test func faultsOfTheFileAreNamed() throws {
    let scoring = try StoredScoring(folder: detector(.sentence), run: run, graph: graph)
    func message(_ line: String) throws -> String {
      let file = try copy.folder.write("\n\(line)\n", to: "bad.tsv")
      let error = #expect(throws: LabError.self) {
        _ = try scoring.score(
          TripleImporter(name: "bad").triples([file]), file: "bad.tsv")
      }
      return error?.description ?? ""
    }
    let name = graph.entities[0].name
    #expect(try message("a\tb").contains("bad.tsv:2: the line has 2 columns"))
    #expect(try message("Adda0 Lund0\tborn in\tx").contains("bad.tsv:2: the graph has no entity"))
    #expect(try message("\(name)\tborn on\tx").contains("no predicate 'born on'"))
    #expect(try message("\(name)\tborn in\tnowhere").contains("no tokens for the object 'nowhere'"))
    #expect(throws: LabError.self) { try TripleImporter(name: "no").triples([copy.folder["no"]]) }
  }

  @Test func strangersAreRefused() throws {
    let folder = try detector(.sentence)
    expectFailure("no stored answers at temperature 1") {
      try StoredScoring(folder: folder, run: run, graph: graph).scoreStoredAnswers()
    }
    expectFailure("not the one that") {
      try StoredScoring(folder: folder, run: run, graph: SmallGraph.people(20))
    }
    // A run with another graph, and so another tokenizer.
    let stranger = try TrainedRun(epochs: 1, people: 30)
    let open = stranger.run
    expectFailure("another tokenizer") {
      try StoredScoring(folder: folder, run: open, graph: stranger.graph)
    }
    expectFailure("another tokenizer") {
      try DetectionRunner(run: run, graph: graph, sources: [open])
    }
  }

  // MARK: Transfer

  @Test func transferCrossesModelsGraphsAndVisibilities() throws {
    let stranger = try TrainedRun(epochs: 12, people: 60)
    let second = stranger.run
    let options = DetectionOptions.linear { $0.kinds = [.head, .lookback, .full] }
    let seen: [Visibility] = [.fvs, .pvs]
    let conditions = [
      TransferCondition(name: "a", run: run, graph: graph, visibilities: seen),
      TransferCondition(name: "a", run: run, graph: graph, visibilities: [.fvs, .ivs]),
      TransferCondition(name: "b", run: second, graph: stranger.graph, visibilities: seen),
    ]
    let cells = try TransferExperiment(conditions, options: options).run(
      Work(shouldStop: { false }))
    // Each of four detectors trained in three places and tested in three.
    #expect(cells.count == 4 * 3 * 3)
    let onOwn = cells.filter { $0.trainedOn == "a" && $0.testedOn == "a" }
    #expect(onOwn.count == 4 * 4 && onOwn.allSatisfy { $0[.auroc] != nil && $0.droppedCount == 0 })
    // Trained and tested in one place it is what detection says.
    let own = try #require(
      cells.first {
        $0.detector == "linear" && $0.trainedOn == "a" && $0.testedOn == "a"
          && $0.trainVisibility == "fvs+pvs" && $0.testVisibility == "fvs+pvs"
      })
    let summary = try DetectionRunner(run: run, graph: graph, options: .linear()).run()
    #expect(own[.auroc] == summary.detector(.sentence, "linear")?[.auroc])
    // The other graph has subjects of the same names; the text detector cannot read its tokens.
    let across = cells.filter { $0.trainedOn == "a" && $0.testedOn == "b" }
    let full = across.filter { $0.kind == .full }
    #expect(!full.isEmpty && full.allSatisfy { $0.refused?.contains("another tokenizer") == true })
    let head = across.filter { $0.kind == .head }
    #expect(head.allSatisfy { $0.droppedCount > 0 || $0.refused != nil })
    let database = try #require(try RunDatabase.read(in: second.url))
    let rows = try database.read {
      try Int.fetchOne(
        $0,
        sql:
          "SELECT COUNT(DISTINCT detector || train_visibility || trained_on) FROM detector_transfer"
      )
    }
    #expect(rows == 4 * 3)
  }

  @Test func transferNeedsTwoPlaces() throws {
    let one = TransferCondition(name: "a", run: run, graph: graph, visibilities: [.fvs])
    for conditions in [[one], [one, one]] {
      expectFailure(status: .usage) {
        try TransferExperiment(conditions, options: DetectionOptions())
      }
    }
  }
}
