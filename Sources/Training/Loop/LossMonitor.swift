import LabCore

/// Watches the loss of each step for a stay far above where it was.
///
/// A step is suspect when its loss is over 7 standard deviations above the mean of the steps before
/// it, the bound of OLMo 2's spike score (arXiv 2501.00656), and over half a nat above it; or when
/// it is half a nat above both a uniform guess and the first step. Ten suspect steps in a row are a
/// spike. Single bad batches and the bends of a falling curve are none.
package struct LossMonitor: Codable, Hashable, Sendable {
  /// Losses of the latest ordinary steps, oldest first.
  private var recent: [Double] = []
  private var firstLoss: Double?
  /// The highest level that an earlier spike led to and that was gone on from.
  private var acceptedLoss: Double?
  private var suspectCount = 0
  /// The first of the suspect steps up to now, counted from 1; nil after an ordinary step.
  package private(set) var suspectSince: Int?
  /// Steps at which spikes were seen, ascending.
  package private(set) var spikes: [Int] = []

  enum CodingKeys: String, SnakeCaseKey {
    case recent, spikes, firstLoss, acceptedLoss, suspectCount, suspectSince
  }

  package static let windowLength = 128
  /// Steps before the mean and deviation are taken to mean something.
  package static let leastCount = 32
  package static let deviations = 7.0
  /// Nats; what is less is never suspect.
  package static let leastRise = 0.5
  /// Suspect steps in a row that make a spike.
  package static let patience = 10

  package init() {}

  /// Takes in a step's mean loss in nats; returns the highest ordinary loss when it completes a
  /// spike.
  ///
  /// `uniform` is the loss of a guess without any knowledge: the logarithm of the vocabulary's
  /// size.
  package mutating func observe(_ loss: Double, step: Int, uniform: Double) -> Double? {
    let limit = limit(uniform: uniform)
    firstLoss = firstLoss ?? loss
    guard loss > limit else {
      suspectCount = 0
      suspectSince = nil
      recent.append(loss)
      if recent.count > Self.windowLength { recent.removeFirst() }
      return nil
    }
    suspectSince = suspectSince ?? step
    suspectCount += 1
    guard suspectCount == Self.patience else { return nil }
    spikes.append(step)
    return limit
  }

  /// Takes the present level for the ordinary one, after a spike that is not to stop the run.
  package mutating func accept(_ loss: Double) {
    acceptedLoss = max(acceptedLoss ?? loss, loss)
    recent = []
    suspectCount = 0
    suspectSince = nil
  }

  private func limit(uniform: Double) -> Double {
    guard let firstLoss else { return .infinity }
    let ignorance = max(uniform, firstLoss, acceptedLoss ?? 0) + Self.leastRise
    guard recent.count >= Self.leastCount else { return ignorance }
    let count = Double(recent.count)
    let mean = recent.reduce(0, +) / count
    let variance = recent.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return min(ignorance, mean + max(Self.deviations * variance.squareRoot(), Self.leastRise))
  }
}
