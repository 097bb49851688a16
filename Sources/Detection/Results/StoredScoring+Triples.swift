import Corpus
import Evaluation
package import KnowledgeGraph
package import LabCore
import LanguageModel
import Training

extension StoredScoring {
  /// Scores triples given by name, and stores the scores.
  ///
  /// Subjects and predicates must be the graph's, objects any text that the tokenizer has tokens
  /// for. Throws `LabError` naming the line of the first that is not.
  package func score(
    _ triples: [NamedTriple], file: String = "the triples", work: Work = Work()
  ) throws -> [TripleScore] {
    let triples = try triples.map { try resolve($0, file) }
    let tokens = triples.map { judgedTokens(ofTokens: $0.tokens.count) }
    let scores = try self.scores(tokens, work) { block in
      AnswerTexts(
        triples[block].map { (subject: $0.subject, predicate: $0.predicate, tokens: $0.tokens) })
    }
    let judged = zip(triples, tokens).flatMap { triple, tokens in
      tokens.map { (triple: triple, token: $0) }
    }
    let results = zip(judged, scores).map { judged, score in
      TripleScore(
        subject: judged.triple.line.subject, predicate: judged.triple.line.predicate,
        object: judged.triple.line.object, place: judged.token ?? 0, score: score,
        verdict: judged.triple.verdict)
    }
    try prepared().store(
      results, detector: key, name: detector.name, weights: run.record.weightsHash ?? "")
    return results
  }

  private struct ResolvedTriple {
    let line: NamedTriple
    let subject: Int32
    let predicate: Int32
    let tokens: [Int32]
    let verdict: Verdict?
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

  /// Which tokens of an object of so many are judged; nil for all of it.
  private func judgedTokens(ofTokens count: Int) -> [Int?] {
    guard detector.task == .token else { return [nil] }
    switch detector.position {
    case .before: return [0]
    case .each: return Array(1...count)
    case .number(let number): return number <= count ? [number] : []
    }
  }
}
