import Corpus
import Foundation
import LabCore
import LanguageModel

/// What a layer's residual stream would say if it were the last (logit lens).
package struct LensLayer: Codable, Hashable, Sendable {
  /// 0 is the embedding; layer n is the stream that leaves the n-th block.
  package let layer: Int
  /// Probability of the first token of the likeliest true answer; nil where there is none.
  package let trueProbability: Double?
  /// Where that token ranks, from 1.
  package let trueRank: Int?
  package let topToken: String
  package let topProbability: Double

  /// The table of logits (V) by layer.
  static func table(
    _ logits: [[Float]], trueToken: Int32?, tokenizer: any Tokenizer
  ) -> [LensLayer] {
    logits.enumerated().map { layer, row in
      let top = row.indices.max { (row[$0], $1) < (row[$1], $0) } ?? 0
      let largest = Double(row[top])
      let sum = row.reduce(0.0) { $0 + exp(Double($1) - largest) }
      let own = trueToken.map { Double(row[Int($0)]) }
      return LensLayer(
        layer: layer, trueProbability: own.map { exp($0 - largest) / sum },
        trueRank: own.map { value in 1 + row.count { Double($0) > value } },
        topToken: tokenizer.text(of: Int32(top)), topProbability: 1 / sum)
    }
  }
}
