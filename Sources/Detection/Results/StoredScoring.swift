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
  private let key: String
  private let run: RunFolder
  private let graph: KnowledgeGraph
  private let text: TripleText
  private let workers: Int

  /// Answers read and stored together, so that an interruption loses little.
  private static let blockSize = 4_096

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
    text = try TripleText(graph: graph, tokenizer: run.tokenizer)
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
    let database = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
    try database.prepareDetection()
    let evaluation = try database.summaries().last {
      $0.weightsHash == run.record.weightsHash
        && $0.options.sampleTemperatures.contains(temperature)
    }
    guard let evaluation else {
      throw LabError(
        "\(run.url.path) has no stored answers at temperature \(temperature); run kglab evaluate "
          + "--temperatures \(temperature) first")
    }
    let answers = try database.answers(key: evaluation.key, temperature: temperature).map {
      JudgedAnswer(
        query: $0.query, subject: graph.queries[$0.query].subject, answer: $0.answer)
    }
    var scores = try database.answerScores(
      detector: key, evaluation: evaluation.key, temperature: temperature)
    let before = scores.count
    let set = exampleSet(answers)
    let missing = set.examples.indices.filter { scores[place(of: set.examples[$0])] == nil }
    let model = try missing.isEmpty ? nil : run.loadModel()
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
    let split = try SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(record.seed))
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

  private func place(of example: DetectionExample) -> AnswerScorePlace {
    AnswerScorePlace(query: example.query, sample: example.sample, place: example.place ?? 0)
  }

  private func exampleSet(_ answers: [JudgedAnswer]) -> ExampleSet {
    guard detector.task == .token else { return .sentence(answers) }
    return .token(
      answers, position: detector.position,
      trueAnswers: { index in
        graph.answers[graph.queries[index].answers].map {
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
      model: model, tokenizer: run.tokenizer, graph: graph, workers: workers)
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

  // MARK: Triples

  /// Scores triples given by name; those stored are not scored again.
  ///
  /// Subjects and predicates must be the graph's, objects any text that the tokenizer has tokens for. Throws `LabError`
  /// naming the line of the first that is not.
  package func score(
    _ triples: [TripleLine], file: String = "the triples",
    shouldStop: @escaping @Sendable () -> Bool = { Interruption.isRequested }
  ) throws -> (scores: [TripleScore], storedCount: Int) {
    let resolved = try triples.map { try resolve($0, file) }
    let database = try RunDatabase.open(in: run.url, graphHash: graph.contentHash)
    try database.prepareDetection()
    let weights = run.record.weightsHash ?? ""
    var stored = try database.tripleScores(detector: key, weights: weights)
    let count = resolved.count { stored[$0.key(place: firstPlace)] != nil }
    let missing = resolved.filter { stored[$0.key(place: firstPlace)] == nil }
    if !missing.isEmpty {
      let model = try run.loadModel()
      for start in stride(from: 0, to: missing.count, by: Self.blockSize) {
        if shouldStop() {
          throw LabError.interrupted(
            "stopped after \(start) of \(missing.count) new triples, which are stored")
        }
        let block = Array(missing[start..<min(start + Self.blockSize, missing.count)])
        let scores = try scores(block, model: model, shouldStop: shouldStop)
        try database.store(scores, detector: key, name: detector.name, weights: weights)
        stored.merge(scores) { _, new in new }
      }
    }
    let results = resolved.flatMap { triple in
      places(triple).compactMap { place in
        stored[triple.key(place: place)].map {
          TripleScore(
            subject: triple.line.subject, predicate: triple.line.predicate,
            object: triple.line.object, place: place, score: $0, verdict: triple.verdict)
        }
      }
    }
    return (results, count)
  }

  private struct ResolvedTriple {
    let line: TripleLine
    let subject: Int32
    let predicate: Int32
    let tokens: [Int32]
    let verdict: Verdict?

    func key(place: Int) -> TripleScoreKey {
      TripleScoreKey(
        subject: line.subject, predicate: line.predicate, object: line.object, place: place)
    }
  }

  private func resolve(_ line: TripleLine, _ file: String) throws -> ResolvedTriple {
    guard let subject = graph.entities(named: line.subject).first else {
      let hint = Suggestion.hint(for: line.subject, in: graph.entities.map(\.name))
      throw LabError("\(file):\(line.line): the graph has no entity '\(line.subject)'\(hint)")
    }
    guard let predicate = graph.predicate(named: line.predicate) else {
      let hint = Suggestion.hint(for: line.predicate, in: graph.predicates.map(\.name))
      throw LabError("\(file):\(line.line): the graph has no predicate '\(line.predicate)'\(hint)")
    }
    let tokens = run.tokenizer.encode(line.object)
    guard !tokens.isEmpty, !tokens.contains(SpecialToken.unknown.rawValue) else {
      throw LabError(
        "\(file):\(line.line): the tokenizer has no tokens for the object '\(line.object)'")
    }
    let query = graph.query(subject: subject, predicate: predicate)
    return ResolvedTriple(
      line: line, subject: subject, predicate: predicate, tokens: tokens,
      verdict: query.map { graph.verdict(on: line.object, for: $0) })
  }

  /// The place whose score is there once a triple is scored.
  private var firstPlace: Int {
    if detector.task == .sentence || detector.position == .before { return 0 }
    if case .number(let number) = detector.position { return number }
    return 1
  }

  private func places(_ triple: ResolvedTriple) -> [Int] {
    guard detector.task == .token else { return [0] }
    switch detector.position {
    case .before: return [0]
    case .each: return Array(1...triple.tokens.count)
    case .number(let number): return number <= triple.tokens.count ? [number] : []
    }
  }

  private func scores(
    _ triples: [ResolvedTriple], model: LanguageModel,
    shouldStop: @escaping @Sendable () -> Bool
  ) throws -> [TripleScoreKey: Double] {
    let rows = triples.enumerated().flatMap { index, triple in
      places(triple).map { (index: index, place: $0) }
    }
    let values: [Double]
    switch detector.payload {
    case .full(let network):
      values = try network.probabilities(
        rows.map { row in
          let triple = triples[row.index]
          return (
            prompt: text.prompt(subject: triple.subject, predicate: triple.predicate),
            tokens: triple.tokens, place: detector.task == .sentence ? nil : row.place
          )
        }, workers: workers)
    case .head(let head, let selection):
      let reader = try AnswerReader(
        model: model, tokenizer: run.tokenizer, graph: graph, workers: workers)
      let features = try AnswerFeatures(
        reading: AnswerTexts(
          triples.map { (subject: $0.subject, predicate: $0.predicate, tokens: $0.tokens) }),
        streams: detector.streams, with: reader, shouldStop: shouldStop)
      values = try head.probabilities(
        of: features.matrix(
          selection,
          rows: rows.map { row in
            guard detector.task == .token else {
              return features.texts.rows(row.index, at: detector.place)
            }
            let first = features.texts.firstRow(row.index) + row.place
            return first..<(first + 1)
          }))
    }
    var scores: [TripleScoreKey: Double] = [:]
    for (row, value) in zip(rows, values) {
      scores[triples[row.index].key(place: row.place)] = value
    }
    return scores
  }
}
