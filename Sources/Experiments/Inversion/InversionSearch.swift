import Corpus
import Foundation
package import LabCore

/// Draws texts for a slot from a model that proposes, and counts how often the attacked one then
/// gives a chosen wrong answer.
///
/// Prompt inversion with rejection sampling (PIRS, arXiv 2311.07587): a text is accepted where the
/// greedy answer is the chosen one. No draw depends on another.
package struct InversionSearch {
  private let search: AttackSearch

  package init(_ search: AttackSearch) { self.search = search }

  /// One text that was drawn, and what came of it.
  package struct Draw: Hashable, Sendable {
    package let content: [Int32]
    package let answer: String
    package let isAccepted: Bool
    package let isWrong: Bool
    /// 2 N T of the proposer up to the text's end and of the victim up to the wrong answer's.
    package let flops: Double
  }

  /// `count` texts that a proposer draws at temperature 1 after `prefix`, which ends with `<X>`,
  /// tried on an example whose answer is the chosen wrong one.
  ///
  /// Tokens that may not stand in a text are left out of every draw; what would be read otherwise
  /// is drawn again.
  package func draws(
    _ count: Int, on example: AttackedExample, after prefix: [Int32], _ proposer: any TextProposer,
    _ victim: some AttackVictim, _ stream: inout RandomStream
  ) throws -> [Draw] {
    let contents = try contents(count, after: prefix, proposer, &stream)
    let texts = contents.map { search.text(example, $0) }
    let proposing = 2 * Double(proposer.parameterCount * (prefix.count + search.length))
    return zip(texts, try victim.outcomes(of: texts)).map { text, outcome in
      Draw(
        content: Array(text.field.dropFirst()), answer: outcome.answer,
        isAccepted: outcome.isTarget, isWrong: outcome.isWrong,
        flops: proposing + 2 * Double(victim.parameterCount * victim.inputCount(of: text)))
    }
  }

  private func contents(
    _ count: Int, after prefix: [Int32], _ proposer: any TextProposer, _ stream: inout RandomStream
  ) throws -> [[Int32]] {
    var contents: [[Int32]] = []
    for _ in 0..<100 {
      var drawn = [[Int32]](repeating: [], count: count - contents.count)
      for _ in 0..<search.length {
        // Texts that begin alike are read once.
        let different = Array(Set(drawn)).sorted { $0.lexicographicallyPrecedes($1) }
        let said = try proposer.nextLogProbabilities(of: different.map { prefix + $0 })
        let next = Dictionary(uniqueKeysWithValues: zip(different, said))
        for index in drawn.indices {
          drawn[index].append(token(next[drawn[index]] ?? [], &stream))
        }
      }
      contents += drawn.filter { search.tokenizer.isSlotText($0) }
      if contents.count == count { return contents }
    }
    throw LabError(
      "of \(count) texts of \(search.length) tokens that were proposed, some are read otherwise however often they are drawn; "
        + "give a shorter --length", .usage)
  }

  /// A token that may stand in a text, by its probability among those.
  private func token(_ logProbabilities: [Float], _ stream: inout RandomStream) -> Int32 {
    let weights = search.allowed.map { exp(Double(logProbabilities[Int($0)])) }
    var rest = stream.uniform() * weights.reduce(0, +)
    for (token, weight) in zip(search.allowed, weights) {
      rest -= weight
      if rest < 0 { return token }
    }
    return search.allowed[search.allowed.count - 1]
  }
}
