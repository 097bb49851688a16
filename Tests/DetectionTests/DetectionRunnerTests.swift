import Detection
import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import LanguageModel
import Testing
import Training

/// A run on the small graph, trained once.
private let sharedRun = Result { try SmallRun(epochs: 25) }

/// A small model trained on a small graph, in a folder of its own.
private final class SmallRun: Sendable {
  let graph: KnowledgeGraph
  let folder: URL

  init(epochs: Int) throws {
    graph = SmallGraph.people(100)
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "kglab-\(UUID().uuidString)")
    var request = TrainingRequest(size: "3k", epochs: epochs)
    request.tokensPerStep = 256
    var options = RuntimeOptions()
    options.workers = 1
    _ = try Trainer(
      graph: graph, graphURL: folder.appendingPathComponent("graph.sqlite"), request: request,
      folder: folder, options: options
    ).run()
  }

  /// The run in a copy of its folder.
  func copy(to url: URL) throws -> RunFolder {
    let target = url.appendingPathComponent("run")
    try FileManager.default.copyItem(at: folder, to: target)
    return try RunFolder.open(target)
  }
}

struct DetectionRunnerTests {
  private let temporary: TemporaryFolder
  private let run: RunFolder
  private let graph: KnowledgeGraph

  init() throws {
    temporary = try TemporaryFolder()
    let shared = try sharedRun.get()
    run = try shared.copy(to: temporary.url)
    graph = shared.graph
  }

  private func options(_ change: (inout DetectionOptions) -> Void = { _ in }) throws
    -> DetectionOptions
  {
    var options = DetectionOptions()
    options.heads = [.linear, try HeadArchitecture(named: "mlp-4")]
    options.resampleCount = 100
    change(&options)
    return options
  }

  /// Short: what is tested is not how well the heads learn.
  private func runner(_ options: DetectionOptions, run: RunFolder? = nil, workers: Int = 1) throws
    -> DetectionRunner
  {
    try DetectionRunner(
      run: run ?? self.run, graph: graph, options: options, training: Self.training,
      workers: workers)
  }

  private static let training = {
    var training = HeadTrainingOptions()
    training.linearPenalties = [1]
    training.stepCount = 60
    training.validationInterval = 20
    return training
  }()

  private func database() throws -> RunDatabase { try #require(try RunDatabase.read(in: run.url)) }

  @Test func metricsFollowFromTheStoredScores() throws {
    let summary = try runner(options()).run()
    #expect(summary.tasks.map(\.task) == [.sentence, .token])
    #expect(summary.detectors.count == 2 + 6 + 3 + 2 + 4)
    #expect(summary.detectors.allSatisfy { $0.unmeasured == nil })
    let database = try database()
    for detector in summary.detectors {
      let stored = try database.scoredExamples(
        key: summary.key, task: detector.task, name: detector.name)
      #expect(stored.count == summary.counts(detector.task)?[.test]?.exampleCount)
      let quality = try stored.quality(
        seed: Seed(0), name: detector.task.rawValue,
        bootstrap: BootstrapOptions(resampleCount: 100))
      for estimate in detector.metrics { #expect(quality[estimate.metric] == estimate) }
    }
    let rows = try database.read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT d.task, d.name, m.metric, m.value, m.lower, m.upper, m.chance, d.parameters,
            d.prevalence, d.train_count
          FROM detector_metric m JOIN detector d ON d.id = m.detector_id
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
    var calls = 0
    let second = try runner.run(progress: { _ in calls += 1 })
    #expect(calls == 0)
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
    let two = try runner(options(), run: copy, workers: 2).run()
    #expect(one == two)
  }

  @Test func headsAreSavedAndScoreTheSame() throws {
    let options = try options()
    let summary = try runner(options).run()
    let tables = try DetectionExperiment(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, options: options,
      training: Self.training
    ).tables()
    let split = try SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(0))
    let database = try database()
    for table in tables {
      for name in ["linear", "mlp-4"] {
        let result = try #require(summary.detector(table.task, name))
        let folder = run.url.appendingPathComponent(DetectionRunner.folderName)
          .appendingPathComponent(try #require(result.folder))
        let (head, record) = try HeadFiles.load(from: folder)
        #expect(record.task == table.task && record.architecture.name == name)
        #expect(record.parameters == result.parameters && record.training == result.training)
        #expect(record.weightsHash == run.record.weightsHash)
        let rows = table.examples.indices.filter {
          split.part(of: table.examples[$0].subject) == .test
        }
        let stored = try database.scoredExamples(key: summary.key, task: table.task, name: name)
        #expect(try head.probabilities(of: table.features(of: rows)) == stored.scores)
      }
    }
  }

  @Test func damagedHeadsAreRefused() throws {
    let options = try options { $0.tasks = [.token] }
    let summary = try runner(options).run()
    let name = try #require(summary.detector(.token, "linear")?.folder)
    let folder = run.url.appendingPathComponent(DetectionRunner.folderName)
      .appendingPathComponent(name)
    let file = folder.appendingPathComponent(HeadFiles.weights)
    try Data(contentsOf: file).dropLast(5).write(to: file)
    let error = #expect(throws: LabError.self) { try HeadFiles.load(from: folder) }
    #expect(error?.description.contains(HeadFiles.weights) == true)
    #expect(throws: LabError.self) { try HeadFiles.load(from: run.url) }
  }

  @Test func interruptionStoresNothing() throws {
    let runner = try self.runner(options())
    let error = #expect(throws: LabError.self) { try runner.run(shouldStop: { true }) }
    #expect(error?.exitStatus == .interrupted)
    #expect(try database().detectionSummaries().isEmpty)
    #expect(
      !FileManager.default.fileExists(
        atPath: run.url.appendingPathComponent(DetectionRunner.folderName).path))
  }

  @Test func impossibleOptionsAreRefused() throws {
    let changes: [(inout DetectionOptions) -> Void] = [
      { $0.tasks = [] }, { $0.samples = 0 }, { $0.visibilities = [] }, { $0.resampleCount = -1 },
      { $0.heads = [.linear, .linear] },
    ]
    for change in changes {
      let error = #expect(throws: LabError.self) {
        try runner(options(change))
      }
      #expect(error?.exitStatus == .usage)
    }
    #expect(throws: LabError.self) {
      try DetectionRunner(run: run, graph: SmallGraph.people(20), options: options())
    }
  }

  /// A file of format 1 has everything but the tables of detectors.
  @Test func filesOfTheFormatBeforeAreBroughtUp() throws {
    _ = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
    let url = run.url.appendingPathComponent(RunDatabase.fileName)
    do {
      let queue = try DatabaseQueue(path: url.path)
      try queue.write { database in
        for view in ["detector_table", "detector_score_text"] {
          try database.execute(sql: "DROP VIEW \(view)")
        }
        for table in [
          "detector_score", "detector_metric", "detector", "detection_example", "detection",
        ] { try database.execute(sql: "DROP TABLE \(table)") }
        try database.execute(sql: "PRAGMA user_version = 1")
      }
      try queue.close()
    }
    #expect(try database().detectionSummaries().isEmpty)
    let options = try options { $0.tasks = [.sentence] }
    let summary = try runner(options).run()
    #expect(try database().detectionSummaries() == [summary])
  }
}

