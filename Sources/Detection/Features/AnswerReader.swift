import Compute
package import Corpus
package import LabCore
package import LanguageModel

/// Reads prompts with answers through a model once and hands on what detectors need.
package struct AnswerReader {
  package let model: any AskedModel
  private let text: TripleText
  private let sessions: [any AskedSession]
  private let pool: WorkerPool
  private let maximumTokens: Int

  /// A session for each worker, for texts of one graph; throws `LabError` when memory is short.
  package init(model: any AskedModel, text: TripleText, workers: Int) throws {
    self.model = model
    self.text = text
    let maximumTokens = max(1_024, model.configuration.contextLength + 1)
    self.maximumTokens = maximumTokens
    sessions = try (0..<workers).map { _ in
      try model.session(maximumTokens: maximumTokens)
    }
    pool = try WorkerPool(workerCount: workers)
  }

  /// What one text puts into a batch.
  private struct Sequence {
    let prompt: [Int32]
    let subjectLength: Int
    let tokens: [Int32]

    /// With the end token.
    var length: Int { prompt.count + tokens.count + 1 }
  }

  /// Batches read between two calls of `body`.
  private static let batchesPerBlock = 16

  /// Reads all texts; `body` gets the rows of consecutive texts in order.
  ///
  /// An answer that fills the context is followed by `<E>` as any other. Throws `LabError` for an
  /// answer longer than the context, and `LabError.interrupted` when asked to stop.
  package func read(
    _ texts: AnswerTexts, streams: Set<CaptureStream>, work: Work = Work(),
    _ body: (Capture) throws -> Void
  ) throws {
    let sequences = try texts.texts.map(sequence)
    let sessions = try self.sessions(holding: sequences)
    let groups = groups(sequences.map(\.length))
    for start in stride(from: 0, to: groups.count, by: Self.batchesPerBlock) {
      let block = Array(groups[start..<min(start + Self.batchesPerBlock, groups.count)])
      let captures = try pool.map(pieces: block.count) { worker, piece in
        if work.shouldStop() { throw LabError.interrupted("stopped while states were read") }
        return try read(sequences[block[piece]], streams: streams, in: sessions[worker])
      }
      for capture in captures { try body(capture) }
      let share = Double(start + block.count) / Double(groups.count)
      work.report(share, "reading states \(Readable.percent(share))")
    }
  }

  /// Sessions with room for all sequences.
  ///
  /// Only answers that never ended can fill the context; were `<E>` left out there, its absence
  /// would tell.
  private func sessions(holding sequences: [Sequence]) throws -> [any AskedSession] {
    let contextLength = model.configuration.contextLength
    guard sequences.contains(where: { $0.length > contextLength }) else { return self.sessions }
    let longer = try model.withContext(contextLength + 1)
    return try self.sessions.map { _ in
      try longer.session(maximumTokens: maximumTokens)
    }
  }

  private func sequence(_ text: AnswerTexts.Text) throws -> Sequence {
    let prompt = self.text.prompt(subject: text.subject, predicate: text.predicate)
    let length = prompt.count + text.tokens.count
    guard length <= model.configuration.contextLength else {
      throw LabError(
        "a prompt with its answer has \(length) tokens, more than the model's context of "
          + "\(model.configuration.contextLength); was the model trained on another graph?")
    }
    let predicateToken = prompt.firstIndex(of: SpecialToken.predicate.rawValue) ?? 1
    return Sequence(prompt: prompt, subjectLength: predicateToken - 1, tokens: text.tokens)
  }

  /// Consecutive sequences that fit into one batch.
  private func groups(_ lengths: [Int]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var tokens = 0
    for (index, length) in lengths.enumerated() {
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
    _ sequences: ArraySlice<Sequence>, streams: Set<CaptureStream>, in session: any AskedSession
  ) throws -> Capture {
    var batch = TokenBatch()
    var regions: [TextRegion] = []
    var rows: [Int] = []
    let end = SpecialToken.end.rawValue
    for sequence in sequences {
      let first = batch.tokens.count + sequence.prompt.count - 1
      let count = sequence.tokens.count
      batch.append(
        tokens: sequence.prompt + sequence.tokens + [end],
        targets: Array(repeating: Int32(-1), count: sequence.prompt.count - 1) + sequence.tokens
          + [end, -1])
      regions += [.special] + Array(repeating: .subject, count: sequence.subjectLength) + [.special]
      regions += Array(
        repeating: .predicate, count: sequence.prompt.count - sequence.subjectLength - 3)
      regions += [.special] + Array(repeating: .object, count: count) + [.special]
      rows += (0...(count + 1)).map { first + $0 }
    }
    return try session.capture(batch, rows: rows, regions: regions, streams: streams)
  }
}
