import Corpus
import Evaluation
package import Foundation
package import KnowledgeGraph
package import LabCore
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

  /// Answers read together.
  private static let blockSize = 4_096

  /// `folder` is the detector's; `run` the language model whose answers are judged, with its graph.
  ///
  /// Throws `LabError` where the detector is for another tokenizer, another graph or a model of
  /// another shape.
  package init(folder: URL, run: RunFolder, graph: KnowledgeGraph) throws {
    (detector, record) = try DetectorFiles.load(from: folder)
    guard try run.tokenizerHash() == record.tokenizerHash else {
      throw LabError(
        "the detector in \(folder.path) was trained with another tokenizer than \(run.url.path)'s, so their "
          + "tokens mean different things; use a detector of a run with the same tokenizer")
    }
    try run.check(graph)
    guard graph.contentHash == record.graphHash else {
      throw LabError(
        "the detector in \(folder.path) was trained on another graph than \(run.url.path)'s, so its test "
          + "subjects are not known here; kglab detect transfer compares graphs")
    }
    if let reason = detector.refusal(run.record.configuration.model) { throw LabError(reason) }
    self.run = run
    self.graph = graph
    text = try TripleText(
      graph: graph, tokenizer: run.tokenizer, wording: run.record.configuration.corpus.wording)
    key = try ContentHash(ofFile: folder.appendingPathComponent(DetectorFiles.record)).hex
  }

  /// Whether the detector learned from the answers of the very weights that it judges now.
  package var isOwnModel: Bool { run.record.weightsHash == record.weightsHash }

  // MARK: Stored answers

  /// Scores the answers of the newest evaluation that has some at `temperature`, and stores the
  /// scores.
  ///
  /// Throws `LabError` where nothing was evaluated, and `LabError.interrupted` when asked to stop:
  /// then nothing is stored.
  package func scoreStoredAnswers(
    temperature: Double = 1, work: Work = Work()
  ) throws -> ScoringSummary {
    let database = try database()
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
    let examples = ExampleSet(
      detector.task, at: detector.position, of: answers, in: graph, text
    ).examples
    var tokens = Array(repeating: [Int?](), count: answers.count)
    for example in examples { tokens[example.answer].append(example.place) }
    let scores = try self.scores(tokens, work) {
      AnswerTexts(Array(answers[$0]), graph: graph)
    }
    // The same answers have the same scores, which are shown where nothing can be written too.
    if try !database.hasScores(
      examples.count, detector: key, evaluation: evaluation.key, temperature: temperature)
    {
      try prepared(database).store(
        scores, of: examples, detector: key, name: detector.name, evaluation: evaluation.key,
        temperature: temperature)
    }
    let split = try SubjectSplit(of: graph, seed: Seed(record.seed))
    let test = examples.indices.filter { split.part(of: examples[$0].subject) == .test }
    let metrics = try? ScoredExamples(
      scores: test.map { scores[$0] }, labels: test.map { examples[$0].isHallucination },
      subjects: test.map { examples[$0].subject }
    ).quality(seed: Seed(record.seed), name: detector.task.rawValue).estimates
    return ScoringSummary(
      detector: detector.name, task: detector.task, evaluation: evaluation.key,
      temperature: temperature, answerCount: answers.count, scoreCount: examples.count,
      metrics: metrics ?? [])
  }

  /// What is stored, opened for reading where that is enough to look into it.
  private func database() throws -> RunDatabase {
    try RunDatabase.stored(in: run.url) ?? .open(in: run.url, graphHash: graph.contentHash)
  }

  /// The database opened for writing, with the tables of scores.
  func prepared(_ database: RunDatabase? = nil) throws -> RunDatabase {
    let database = try (database ?? self.database())
      .writable(in: run.url, graphHash: graph.contentHash)
    try database.prepareDetection()
    return database
  }

  /// Scores of the tokens listed for each answer, in their order; nil for all of the answer.
  ///
  /// Answers are read in blocks, of which `texts` gives one, so that memory has a bound.
  func scores(
    _ tokens: [[Int?]], _ work: Work, texts: (Range<Int>) -> AnswerTexts
  ) throws -> [Double] {
    let streams = detector.model.streams
    let reader =
      try streams.isEmpty
      ? nil : AnswerReader(model: run.askedModel(), text: text, workers: work.workers)
    let silent = Work(shouldStop: work.shouldStop)
    var scores: [Double] = []
    for start in stride(from: 0, to: tokens.count, by: Self.blockSize) {
      if work.shouldStop() { throw LabError.interrupted("stopped while answers were scored") }
      let block = start..<min(start + Self.blockSize, tokens.count)
      let texts = texts(block)
      let features =
        try reader.map {
          try AnswerFeatures(reading: texts, streams: streams, with: $0, work: silent)
        }
        ?? AnswerFeatures(
          texts: texts, columns: FeatureColumns(), configuration: run.record.configuration.model,
          load: { _ in nil })
      scores += try detector.model.scores(
        block.flatMap { answer in
          tokens[answer].map { TextPlace(answer: answer - start, token: $0) }
        }, of: features, text: text, workers: work.workers)
      let share = Double(block.upperBound) / Double(tokens.count)
      work.report(share, "scoring answers \(Readable.percent(share))")
    }
    return scores
  }
}
