import Compute
import LabCore
import LanguageModel

/// A judging language model in single precision, with memory for one worker: its logit, and how
/// that changes with the tokens.
package final class FullNetworkPass {
  package let network: FullNetwork
  private let pass: TrainingPass
  private let scratch: Gradients

  /// Throws `LabError` when memory is short.
  package init(_ network: FullNetwork) throws {
    let model = try network.model.inPrecision(.fp32)
    self.network = FullNetwork(model: model, readOut: network.readOut)
    pass = try TrainingPass(model)
    scratch = try Gradients(model.layout, on: model.device)
  }

  /// Texts that are read together.
  package struct Batch {
    let tokens: TokenBatch
    let rows: [JudgedRow]
    /// Their places in the list that batches were made of.
    package let texts: Range<Int>
  }

  /// Texts in batches, each judged at its last token, after the answer that begins behind its
  /// prompt.
  package func batches(_ texts: [(tokens: [Int32], promptCount: Int)]) -> [Batch] {
    let all = texts.map { text in
      FullNetwork.Text(
        tokens: text.tokens,
        rows: [JudgedRow(row: text.tokens.count - 1, start: text.promptCount - 1)])
    }
    var next = 0
    return FullNetwork.batches(all[...], maximumTokens: pass.maximumTokens).map { tokens, rows in
      defer { next += rows.count }
      return Batch(tokens: tokens, rows: rows, texts: next..<(next + rows.count))
    }
  }

  /// The logit of each text of a batch.
  package func logits(_ batch: Batch) -> [Float] {
    pass.logits(batch.tokens, rows: batch.rows, readOut: network.readOut).logits
  }

  /// For each text the gradient of its logit, times a slope, with respect to the one-hot rows of
  /// some of its tokens, shape (places, V).
  package func gradients(_ batch: Batch, _ slopes: [Float], places: [[Int]]) -> [[Float]] {
    let vocabulary = network.model.configuration.vocabularySize
    pass.stream.zero(scratch.values)
    pass.backward(
      batch.tokens, rows: batch.rows, readOut: network.readOut, logitGradient: slopes,
      into: scratch)
    let starts = batch.tokens.offsets.map { Int($0) }
    var all = pass.oneHotGradients(
      of: zip(starts, places).flatMap { start, own in own.map { start + $0 } })[...]
    return places.map { own in
      defer { all = all.dropFirst(own.count * vocabulary) }
      return Array(all.prefix(own.count * vocabulary))
    }
  }
}
