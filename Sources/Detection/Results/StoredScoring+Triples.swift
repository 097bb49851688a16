import Corpus
import Evaluation
package import KnowledgeGraph
import LabCore
import LanguageModel
import Training

extension StoredScoring {
  /// Scores triples given by name; those stored are not scored again.
  ///
  /// Subjects and predicates must be the graph's, objects any text that the tokenizer has tokens for. Throws `LabError`
  /// naming the line of the first that is not.
  package func score(
    _ triples: [NamedTriple], file: String = "the triples",
    shouldStop: @escaping @Sendable () -> Bool = { Interruption.isRequested }
  ) throws -> (scores: [TripleScore], storedCount: Int) {
    let resolved = try triples.map { try resolve($0, file) }
    var database = try database()
    let weights = run.record.weightsHash ?? ""
    var stored = try database.tripleScores(detector: key, weights: weights)
    let count = resolved.count { stored[$0.key(place: firstPlace)] != nil }
    let missing = resolved.filter { stored[$0.key(place: firstPlace)] == nil }
    if !missing.isEmpty {
      let model = try run.loadModel()
      database = try prepared(database)
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
    let line: NamedTriple
    let subject: Int32
    let predicate: Int32
    let tokens: [Int32]
    let verdict: Verdict?

    func key(place: Int) -> TripleScoreKey {
      TripleScoreKey(
        subject: line.subject, predicate: line.predicate, object: line.object, place: place)
    }
  }

  private func resolve(_ line: NamedTriple, _ file: String) throws -> ResolvedTriple {
    guard let subject = graph.entities(named: line.subject).first else {
      // Of thousands of names only a near one helps.
      let hint =
        Suggestion.nearest(to: line.subject, in: graph.entities.map(\.name))
        .map { "; did you mean '\($0)'?" } ?? ""
      throw LabError("\(file):\(line.line): the graph has no entity '\(line.subject)'\(hint)")
    }
    guard let predicate = graph.predicate(named: line.predicate) else {
      let hint = Suggestion.hint(for: line.predicate, in: graph.predicates.map(\.name))
      throw LabError("\(file):\(line.line): the graph has no predicate '\(line.predicate)'\(hint)")
    }
    let tokens = run.tokenizer.encode(line.object)
    guard !tokens.isEmpty, !tokens.contains(SpecialToken.unknown.rawValue) else {
      throw LabError(
        "\(file):\(line.line): the tokenizer has no tokens for the object '\(line.object)'; give a name "
          + "whose pieces the graph's names have, or leave the line out")
    }
    let length = text.prompt(subject: subject, predicate: predicate).count + tokens.count
    let context = run.record.configuration.model.contextLength
    guard length <= context else {
      throw LabError(
        "\(file):\(line.line): the question with its object has \(length) tokens, more than the model's "
          + "context of \(context); give a shorter object, or leave the line out")
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
        model: model, tokenizer: run.tokenizer, graph: graph,
        wording: run.record.configuration.corpus.wording, workers: workers)
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
