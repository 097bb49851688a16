import Evaluation

/// One thing to judge: an answer, or a token of one.
package struct DetectionExample: Hashable, Sendable {
  /// Index in `KnowledgeGraph.queries`.
  package let query: Int
  /// Which of the query's completions, from 0.
  package let sample: Int
  /// Place of the token in the answer, from 0; nil in the sentence task.
  package let token: Int?
  package let subject: Int32
  /// What is judged, as a person would read it: the answer, or the token.
  package let text: String
  package let isHallucination: Bool

  package init(
    query: Int, sample: Int, token: Int?, subject: Int32, text: String, isHallucination: Bool
  ) {
    self.query = query
    self.sample = sample
    self.token = token
    self.subject = subject
    self.text = text
    self.isHallucination = isHallucination
  }
}

/// The scores of one detector that needs no training, one an example.
package struct ScoreColumn: Sendable {
  package let name: String
  package let kind: DetectorKind
  package let scores: [Double]

  package init(name: String, kind: DetectorKind, scores: [Double]) {
    self.name = name
    self.kind = kind
    self.scores = scores
  }
}

/// The examples of one task with their features and training-free scores.
package struct ExampleTable: Sendable {
  package let task: DetectorTask
  package let examples: [DetectionExample]
  /// The model's width C.
  package let width: Int
  /// Shape (N, C): the state at the last token of the answer, or at the token judged.
  package let features: [Float]
  package let columns: [ScoreColumn]

  /// Keeps the columns; `features` has one row, and each score column one score, an example.
  package init(
    task: DetectorTask, examples: [DetectionExample], width: Int, features: [Float],
    columns: [ScoreColumn]
  ) {
    precondition(features.count == width * examples.count, "features are not one row an example")
    precondition(columns.allSatisfy { $0.scores.count == examples.count }, "a score is missing")
    self.task = task
    self.examples = examples
    self.width = width
    self.features = features
    self.columns = columns
  }

  /// The features of the examples at `rows`, in their order.
  package func features(of rows: [Int]) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(rows.count * width)
    for row in rows { result += features[(row * width)..<((row + 1) * width)] }
    return result
  }

  /// One row an answer, at the state after its last token; at `<O>` where the answer is empty.
  package static func sentence(
    _ answers: [JudgedAnswer], readings: [AnswerReading], width: Int, baselines: TripleBaselines
  ) -> ExampleTable {
    var features: [Float] = []
    features.reserveCapacity(answers.count * width)
    for reading in readings { features += reading.state(at: reading.tokenCount) }
    let scores = SentenceScore.allCases.map { score in
      ScoreColumn(
        name: score.rawValue, kind: .score,
        scores: zip(answers, readings).map { score.value($0.answer, $1) })
    }
    let simple = SentenceBaseline.allCases.map { baseline in
      ScoreColumn(
        name: baseline.rawValue, kind: .baseline,
        scores: answers.map { baselines.value(of: baseline, for: $0) })
    }
    return ExampleTable(
      task: .sentence,
      examples: answers.map {
        DetectionExample(
          query: $0.query, sample: $0.answer.sample, token: nil, subject: $0.subject,
          text: $0.answer.text, isHallucination: $0.isHallucination)
      }, width: width, features: features, columns: scores + simple)
  }

  /// One row a token of each answer, at the state after the token; empty answers give none.
  ///
  /// `trueAnswers` gives the canonical tokens of a query's answers, by its index; `tokenText` a token's text.
  package static func token(
    _ answers: [JudgedAnswer], readings: [AnswerReading], width: Int,
    trueAnswers: (Int) -> [[Int32]], tokenText: (Int32) -> String
  ) -> ExampleTable {
    var examples: [DetectionExample] = []
    var features: [Float] = []
    var scores = TokenScore.allCases.map { _ in [Double]() }
    for (judged, reading) in zip(answers, readings) {
      let labels = TokenLabels.labels(
        of: judged.answer.tokens, isHallucination: judged.isHallucination,
        answers: judged.isHallucination ? trueAnswers(judged.query) : [])
      for (place, label) in labels.enumerated() {
        examples.append(
          DetectionExample(
            query: judged.query, sample: judged.answer.sample, token: place,
            subject: judged.subject, text: tokenText(judged.answer.tokens[place]),
            isHallucination: label))
        features += reading.state(at: place + 1)
        for (index, score) in TokenScore.allCases.enumerated() {
          scores[index].append(score.value(reading, token: place))
        }
      }
    }
    return ExampleTable(
      task: .token, examples: examples, width: width, features: features,
      columns: zip(TokenScore.allCases, scores).map {
        ScoreColumn(name: $0.rawValue, kind: $0.kind, scores: $1)
      })
  }
}