struct ReadingTests {
  /// One pass gives what three separate ones give.
  @Test func aReadingEqualsTheSeparatePasses() throws {
    let temporary = try TemporaryFolder()
    let shared = try sharedRun.get()
    let run = try shared.copy(to: temporary.url)
    let session = try InferenceSession(run.loadModel())
    var batch = TokenBatch()
    batch.append(tokens: [2, 7, 8, 3, 9], targets: [7, 8, 3, 9, -1])
    batch.append(tokens: [2, 10], targets: [-1, 3])
    let reading = try session.read(batch)
    #expect(reading.states == session.hiddenStates(batch))
    let summary = try session.nextTokenSummary(batch)
    #expect(reading.entropies == summary.entropy)
    #expect(reading.maximumProbabilities == summary.maximumProbability)
    let expected = try session.logProbabilities(batch, inverseTemperatures: [1])
    #expect(reading.logProbabilities == expected[0])
    #expect(reading.logProbabilities[4] == 0)
  }

  @Test func answersAreReadAtTheirTokens() throws {
    let temporary = try TemporaryFolder()
    let shared = try sharedRun.get()
    let (graph, run) = (shared.graph, try shared.copy(to: temporary.url))
    let reader = try AnswerReader(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, workers: 1)
    var options = DetectionOptions()
    options.samples = 3
    let answers = try AnswerDrawer(
      model: run.loadModel(), tokenizer: run.tokenizer, graph: graph, fraction: 1,
      options: options, workers: 1
    ).draw(onProgress: { _ in }, shouldStop: { false })
    let readings = try reader.read(answers)
    #expect(answers.count == readings.count)
    #expect(Set(answers.map(\.isHallucination)) == [true, false])
    let width = try run.loadModel().configuration.modelDimension
    for (answer, reading) in zip(answers, readings) {
      #expect(reading.tokenCount == answer.answer.tokens.count)
      #expect(reading.states.count == (reading.tokenCount + 1) * width)
      #expect(reading.entropies.count == reading.tokenCount + 1)
      // All tokens and the end together; the end's part is at most 0.
      let tokens = reading.logProbabilities.reduce(0.0) { $0 + Double($1) }
      #expect(tokens >= answer.answer.logProbability - 1e-3)
    }
    // Read one by one, the same: answers do not see each other.
    for index in stride(from: 0, to: answers.count, by: 97) {
      let alone = try reader.read([answers[index]])[0]
      for (a, b) in zip(alone.states, readings[index].states) { #expect(abs(a - b) < 1e-4) }
    }
  }
}
