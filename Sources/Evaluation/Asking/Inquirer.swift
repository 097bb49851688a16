package import Corpus
import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// Asks a model single questions by name.
package struct Inquirer {
  private let graph: KnowledgeGraph
  private let text: TripleText
  private let maker: QuestionMaker
  private let session: InferenceSession
  private let maximumNewTokens: Int

  /// Throws `LabError` when memory is short, `CorpusError` when tokenizer and graph do not fit.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph,
    wording: Wording = .triple
  ) throws {
    self.graph = graph
    text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    maker = QuestionMaker(graph: graph, text: text)
    let context = model.configuration.contextLength
    session = try InferenceSession(model, maximumTokens: max(256, 8 * context))
    maximumNewTokens = text.maximumNewTokens(graph)
  }

  /// The `top` likeliest answers to (subject, predicate, ?) and the probability of each true one.
  ///
  /// Where several entities share the subject's name, the model cannot tell them apart: an answer
  /// is as right as it is for the most favourable of them. Throws `LabError` with the nearest names
  /// for an unknown subject or predicate, and for a temperature out of range.
  package func ask(
    subject: String, predicate: String, top: Int = 5, temperature: Double = 1
  ) throws -> Inquiry {
    guard EvaluationOptions.temperatures.contains(temperature) else {
      throw LabError(
        "temperature \(temperature) has no probabilities; choose one from "
          + EvaluationOptions.temperatureRange, .usage)
    }
    guard (1...1_000).contains(top) else {
      throw LabError("top is \(top); it must be between 1 and 1000", .usage)
    }
    let (subjects, relation) = try graph.resolve(subject, predicate)
    let prompt = text.prompt(subject: subjects[0], predicate: relation)
    let room = session.model.configuration.contextLength - prompt.count
    guard room > 0 else {
      throw LabError(
        "the question has \(prompt.count) tokens, which leaves no room for an answer in the model's "
          + "context of \(session.model.configuration.contextLength)")
    }
    let queries = subjects.compactMap { graph.query(subject: $0, predicate: relation) }
    let search = CompletionSearch(
      session: session, inverseTemperature: 1 / temperature,
      maximumNewTokens: min(maximumNewTokens, room))
    let (completions, isCertain) = try search.likeliest(top, after: prompt)
    let truth = try queries.first.map { try self.truth($0, queries, temperature: temperature) }
    return Inquiry(
      subject: subject, predicate: predicate, temperature: temperature,
      visibilities: queries.map(\.visibility),
      answers: completions.map { answer($0, to: queries, subjects[0], relation) },
      isCertain: isCertain, truth: truth?.answers ?? [],
      hallucinationProbability: truth.map { max(0, 1 - $0.probability) })
  }

  /// What each layer would say at the answer's place, and the token of `answer` that it is held
  /// against.
  func lens(
    subject: Int32, predicate: Int32, answer: Int32?
  ) throws -> (token: String?, layers: [LensLayer]) {
    let prompt = text.prompt(subject: subject, predicate: predicate)
    let first = answer.map { text.completion(object: $0)[0] }
    let layers = LensLayer.table(
      try session.layerLogits(prompt), trueToken: first, tokenizer: text.tokenizer)
    return (first.map { text.tokenizer.text(of: $0) }, layers)
  }

  // MARK: Answers

  private func answer(
    _ completion: LikelyCompletion, to queries: [Query], _ subject: Int32, _ predicate: Int32
  ) -> LikelyAnswer {
    let name = text.tokenizer.decode(completion.tokens)
    var readable =
      name ?? completion.tokens.map { text.tokenizer.text(of: $0) }.joined(separator: " ")
    if let breaker = completion.breaker {
      readable += (readable.isEmpty ? "" : " ") + text.tokenizer.text(of: breaker)
    } else if !completion.ended {
      readable += " ..."
    }
    // A question without answers in the graph: whatever is said is wrong, but its kind still
    // counts.
    let asked =
      queries.isEmpty
      ? [
        Query(subject: subject, predicate: predicate, visibility: .ivs, answers: 0..<0, rank: 0)
      ] : queries
    let verdicts = asked.map { graph.verdict(on: completion.ended ? name : nil, for: $0) }
    let best = Verdict.allCases.first { verdicts.contains($0) } ?? .malformed
    return LikelyAnswer(
      text: readable, probability: exp(completion.logProbability), verdict: best,
      isCanonical: name.map { text.tokenizer.encode($0) == completion.tokens } ?? false)
  }

  /// Every right answer with its probability, the likeliest first; `queries` are those of all
  /// namesakes.
  private func truth(
    _ query: Query, _ queries: [Query], temperature: Double
  ) throws -> (answers: [TrueAnswer], probability: Double) {
    let question = maker.question(query)
    let scores = try session.checkedLogProbabilities(
      [question.prompted], options: ScoringOptions(inverseTemperatures: [Float(1 / temperature)]))
    let probabilities = scores[0].map { exp($0[0]) }
    let order = question.truth.indices.sorted {
      (-probabilities[$0], question.truth[$0].object)
        < (-probabilities[$1], question.truth[$1].object)
    }
    return (
      order.map { place in
        let answer = question.truth[place]
        let owner = queries.first { query in
          graph.answers[query.answers].contains { $0.object == answer.object }
        }
        let subject = graph.entities[Int((owner ?? query).subject)]
        return TrueAnswer(
          text: graph.entities[Int(answer.object)].name,
          probability: probabilities[place], isVisible: answer.isVisible,
          subjectType: graph.entityTypes[Int(subject.type)].name)
      }, probabilities.reduce(0, +)
    )
  }
}
