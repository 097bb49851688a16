import Corpus
import Evaluation
package import Foundation
package import KnowledgeGraph
import LabCore
import LanguageModel
package import Training

/// Uses a trained detector on stored answers and on triples.
package struct StoredScoring {
  package let detector: TrainedDetector
  package let record: DetectorRecord
  let key: String
  let run: RunFolder
  let graph: KnowledgeGraph
  let text: TripleText
  let workers: Int

  /// Answers read and stored together, so that an interruption loses little.
  static let blockSize = 4_096

  /// `folder` is the detector's; `run` the language model whose answers are judged, with its graph.
  ///
  /// Throws `LabError` where the detector is for another tokenizer, another graph or a model of another shape.
  package init(folder: URL, run: RunFolder, graph: KnowledgeGraph, workers: Int = 1) throws {
    (detector, record) = try DetectorFiles.load(from: folder)
    guard try run.tokenizerHash() == record.tokenizerHash else {
      throw LabError(
        "the detector in \(folder.path) was trained with another tokenizer than \(run.url.path)'s, so their "
          + "tokens mean different things; use a detector of a run with the same tokenizer")
    }
    guard graph.contentHash == run.record.configuration.graphHash else {
      throw LabError(
        "the graph given is not the one that \(run.url.path) was trained on (its content hash differs)"
      )
    }
    guard graph.contentHash == record.graphHash else {
      throw LabError(
        "the detector in \(folder.path) was trained on another graph than \(run.url.path)'s, so its test "
          + "subjects are not known here; kglab detect transfer compares graphs")
    }
    if let reason = detector.refusal(run.record.configuration.model) { throw LabError(reason) }
    self.run = run
    self.graph = graph
    self.workers = workers
    text = try TripleText(
      graph: graph, tokenizer: run.tokenizer, wording: run.record.configuration.corpus.wording)
    key = try ContentHash(ofFile: folder.appendingPathComponent(DetectorFiles.record)).hex
  }

  /// Whether the detector learned from the answers of the very weights that it judges now.
  package var isOwnModel: Bool { run.record.weightsHash == record.weightsHash }

  // MARK: Stored answers

  /// Scores the answers of the newest evaluation that has some at `temperature`; those stored are not scored again.
  ///
  /// Throws `LabError` where nothing was evaluated, and `LabError.interrupted` when `shouldStop` says so; the same call
  /// continues.
  package func scoreStoredAnswers(
    temperature: Double = 1, onProgress: (Double) -> Void = { _ in },
    shouldStop: @escaping @Sendable () -> Bool = { Interruption.isRequested }
  ) throws -> ScoringSummary {
    var database = try database()
    let evaluation = try database.summaries().last {
      $0.weightsHash == run.record.weightsHash
        && $0.options.sampleTemperatures.contains(temperature)
    }
    guard let evaluation else {
      throw LabError(
        "\(run.url.path) has no stored answers at temperature \(temperature); run kglab evaluate "
          + "\(Readable.shellWord(run.url.relativePath)) --temperatures \(temperature) first")
    }
    let answers = try database.answers(
      key: evaluation.key, temperature: temperature, of: graph,
      vocabularySize: run.tokenizer.vocabularySize
    ).map {
      JudgedAnswer(
        query: $0.query, subject: graph.queries[$0.query].subject, answer: $0.answer)
    }
    var scores = try database.answerScores(
      detector: key, evaluation: evaluation.key, temperature: temperature)
    let before = scores.count
    let set = exampleSet(answers)
    let missing = set.examples.indices.filter { scores[place(of: set.examples[$0])] == nil }
    let model = try missing.isEmpty ? nil : run.loadModel()
    if !missing.isEmpty { database = try prepared(database) }
    for start in stride(from: 0, to: missing.count, by: Self.blockSize) {
      guard let model else { break }
      if shouldStop() {
        throw LabError.interrupted(
          "stopped after \(start) of \(missing.count) new scores, which are stored")
      }
      let rows = Array(missing[start..<min(start + Self.blockSize, missing.count)])
      let values = try self.scores(rows, of: set, answers, model: model, shouldStop: shouldStop)
      var block: [AnswerScorePlace: Double] = [:]
      for (row, value) in zip(rows, values) { block[place(of: set.examples[row])] = value }
      try database.store(
        block, detector: key, name: detector.name, evaluation: evaluation.key,
        temperature: temperature)
      scores.merge(block) { _, new in new }
      onProgress(Double(start + rows.count) / Double(missing.count))
    }
    let split = try SubjectSplit(of: graph, seed: Seed(record.seed))
    let test = set.examples.filter { split.part(of: $0.subject) == .test }
    let metrics = try? ScoredExamples(
      scores: test.map { scores[place(of: $0)] ?? 0 }, labels: test.map(\.isHallucination),
      subjects: test.map(\.subject)
    ).quality(seed: Seed(record.seed), name: detector.task.rawValue).estimates
    return ScoringSummary(
      detector: detector.name, task: detector.task, evaluation: evaluation.key,
      temperature: temperature, answerCount: answers.count, scoreCount: set.examples.count,
      storedCount: before, metrics: metrics ?? [])
  }

  /// What is stored, opened for reading where that is enough to look into it.
  func database() throws -> RunDatabase {
    try RunDatabase.stored(in: run.url) ?? .open(in: run.url, graphHash: graph.contentHash)
  }

  /// The database opened for writing, with the tables of scores.
  func prepared(_ database: RunDatabase) throws -> RunDatabase {
    let database = try database.writable(in: run.url, graphHash: graph.contentHash)
    try database.prepareDetection()
    return database
  }

  private func place(of example: DetectionExample) -> AnswerScorePlace {
    AnswerScorePlace(query: example.query, sample: example.sample, place: example.place ?? 0)
  }

  private func exampleSet(_ answers: [JudgedAnswer]) -> ExampleSet {
    guard detector.task == .token else { return .sentence(answers) }
    return .token(
      answers, position: detector.position,
      trueAnswers: { index in
        graph.truth(of: graph.queries[index]).map {
          text.completion(object: $0.object).dropLast()
        }
      }, tokenText: { run.tokenizer.text(of: $0) })
  }

  /// Scores of some examples, whose answers alone are read.
  private func scores(
    _ rows: [Int], of set: ExampleSet, _ answers: [JudgedAnswer], model: LanguageModel,
    shouldStop: @escaping @Sendable () -> Bool
  ) throws -> [Double] {
    let chosen = Set(rows.map { set.examples[$0].answer }).sorted()
    let places = Dictionary(uniqueKeysWithValues: chosen.enumerated().map { ($1, $0) })
    let own = chosen.map { answers[$0] }
    let examples = rows.map { row -> DetectionExample in
      let old = set.examples[row]
      return DetectionExample(
        answer: places[old.answer] ?? 0, query: old.query, sample: old.sample, place: old.place,
        subject: old.subject, text: old.text, isHallucination: old.isHallucination)
    }
    let reader = try AnswerReader(
      model: model, tokenizer: run.tokenizer, graph: graph,
      wording: run.record.configuration.corpus.wording, workers: workers)
    let features = try AnswerFeatures(
      reading: AnswerTexts(own, graph: graph), streams: detector.streams, with: reader,
      shouldStop: shouldStop)
    let material = DetectorMaterial(
      set: ExampleSet(task: set.task, position: set.position, examples: examples),
      answers: DrawnAnswers(judged: own), features: features, graph: graph,
      baselines: TripleBaselines(graph: graph, fraction: 1), indices: [:], seed: Seed(record.seed),
      workers: workers, shouldStop: shouldStop)
    return try detector.scores(Array(examples.indices), of: material, text: text)
  }
}
