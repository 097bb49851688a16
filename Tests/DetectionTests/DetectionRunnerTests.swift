import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

struct DetectionRunnerTests {
  private let copy: RunCopy
  private var run: RunFolder { copy.run }
  private var graph: KnowledgeGraph { copy.graph }

  init() throws { copy = try RunCopy() }

  private func options(_ change: (inout DetectionOptions) -> Void = { _ in }) throws
    -> DetectionOptions
  {
    var options = DetectionOptions()
    options.kinds = [.head, .score]
    options.heads = [.linear, try HeadArchitecture(named: "mlp-4")]
    options.evidence = 0
    options.resampleCount = 100
    change(&options)
    return options
  }

  /// Short: what is tested is not how well the heads learn.
  private func runner(_ options: DetectionOptions, run: RunFolder? = nil) throws -> DetectionRunner
  {
    try DetectionRunner(
      run: run ?? self.run, graph: graph, options: options, training: Self.training)
  }

  private static let training = {
    var training = HeadTrainingOptions()
    training.linearPenalties = [1]
    training.stepCount = 60
    training.validationInterval = 20
    return training
  }()

  /// The stored scores of one detector with the labels and subjects of its test examples.
  private func scored(
    _ database: RunDatabase, key: String, task: DetectorTask, name: String
  ) throws -> ScoredExamples {
    let rows = try database.read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT s.score, e.hallucinated, e.subject_id
          FROM detector_score s
          JOIN detector d ON d.id = s.detector_id
          JOIN detection n ON n.id = d.detection_id
          JOIN detection_example e ON e.id = s.example_id
          WHERE n.key = ? AND d.task = ? AND d.name = ?
          ORDER BY e.id
          """, arguments: [key, task.rawValue, name])
    }
    return try ScoredExamples(
      scores: rows.map { $0[0] }, labels: rows.map { $0[1] }, subjects: rows.map { $0[2] })
  }

  private func database() throws -> RunDatabase { try #require(try RunDatabase.read(in: run.url)) }

  /// The precision that detectors learn in is a choice of its own; single precision is what no
  /// choice means.
  @Test func detectorsLearnInTheChosenPrecision() throws {
    let heads = [HeadArchitecture.linear, try HeadArchitecture(named: "mlp-16")]
    func summary(_ precision: Precision?) throws -> DetectionSummary {
      try runner(
        options {
          $0.kinds = [.head, .full]
          $0.heads = heads
          $0.full = [.scratch(size: "3k")]
          $0.fullTraining.epochs = 2
          $0.tasks = [.sentence]
          $0.precision = precision
        }
      ).run()
    }
    func auroc(_ summary: DetectionSummary, _ name: String) throws -> Double {
      try #require(
        summary.detector(.sentence, name)?.metrics.first { $0.metric == .auroc }?.value)
    }
    let single = try summary(nil)
    let bf16 = try summary(.bf16)
    #expect(try summary(.fp32).key == single.key && bf16.key != single.key)
    func keyOfScores(_ precision: Precision?) throws -> String {
      try runner(
        options {
          $0.kinds = [.score]
          $0.precision = precision
        }
      ).identity.key
    }
    #expect(try keyOfScores(.bf16) == keyOfScores(nil), "nothing learns by steps there")
    #expect(try auroc(bf16, "linear") == auroc(single, "linear"))
    for name in ["mlp-16", "full-3k"] {
      #expect(try abs(auroc(bf16, name) - auroc(single, name)) < 0.1)
      let losses = try [single, bf16].map { summary in
        try #require(summary.detector(.sentence, name)?.training?.validationLoss)
      }
      #expect(losses[0] != losses[1] || !Device.cpu.supportsBF16)
    }
  }

  @Test func metricsFollowFromTheStoredScores() throws {
    let summary = try runner(options()).run()
    #expect(summary.tasks.map(\.task) == [.sentence, .token])
    #expect(summary.detectors.count == 2 + 11 + 5 + 3 + 2 + 7 + 1)
    #expect(summary.detectors.allSatisfy { $0.unmeasured == nil })
    let database = try database()
    for detector in summary.detectors {
      let stored = try scored(
        database, key: summary.key, task: detector.task, name: detector.name)
      #expect(stored.count == summary.counts(detector.task)?[.test]?.exampleCount)
      let quality = try stored.quality(
        seed: Seed(0), name: detector.task.rawValue,
        resampleCount: 100)
      for estimate in detector.metrics { #expect(quality[estimate.metric] == estimate) }
    }
    let rows = try database.read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT d.task, d.name, m.metric, m.value, m.lower, m.upper, m.chance, d.parameters,
            d.prevalence, d.train_count
          FROM detector_metric m JOIN detector d ON d.id = m.detector_id
          WHERE m.calibration = 'none'
          """)
    }
    #expect(rows.count == summary.detectors.reduce(0) { $0 + $1.metrics.count })
    for row in rows {
      let task = try #require(DetectorTask(rawValue: row[0]))
      let metric = try #require(DetectionMetric(rawValue: row[2]))
      let detector = try #require(summary.detector(task, row[1]))
      let estimate = try #require(detector[metric])
      #expect(row[3] == estimate.value && row[4] == estimate.lower && row[5] == estimate.upper)
      #expect(row[6] == estimate.chance && row[7] == detector.parameters)
      #expect(row[8] == summary.counts(task)?.prevalence)
      #expect(row[9] == summary.counts(task)?[.train]?.exampleCount)
    }
  }

  /// Two answers to each seen query; the parts hold 60, 20 and 20 of the 100 subjects.
  @Test func examplesAreTheCompletionsOfSeenQueries() throws {
    let summary = try runner(options()).run()
    let seen = graph.queries.count { $0.visibility != .ivs }
    let counts = try #require(summary.counts(.sentence))
    #expect(counts.parts.reduce(0) { $0 + $1.exampleCount } == 2 * seen)
    #expect(counts.parts.map(\.subjectCount) == [60, 20, 20])
    let split = try SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(0))
    let rows = try database().read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT e.subject_id, e.query_id, e.text, e.hallucinated, q.subject, q.predicate
          FROM detection_example e JOIN query q ON q.id = e.query_id WHERE e.task = 'sentence'
          """)
    }
    #expect(rows.count == counts[.test]?.exampleCount)
    for row in rows {
      let query = graph.queries[row[1] as Int]
      #expect(query.subject == row[0] && query.visibility != .ivs)
      #expect(split.part(of: row[0]) == .test)
      #expect(graph.entities[Int(query.subject)].name == row[4])
      // "malformed" is the one verdict that the text does not decide.
      let verdict = graph.verdict(on: row[2] as String, for: query)
      #expect(verdict.isHallucination == (row[3] as Bool) || (row[3] as Bool))
    }
  }

  @Test func theSameDetectionIsReadBack() throws {
    let runner = try self.runner(options())
    let first = try runner.run()
    let file = run.url.appendingPathComponent(RunDatabase.fileName)
    let bytes = try Data(contentsOf: file)
    let second = try runner.run(Work(report: { _, words in Issue.record("\(words)") }))
    #expect(first == second)
    #expect(try Data(contentsOf: file) == bytes)
    // The order of the tasks is no other choice.
    let reordered = try options { $0.tasks = [.token, .sentence, .token] }
    #expect(try self.runner(reordered).run() == first)
    #expect(try database().detectionSummaries() == [first])
    let other = try options { $0.seed = 1 }
    let third = try self.runner(other).run()
    #expect(third.key != first.key && third.detectors != first.detectors)
    #expect(try database().detectionSummaries() == [first, third])
  }

  @Test func workersDoNotChangeTheSummary() throws {
    let other = try TemporaryFolder()
    let copy = try sharedRun.get().copy(to: other.url)
    let one = try self.runner(options()).run()
    let two = try runner(options(), run: copy).run(Work(workers: 2))
    #expect(one == two)
  }

  @Test func trainedDetectorsAreSavedAndScoreTheSame() throws {
    let options = try options { $0.kinds = [.head, .saplma, .attentionProbe, .lookback] }
    let summary = try runner(options).run()
    let experiment = try DetectionExperiment(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options,
      training: Self.training)
    let text = try TripleText(graph: graph, tokenizer: run.tokenizer)
    let database = try database()
    var count = 0
    for material in try experiment.materials() {
      let set = material.set
      for result in summary.detectors where result.task == set.task && result.kind.isTrained {
        let folder = try run.detector(result.folder)
        let (detector, record) = try DetectorFiles.load(from: folder)
        #expect(record.task == set.task && record.name == result.name)
        #expect(record.parameters == result.parameters && record.training == result.training)
        #expect(record.weightsHash == run.record.weightsHash)
        #expect(record.tokenizerHash == (try run.tokenizerHash()))
        #expect(detector.calibrations.count == 2)
        let stored = try scored(
          database, key: summary.key, task: set.task, name: result.name)
        #expect(
          try detector.scores(material.rows(.test), of: material, text: text) == stored.scores)
        count += 1
      }
    }
    #expect(count == 2 * (2 + 1 + 1 + 2))
  }

  @Test func damagedDetectorsAreRefused() throws {
    let options = try options { $0.tasks = [.token] }
    let summary = try runner(options).run()
    let name = try #require(summary.detector(.token, "linear")?.folder)
    let folder = run.url.appendingPathComponent(DetectionRunner.folderName)
      .appendingPathComponent(name)
    let file = folder.appendingPathComponent(DetectorFiles.head)
    try Data(contentsOf: file).dropLast(5).write(to: file)
    expectFailure(DetectorFiles.head) { try DetectorFiles.load(from: folder) }
    #expect(throws: LabError.self) { try DetectorFiles.load(from: run.url) }
  }

  @Test func interruptionStoresNothing() throws {
    let runner = try self.runner(options())
    expectFailure(status: .interrupted) { try runner.run(Work(shouldStop: { true })) }
    #expect(try database().detectionSummaries().isEmpty)
    #expect(
      !FileManager.default.fileExists(
        atPath: run.url.appendingPathComponent(DetectionRunner.folderName).path))
  }

  @Test func impossibleOptionsAreRefused() throws {
    let changes: [(inout DetectionOptions) -> Void] = [
      { $0.tasks = [] }, { $0.samples = 0 }, { $0.visibilities = [] }, { $0.resampleCount = -1 },
      { $0.heads = [.linear, .linear] }, { $0.evidence = 1 }, { $0.layers = [.final, .final] },
      { $0.positions = [] }, { $0.kinds = [.full] },
    ]
    for change in changes { expectFailure(status: .usage) { try runner(options(change)) } }
    #expect(throws: LabError.self) {
      try DetectionRunner(run: run, graph: SmallGraph.people(20), options: options())
    }
  }

  /// A file with the tables of detectors of an earlier version: they are dropped, the rest stays.
  @Test func tablesOfTheVersionBeforeAreReplaced() throws {
    _ = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
    let url = run.url.appendingPathComponent(RunDatabase.fileName)
    do {
      let queue = try DatabaseQueue(path: url.path)
      try queue.write { database in
        try database.execute(sql: RunFormat.droppedDetectionTables)
        try database.execute(
          sql: "DELETE FROM metadata WHERE key = ?", arguments: [RunFormat.detectionFormatKey])
        try database.execute(
          sql: "CREATE TABLE detection (id INTEGER NOT NULL PRIMARY KEY, key TEXT, summary TEXT)")
        try database.execute(sql: "INSERT INTO detection VALUES (1, 'old', '{}')")
      }
      try queue.close()
    }
    #expect(try database().detectionSummaries().isEmpty)
    let options = try options { $0.tasks = [.sentence] }
    let summary = try runner(options).run()
    #expect(try database().detectionSummaries() == [summary])
  }

  /// A file whose tables lack the newest columns: they are filled from what is there, and nothing
  /// is measured again.
  @Test func columnsAreAddedToTheTablesOfTheVersionBefore() throws {
    let options = try options {
      $0.kinds = [.head, .full, .score]
      $0.full = [.scratch(size: "3k"), .own]
      $0.fullTraining.epochs = 1
      $0.evidence = 2
      $0.positions = [.each, .number(1)]
    }
    let summary = try runner(options).run()
    func columns() throws -> [Row] {
      try database().read { database in
        try Row.fetchAll(
          database,
          sql: "SELECT name, family, pretrained, validation_auroc FROM detector ORDER BY id")
      }
    }
    let expected = try columns()
    #expect(expected.count == summary.detectors.count)
    let families = Dictionary(grouping: expected) { $0["family"] as String }
      .mapValues { Set($0.map { $0["name"] as String }) }
    #expect(families["head"] == ["linear", "mlp-4", "linear@1", "mlp-4@1"])
    #expect(families["full"] == ["full-3k", "full-own"])
    #expect(
      families["log-probability"]
        == ["sequence-log-probability", "token-log-probability", "token-log-probability@1"])
    #expect(families["entropy"] == ["semantic-entropy", "token-entropy", "token-entropy@1"])
    #expect(families["prior"] == ["object-prior", "token-position"])
    #expect(
      expected.filter { $0["pretrained"] as Bool? == true }.map { $0["name"] as String }
        == ["full-own", "full-own"])
    #expect(
      expected.map { $0["validation_auroc"] as Double? }
        == summary.detectors.map { $0.training?.validationAUROC })
    let queue = try DatabaseQueue(
      path: run.url.appendingPathComponent(RunDatabase.fileName).path)
    try queue.write { database in
      for column in ["family", "pretrained", "validation_auroc"] {
        try database.execute(sql: "ALTER TABLE detector DROP COLUMN \(column)")
      }
      try database.execute(
        sql: "UPDATE metadata SET value = ? WHERE key = ?",
        arguments: [RunFormat.detectionFormatBefore, RunFormat.detectionFormatKey])
    }
    try queue.close()
    // Read as if it were of this version, and brought up to it by whoever writes.
    #expect(try database().detectionSummaries() == [summary])
    #expect(try columns() == expected)
    try RunDatabase.open(in: run.url, graphHash: graph.contentHash).prepareDetection()
    #expect(try columns() == expected)
    #expect(try database().detectionSummaries() == [summary])
  }
}
