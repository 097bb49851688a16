package import LanguageModel

/// How sure the model is of what comes next, at every row of a matrix of features.
package struct FeatureColumns: Sendable, Equatable {
  /// Log-probability in nats of the next token of the text, the end token included; 0 at the end.
  package internal(set) var logProbabilities: [Float] = []
  package internal(set) var entropies: [Float] = []
  package internal(set) var maximumProbabilities: [Float] = []
  package internal(set) var margins: [Float] = []
  package internal(set) var affinities: [Float] = []
  package internal(set) var selfCertainties: [Float] = []

  package init() {}

  /// The columns of a capture.
  package init(_ capture: Capture) {
    logProbabilities = capture.logProbabilities
    entropies = capture.entropies
    maximumProbabilities = capture.maximumProbabilities
    margins = capture.margins
    affinities = capture.affinities
    selfCertainties = capture.selfCertainties
  }

  static let count = 6

  var all: [[Float]] {
    [logProbabilities, entropies, maximumProbabilities, margins, affinities, selfCertainties]
  }

  /// The columns of `all`, in its order.
  init(all columns: [[Float]]) {
    logProbabilities = columns[0]
    entropies = columns[1]
    maximumProbabilities = columns[2]
    margins = columns[3]
    affinities = columns[4]
    selfCertainties = columns[5]
  }

  mutating func append(_ other: FeatureColumns) {
    logProbabilities += other.logProbabilities
    entropies += other.entropies
    maximumProbabilities += other.maximumProbabilities
    margins += other.margins
    affinities += other.affinities
    selfCertainties += other.selfCertainties
  }
}
