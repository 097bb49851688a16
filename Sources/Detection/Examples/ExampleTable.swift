import Corpus
import Evaluation
import KnowledgeGraph

/// One thing to judge: an answer, a token of one, or an answer to come.
package struct DetectionExample: Hashable, Sendable {
  /// Index in the list of answers drawn.
  package let answer: Int
  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  /// Which of the query's completions, from 0.
  package let sample: Int
  /// In the token task the number of the token from 1, 0 for before the answer; nil in the sentence
  /// task.
  package let place: Int?
  package let subject: Int32
  /// What is judged, as a person would read it: the answer, or the token.
  package let text: String
  package let isHallucination: Bool

  /// What of the answers is judged.
  package var textPlace: TextPlace { TextPlace(answer: answer, token: place) }

  package init(
    answer: Int, query: Int, sample: Int, place: Int?, subject: Int32, text: String,
    isHallucination: Bool
  ) {
    self.answer = answer
    self.query = query
    self.sample = sample
    self.place = place
    self.subject = subject
    self.text = text
    self.isHallucination = isHallucination
  }
}

/// The examples that the detectors of one task and position share.
package struct ExampleSet: Sendable {
  package let task: DetectorTask
  /// `.each` in the sentence task.
  package let position: TokenPosition
  package let examples: [DetectionExample]

  package init(task: DetectorTask, position: TokenPosition = .each, examples: [DetectionExample]) {
    self.task = task
    self.position = position
    self.examples = examples
  }

  /// The examples of a task at a position, labelled by the graph.
  init(
    _ task: DetectorTask, at position: TokenPosition, of answers: [JudgedAnswer],
    in graph: KnowledgeGraph, _ text: TripleText
  ) {
    switch task {
    case .sentence: self = .sentence(answers)
    case .token:
      self = .token(
        answers, position: position,
        trueAnswers: { index in
          graph.truth(of: graph.queries[index]).map {
            text.completion(object: $0.object).dropLast()
          }
        }, tokenText: { text.tokenizer.text(of: $0) })
    }
  }

  /// What is added to the names of its detectors: "@before" and "@2"; nothing for the usual sets.
  package var suffix: String { position == .each ? "" : "@\(position.name)" }

  /// One example an answer.
  package static func sentence(_ answers: [JudgedAnswer]) -> ExampleSet {
    ExampleSet(
      task: .sentence,
      examples: answers.enumerated().map { index, judged in
        DetectionExample(
          answer: index, query: judged.query, sample: judged.answer.sample, place: nil,
          subject: judged.subject, text: judged.answer.text,
          isHallucination: judged.isHallucination)
      })
  }

  /// One example for each of the answers' tokens at a position, or for each answer to come.
  ///
  /// `trueAnswers` gives the canonical tokens of a query's answers, by its index; `tokenText` a
  /// token's text. An answer to come is hallucinated when it turns out to be.
  package static func token(
    _ answers: [JudgedAnswer], position: TokenPosition = .each, trueAnswers: (Int) -> [[Int32]],
    tokenText: (Int32) -> String
  ) -> ExampleSet {
    var examples: [DetectionExample] = []
    for (index, judged) in answers.enumerated() {
      func add(_ place: Int, _ text: String, _ label: Bool) {
        examples.append(
          DetectionExample(
            answer: index, query: judged.query, sample: judged.answer.sample, place: place,
            subject: judged.subject, text: text, isHallucination: label))
      }
      guard position != .before else {
        add(0, judged.answer.text, judged.isHallucination)
        continue
      }
      let labels = TokenLabels.labels(
        of: judged.answer.tokens, isHallucination: judged.isHallucination,
        answers: judged.isHallucination ? trueAnswers(judged.query) : [])
      for (place, label) in labels.enumerated()
      where position == .each || position == .number(place + 1) {
        add(place + 1, tokenText(judged.answer.tokens[place]), label)
      }
    }
    return ExampleSet(task: .token, position: position, examples: examples)
  }
}
