import LabCore

/// A text made of what models answer to the questions of a training text: which answers, and how
/// many.
///
/// The questions are those of the text's lines, each as often as the text has it, so that a query
/// with three visible answers is asked three times as often as one with one.
package struct AnswerText: Codable, Hashable, Sendable {
  /// SHA-256 of the weights of the models that answer; in a plan the ids of their trainings.
  package var of: [String] = []
  /// SHA-256 of the run's list of lines; nil in a plan.
  package var lines: String?
  /// Of the draws, above 0.
  package var temperature = 1.0
  /// Draws from the likeliest tokens alone, this many at most; nil for all.
  package var topK: Int?
  /// Decides which lines stay, which are asked, and what is drawn.
  package var seed: UInt64 = 0
  /// Share of the queries whose lines are used; those of lower ranks, so that a smaller share is
  /// inside a larger one.
  package var queries = 1.0
  /// Share of the text's lines that stay as they are.
  package var real = 0.0
  /// Answers of each model, as a multiple of the text's lines; up to a sum of 1 with `real` no line
  /// that stays is asked.
  package var synthetic = 1.0
  /// Answers of each model to each query, in place of `synthetic`; nil where that holds.
  package var samples: Int?
  /// Only right answers that training may show, at most this many of each query; nil for all
  /// answers as they are.
  package var right: Int?
  /// What says which answers are right in place of the graph, with `right` beside it; nil for the
  /// graph.
  package var reward: RewardChoice?

  package init() {}

  enum CodingKeys: String, SnakeCaseKey {
    case temperature, topK, seed, queries, real, synthetic, samples, right, reward
    case of = "answers_of"
    case lines = "lines_sha256"
  }

  /// The most answers of one model to one query.
  package static let maximumSamples = 1_024

  /// Throws `LabError` naming the setting that is impossible.
  package func validate() throws {
    func require(_ isPossible: Bool, _ name: String, _ value: some Any, _ range: String) throws {
      guard !isPossible else { return }
      throw LabError("the text's \(name) is \(value); it must be \(range)", .usage)
    }
    try require(
      (1e-6...1_000).contains(temperature), "temperature", temperature, "from 0.000001 to 1000")
    try require(queries > 0 && queries <= 1, "queries", queries, "above 0, at most 1")
    try require(real >= 0 && real <= 1, "real", real, "from 0 to 1")
    try require(synthetic > 0 && synthetic <= 100, "synthetic", synthetic, "above 0, at most 100")
    if let topK { try require((1...1_000_000_000).contains(topK), "top_k", topK, "at least 1") }
    if let samples {
      try require(
        (1...Self.maximumSamples).contains(samples), "samples", samples,
        "from 1 to \(Self.maximumSamples)")
      try require(synthetic == 1, "synthetic", synthetic, "left out where samples is given")
    }
    if let right { try require(right >= 1, "right", right, "at least 1") }
    if let reward {
      try require(right != nil, "right", "missing", "given where a detector says what is right")
      try reward.validate()
    }
  }

  /// What is unusual about it, in a few words: "8 samples, at most 4 right".
  package var words: String {
    var parts: [String] = []
    if let samples { parts.append("\(samples) samples") }
    if let right { parts.append("at most \(right) right") }
    if let reward { parts.append("judged by \(reward.words)") }
    if samples == nil, synthetic != 1 { parts.append("\(Readable.number(synthetic)) synthetic") }
    if real > 0 { parts.append("\(Readable.number(real)) real") }
    if queries < 1 { parts.append("\(Readable.number(queries)) of the queries") }
    if temperature != 1 { parts.append("temperature \(Readable.number(temperature))") }
    if let topK { parts.append("top-k \(topK)") }
    return parts.joined(separator: ", ")
  }
}

/// A line of a text that need not be a triple: a question and what is said to it.
package struct TextLine: Hashable, Sendable {
  package let subject: Int32
  package let predicate: Int32
  /// What stands after `<O>`, with the end token where the answer had one.
  package let completion: [Int32]
  /// Presentations in one epoch.
  package var exposures: Int32

  package init(subject: Int32, predicate: Int32, completion: [Int32], exposures: Int32) {
    self.subject = subject
    self.predicate = predicate
    self.completion = completion
    self.exposures = exposures
  }
}
