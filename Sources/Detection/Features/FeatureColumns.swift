package import LanguageModel

/// How sure the model is of what comes next, at some rows of a matrix of features.
package struct FeatureColumns: Sendable, Equatable {
  /// In that order.
  private(set) var all: [[Float]]

  static let count = 6

  /// Keeps columns in the order of the properties below.
  package init(all columns: [[Float]]) { all = columns }

  /// Columns without a row.
  package init() { all = Array(repeating: [], count: Self.count) }

  /// The columns of a capture.
  package init(_ capture: Capture) {
    all = [
      capture.logProbabilities, capture.entropies, capture.maximumProbabilities, capture.margins,
      capture.affinities, capture.selfCertainties,
    ]
  }

  /// Log-probability in nats of the next token of the text, the end token included; 0 at the end.
  package var logProbabilities: [Float] { all[0] }
  /// Entropy in nats of the next-token distribution.
  package var entropies: [Float] { all[1] }
  /// Largest probability of that distribution.
  package var maximumProbabilities: [Float] { all[2] }
  /// Largest minus second largest probability.
  package var margins: [Float] { all[3] }
  /// Log of the sum over v of sqrt(p_v / V) at temperature 2.
  package var affinities: [Float] { all[4] }
  /// KL(uniform, p) in nats.
  package var selfCertainties: [Float] { all[5] }

  mutating func append(_ other: FeatureColumns) {
    for column in all.indices { all[column] += other.all[column] }
  }

  subscript(rows: Range<Int>) -> FeatureColumns {
    FeatureColumns(all: all.map { Array($0[rows]) })
  }
}
