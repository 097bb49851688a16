import Foundation

/// An object with the log-probability in nats of the model giving it, end token included.
package struct ScoredObject: Hashable, Sendable {
  package let object: Int32
  package let logProbability: Double

  package var probability: Double { exp(logProbability) }
  /// Code length in bits.
  package var bits: Double { -logProbability / log(2) }
}
