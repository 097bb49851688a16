import Compute
package import Corpus
import Evaluation
package import KnowledgeGraph
import LabCore
package import LanguageModel
import Synchronization

/// What the model computed while it wrote one answer, at n + 1 places for n tokens.
///
/// Place 0 is `<O>`, which predicts the first token; place i is the i-th token, read; place n predicts what
/// ends the answer.
package struct AnswerReading: Sendable {
  /// Final states, shape (n + 1, C).
  package let states: [Float]
  /// Log-probability in nats of each of the n tokens.
  package let logProbabilities: [Float]
  /// Entropy in nats of the next-token distribution at each of the n + 1 places.
  package let entropies: [Float]
  /// Largest probability of the next-token distribution at each of the n + 1 places.
  package let maximumProbabilities: [Float]

  package init(
    states: [Float], logProbabilities: [Float], entropies: [Float], maximumProbabilities: [Float]
  ) {
    self.states = states
    self.logProbabilities = logProbabilities
    self.entropies = entropies
    self.maximumProbabilities = maximumProbabilities
  }

  package var tokenCount: Int { logProbabilities.count }

  /// The state at a place, C values.
  package func state(at place: Int) -> ArraySlice<Float> {
    let width = states.count / (tokenCount + 1)
    return states[(place * width)..<((place + 1) * width)]
  }
}

/// Runs prompts with answers through a model once and keeps what detectors need.
package struct AnswerReader {
  private let graph: KnowledgeGraph
  private let text: TripleText
  private let sessions: [InferenceSession]
  private let pool: WorkerPool
  private let maximumTokens: Int

  /// A session for each worker.
  ///
  /// Throws `CorpusError` for a name that the tokenizer cannot spell, and `LabError` when memory is short.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph,
    wording: Wording = .triple, workers: Int
  ) throws {
    self.graph = graph
    text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    let maximumTokens = max(1_024, model.configuration.contextLength)
    self.maximumTokens = maximumTokens
    sessions = try (0..<workers).map { _ in
      try InferenceSession(model, maximumTokens: maximumTokens)
    }
    pool = try WorkerPool(workerCount: workers)
  }

  private struct Text: Hashable {
    let query: Int
    let tokens: [Int32]
  }

  /// The reading of each answer; answers of one query with equal tokens are read once.
  ///
  /// Throws `LabError` for an answer longer than the model's context, and `LabError.interrupted` when
  /// `shouldStop`, which any worker may call, says so.
  package func read(
    _ answers: [JudgedAnswer], shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [AnswerReading] {
    var places: [Text: Int] = [:]
    var texts: [Text] = []
    let indices = answers.map { answer in
      let key = Text(query: answer.query, tokens: answer.answer.tokens)
      if let place = places[key] { return place }
      places[key] = texts.count
      texts.append(key)
      return texts.count - 1
    }
    let sequences = texts.map { text in
      let query = graph.queries[text.query]
      return (
        prompt: self.text.prompt(subject: query.subject, predicate: query.predicate),
        tokens: text.tokens
      )
    }
    let groups = try groups(sequences.map { $0.prompt.count + $0.tokens.count })
    let results = Mutex([Result<[AnswerReading], any Error>?](repeating: nil, count: groups.count))
    pool.run(pieces: groups.count) { worker, piece in
      if shouldStop() { return }
      let result = Result { try read(sequences[groups[piece]], in: sessions[worker]) }
      results.withLock { $0[piece] = result }
    }
    let parts = results.withLock { $0 }
    guard parts.allSatisfy({ $0 != nil }) else {
      throw LabError.interrupted("stopped while states were read")
    }
    let readings = try parts.flatMap { try $0?.get() ?? [] }
    return indices.map { readings[$0] }
  }

  /// Consecutive sequences that fit into one batch.
  private func groups(_ lengths: [Int]) throws -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var tokens = 0
    for (index, length) in lengths.enumerated() {
      guard length <= maximumTokens else {
        throw LabError(
          "a prompt with its answer has \(length) tokens, more than the \(maximumTokens) that "
            + "are read at once; was the model trained on another graph?")
      }
      if tokens + length > maximumTokens {
        groups.append(start..<index)
        start = index
        tokens = 0
      }
      tokens += length
    }
    if start < lengths.count { groups.append(start..<lengths.count) }
    return groups
  }

  private func read(
    _ sequences: ArraySlice<(prompt: [Int32], tokens: [Int32])>, in session: InferenceSession
  ) throws -> [AnswerReading] {
    var batch = TokenBatch()
    for (prompt, tokens) in sequences {
      let targets = Array(repeating: Int32(-1), count: prompt.count - 1) + tokens + [-1]
      batch.append(tokens: prompt + tokens, targets: targets)
    }
    let reading = try session.read(batch)
    let width = session.model.configuration.modelDimension
    return zip(sequences, batch.offsets.dropFirst()).map { sequence, end in
      let count = sequence.tokens.count
      let first = Int(end) - count - 1
      let rows = first..<Int(end)
      return AnswerReading(
        states: Array(reading.states[(rows.lowerBound * width)..<(rows.upperBound * width)]),
        logProbabilities: Array(reading.logProbabilities[rows.dropLast()]),
        entropies: Array(reading.entropies[rows]),
        maximumProbabilities: Array(reading.maximumProbabilities[rows]))
    }
  }
}
