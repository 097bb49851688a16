package import Corpus
import Foundation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// Asks a model single questions by name.
package struct Inquirer {
  private let graph: KnowledgeGraph
  private let text: TripleText
  private let session: InferenceSession
  private let maximumNewTokens: Int

  /// Throws `LabError` when memory is short, `CorpusError` when tokenizer and graph do not fit.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph,
    wording: Wording = .triple
  ) throws {
    self.graph = graph
    text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    let context = model.configuration.contextLength
    session = try InferenceSession(model, maximumTokens: max(256, 8 * context))
    maximumNewTokens = text.maximumNewTokens(graph)
  }

  /// The `top` likeliest answers to (subject, predicate, ?) and the probability of each true one.
  ///
  /// Where several entities share the subject's name, the model cannot tell them apart: an answer is as
  /// right as it is for the most favourable of them. Throws `LabError` with the nearest names for an
  /// unknown subject or predicate, and for a temperature out of range.
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
    let (subjects, relation) = try QuestionNames(graph).resolve(subject, predicate)
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
    let truth = try truth(queries, prompt: prompt, temperature: temperature)
    return Inquiry(
      subject: subject, predicate: predicate, temperature: temperature,
      visibilities: queries.map(\.visibility),
      answers: completions.map { answer($0, to: queries, subjects[0], relation) },
      isCertain: isCertain, truth: truth.answers,
      hallucinationProbability: queries.isEmpty ? nil : max(0, 1 - truth.probability))
  }

  /// What each layer would say at the answer's place, and the token of `answer` that it is held against.
  func lens(
    subject: Int32, predicate: Int32, answer: Int32?
  ) throws -> (token: String?, layers: [LensLayer]) {
    let prompt = text.prompt(subject: subject, predicate: predicate)
    let first = answer.map { text.completion(object: $0)[0] }
    let layers = LensLayer.table(
      try session.logitLens(prompt), trueToken: first, tokenizer: text.tokenizer)
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
    // A question without answers in the graph: whatever is said is wrong, but its kind still counts.
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

  private func truth(
    _ queries: [Query], prompt: [Int32], temperature: Double
  ) throws -> (answers: [TrueAnswer], probability: Double) {
    var items: [PromptedCompletion] = []
    var answers: [(object: Int32, isVisible: Bool, subject: Int32)] = []
    var places: [[Int32]: Int] = [:]
    for query in queries {
      for answer in graph.answers[query.answers] {
        let completion = text.completion(object: answer.object)
        if let place = places[completion] {
          answers[place].isVisible = answers[place].isVisible || answer.isVisible
        } else {
          places[completion] = items.count
          items.append(PromptedCompletion(prompt: prompt, completion: completion))
          answers.append((answer.object, answer.isVisible, query.subject))
        }
      }
    }
    let scores = try session.completionLogProbabilities(
      items, inverseTemperatures: [Float(1 / temperature)])
    let probabilities = scores.map { exp($0[0]) }
    let order = answers.indices.sorted {
      (-probabilities[$0], answers[$0].object) < (-probabilities[$1], answers[$1].object)
    }
    return (
      order.map { place in
        let subject = graph.entities[Int(answers[place].subject)]
        return TrueAnswer(
          text: graph.entities[Int(answers[place].object)].name,
          probability: probabilities[place], isVisible: answers[place].isVisible,
          subjectType: graph.entityTypes[Int(subject.type)].name)
      }, probabilities.reduce(0, +)
    )
  }
}
