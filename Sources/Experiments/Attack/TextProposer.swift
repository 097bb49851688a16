import Compute
import Foundation
import LabCore
package import LanguageModel

/// A language model that says what may stand next in a slot, with memory for one worker.
package protocol TextProposer {
  /// N: parameters outside the embedding.
  var parameterCount: Int { get }
  /// Log-probability in nats of every token after each text, shape (V).
  func nextLogProbabilities(of texts: [[Int32]]) throws -> [[Float]]
}

/// A trained model as a proposer, in single precision.
package struct LanguageModelProposer: TextProposer {
  private let session: any AskedSession

  package let parameterCount: Int

  /// Throws `LabError` when memory is short.
  package init(_ model: any AskedModel) throws {
    parameterCount = model.nonEmbeddingParameterCount
    session = try model.asked(in: .fp32).session(
      maximumTokens: max(1_024, model.configuration.contextLength))
  }

  package func nextLogProbabilities(of texts: [[Int32]]) throws -> [[Float]] {
    let all = try session.nextLogProbabilities(of: texts)
    guard all.allSatisfy({ !$0.contains(where: \.isNaN) }) else {
      throw LabError(
        "the proposing model's probabilities are not numbers: its weights hold NaN or infinity; give another run"
      )
    }
    return all
  }
}

extension RandomStream {
  /// Up to `count` different tokens in the order of a draw without replacement, each by its
  /// probability; `accepts` may turn tokens down.
  ///
  /// By the largest of log-probabilities with Gumbel noise (Vieira 2014; arXiv 1903.06059).
  mutating func drawn(
    _ count: Int, of tokens: [Int32], _ logProbabilities: [Float], where accepts: (Int32) -> Bool
  ) -> [Int32] {
    let keys = tokens.map { token -> Double in
      Double(logProbabilities[Int(token)]) - log(-log(uniform() + 0x1p-54))
    }
    var found: [Int32] = []
    for place in tokens.indices.sorted(by: { (keys[$1], $0) < (keys[$0], $1) }) {
      if found.count == count { break }
      if accepts(tokens[place]) { found.append(tokens[place]) }
    }
    return found
  }
}
