import Compute
import Corpus
import LabCore
package import LanguageModel

/// A language model that judges: its transformer, and one logit on the final norm's output and on
/// what the model itself holds of the answer, its log-probability up to where it is judged.
package struct FullNetwork: Sendable {
  package let model: LanguageModel
  /// C weights, that of the log-probability where it is read, then the bias.
  package var readOut: [Float]

  /// Whether the logit reads the log-probability.
  var readsLogProbability: Bool { readOut.count == model.configuration.modelDimension + 2 }

  package init(model: LanguageModel, readOut: [Float]) {
    self.model = model
    self.readOut = readOut
  }

  /// One text with the tokens that are judged.
  struct Text: Sendable {
    /// `<S> s <P> p <O> o <E>`.
    let tokens: [Int32]
    /// Where it is judged, one an example.
    var rows: [JudgedRow]
  }

  /// The text of an answer and the row that judges it: at `<E>`, or at the token with a number from
  /// 1.
  static func text(
    prompt: [Int32], answer: [Int32], place: Int?, contextLength: Int
  ) throws -> Text {
    let tokens = prompt + answer + [SpecialToken.end.rawValue]
    guard tokens.count <= contextLength else {
      throw LabError(
        "a prompt with its answer and the end token has \(tokens.count) tokens, more than the detector's "
          + "context of \(contextLength); give a shorter answer, or train a detector of a longer context"
      )
    }
    let start = prompt.count - 1
    let row = place.map { start + $0 } ?? (tokens.count - 1)
    return Text(tokens: tokens, rows: [JudgedRow(row: row, start: start)])
  }

  /// Micro-batches of consecutive texts, with the row of each example.
  static func batches(
    _ texts: ArraySlice<Text>, maximumTokens: Int
  ) -> [(batch: TokenBatch, rows: [JudgedRow])] {
    var batches: [(batch: TokenBatch, rows: [JudgedRow])] = []
    var batch = TokenBatch()
    var rows: [JudgedRow] = []
    for text in texts {
      if !batch.tokens.isEmpty, batch.tokens.count + text.tokens.count > maximumTokens {
        batches.append((batch, rows))
        (batch, rows) = (TokenBatch(), [])
      }
      let offset = batch.tokens.count
      rows += text.rows.map { JudgedRow(row: offset + $0.row, start: offset + $0.start) }
      batch.append(tokens: text.tokens, targets: text.tokens.map { _ in -1 })
    }
    if !batch.tokens.isEmpty { batches.append((batch, rows)) }
    return batches
  }

  /// The logit of each text, by the passes' workers.
  func logits(
    _ texts: [Text], passes: [TrainingPass], pool: WorkerPool,
    shouldStop: @Sendable () -> Bool = { false }
  ) throws -> [Float] {
    let size = 64
    let starts = Array(stride(from: 0, to: texts.count, by: size))
    let parts = pool.map(pieces: starts.count) { worker, piece -> [Float]? in
      if shouldStop() { return nil }
      let part = texts[starts[piece]..<min(starts[piece] + size, texts.count)]
      var logits: [Float] = []
      for (batch, rows) in Self.batches(part, maximumTokens: passes[worker].maximumTokens) {
        logits += passes[worker].logits(batch, rows: rows, readOut: readOut).logits
      }
      return logits
    }
    return try parts.flatMap { part -> [Float] in
      guard let part else { throw LabError.interrupted("stopped while a detector was scoring") }
      return part
    }
  }

  /// The probability of hallucination of answers to prompts.
  ///
  /// `place` is the number of the token judged, from 1; nil for the whole. Throws `LabError` for a
  /// text that exceeds the context.
  package func probabilities(
    _ answers: [(prompt: [Int32], tokens: [Int32], place: Int?)], workers: Int = 1
  ) throws -> [Double] {
    let texts = try answers.map {
      try Self.text(
        prompt: $0.prompt, answer: $0.tokens, place: $0.place,
        contextLength: model.configuration.contextLength)
    }
    let passes = try (0..<workers).map { _ in try TrainingPass(model) }
    return try logits(texts, passes: passes, pool: WorkerPool(workerCount: workers))
      .map { LogLoss.probability(Double($0)) }
  }
}
