import Corpus
import Foundation
import LabCore
import LanguageModel

/// A text the model may write in full, with its probability.
struct LikelyCompletion: Equatable {
  /// Tokens before the end token, or before whatever ended the text.
  let tokens: [Int32]
  /// The special token other than the end that broke the text off; nil for a whole text or one too
  /// long.
  let breaker: Int32?
  /// Whether the end token came.
  let ended: Bool
  /// Of the tokens and what ended them, in nats.
  let logProbability: Double
}

/// The likeliest texts after a prompt, found exactly by best-first search, without sampling.
///
/// A text's probability never grows as tokens are added, so that whatever is likelier than every
/// unfinished text is certain to be among the likeliest.
struct CompletionSearch {
  let session: InferenceSession
  let inverseTemperature: Double
  /// Texts that reach this many tokens without an end are given up, as in sampling.
  let maximumNewTokens: Int
  /// Unfinished texts to continue before the search gives up.
  var expansionLimit = 4_096

  /// Unfinished texts that go through the model together.
  private static let batchSize = 8

  /// The `count` likeliest completions in falling order, and whether they are certain.
  ///
  /// Not certain means that `expansionLimit` was reached: completions not found may be likelier
  /// than some of those given.
  func likeliest(
    _ count: Int, after prompt: [Int32]
  ) throws -> (completions: [LikelyCompletion], isCertain: Bool) {
    var heap = CompletionHeap()
    heap.push(CompletionHeap.Prefix(tokens: [], logProbability: 0))
    var found: [LikelyCompletion] = []
    var expansionCount = 0
    while let first = heap.first, found.count < count || first.logProbability > worst(found) {
      guard expansionCount < expansionLimit else { return (found, false) }
      var batch: [CompletionHeap.Prefix] = []
      while batch.count < Self.batchSize, let prefix = heap.pop() { batch.append(prefix) }
      expansionCount += batch.count
      let distributions = try nextTokenLogProbabilities(batch.map { prompt + $0.tokens })
      for (prefix, distribution) in zip(batch, distributions) {
        expand(prefix, distribution, count, into: &heap, &found)
      }
    }
    return (found, true)
  }

  private func worst(_ found: [LikelyCompletion]) -> Double {
    found.last?.logProbability ?? -.infinity
  }

  private func expand(
    _ prefix: CompletionHeap.Prefix, _ distribution: [Double], _ count: Int,
    into heap: inout CompletionHeap, _ found: inout [LikelyCompletion]
  ) {
    for (token, step) in distribution.enumerated() {
      let score = prefix.logProbability + step
      guard found.count < count || score > worst(found) else { continue }
      let special = SpecialToken(rawValue: Int32(token))
      let tokens = special == nil ? prefix.tokens + [Int32(token)] : prefix.tokens
      if special == nil, tokens.count < maximumNewTokens {
        heap.push(CompletionHeap.Prefix(tokens: tokens, logProbability: score))
      } else {
        let completion = LikelyCompletion(
          tokens: tokens, breaker: special == .end ? nil : special?.rawValue,
          ended: special == .end, logProbability: score)
        let place = found.firstIndex { $0.logProbability < score } ?? found.count
        found.insert(completion, at: place)
        if found.count > count { found.removeLast() }
      }
    }
  }

  /// log softmax(logits / T) after each text, in double precision.
  private func nextTokenLogProbabilities(_ texts: [[Int32]]) throws -> [[Double]] {
    let vocabulary = session.model.configuration.vocabularySize
    var results: [[Double]] = []
    var first = 0
    while first < texts.count {
      var batch = TokenBatch()
      var last = first
      while last < texts.count,
        last == first || batch.tokens.count + texts[last].count <= session.maximumTokens
      {
        batch.append(tokens: texts[last], targets: texts[last].map { _ in -1 })
        last += 1
      }
      let logits = session.allLogits(batch)
      for end in batch.offsets.dropFirst() {
        let row = (Int(end) - 1) * vocabulary
        results.append(logSoftmax(logits[row..<row + vocabulary]))
      }
      first = last
    }
    return results
  }

  private func logSoftmax(_ logits: ArraySlice<Float>) -> [Double] {
    let scaled = logits.map { Double($0) * inverseTemperature }
    let largest = scaled.max() ?? 0
    let logSum = largest + log(scaled.reduce(0) { $0 + exp($1 - largest) })
    return scaled.map { $0 - logSum }
  }
}
