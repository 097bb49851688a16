import Foundation
package import LabCore

/// Underdamped Langevin dynamics with a test: Hamiltonian Monte Carlo of one leapfrog step whose
/// momentum stays.
///
/// m <- exp(-e) m + sqrt(1 - exp(-2 e)) xi, then a leapfrog step of size e; refused, the momentum
/// turns round. Nothing is lost of the law: what is sampled is exact for any e.
package struct LangevinChain: Sendable {
  package private(set) var point: BayesianPosterior.Point
  /// e.
  package private(set) var step: Double
  /// Steps that were accepted, of those since `settle`.
  package private(set) var acceptedCount = 0
  package private(set) var stepCount = 0
  private let posterior: BayesianPosterior
  private var momentum: [Double]
  private var stream: RandomStream
  private var isAdapting = true

  /// The share of steps that adapting aims at: every refusal turns the momentum round, so that it
  /// has to be rare.
  package static let acceptance = 0.95

  /// Begins at a draw of the prior; nil where that has no energy.
  package init?(_ posterior: BayesianPosterior, step: Double = 0.1, stream: RandomStream) {
    var stream = stream
    let start = (0..<posterior.network.parameterCount).map { _ in stream.normal() }
    guard let point = posterior.point(start) else { return nil }
    momentum = start.map { _ in stream.normal() }
    self.posterior = posterior
    self.point = point
    self.step = step
    self.stream = stream
  }

  /// Ends the adapting of the step, after which draws count.
  package mutating func settle() {
    isAdapting = false
    (acceptedCount, stepCount) = (0, 0)
  }

  /// One step: one gradient.
  package mutating func advance() {
    let (keep, noise) = (exp(-step), (1 - exp(-2 * step)).squareRoot())
    for place in momentum.indices {
      momentum[place] = keep * momentum[place] + noise * stream.normal()
    }
    func energy(_ momentum: [Double]) -> Double { 0.5 * momentum.reduce(0) { $0 + $1 * $1 } }
    var moved = zip(momentum, point.gradient).map { $0 - 0.5 * step * $1 }
    let target = posterior.point(zip(point.coordinates, moved).map { $0 + step * $1 })
    var chance = 0.0
    if let target, target.energy.isFinite {
      for place in moved.indices { moved[place] -= 0.5 * step * target.gradient[place] }
      let change = target.energy - point.energy + energy(moved) - energy(momentum)
      chance = change.isFinite ? min(1, exp(-change)) : 0
    }
    stepCount += 1
    if let target, stream.uniform() < chance {
      (point, momentum) = (target, moved)
      acceptedCount += 1
    } else {
      momentum = momentum.map(-)
    }
    if isAdapting { step *= exp((chance - Self.acceptance) / Double(stepCount + 10).squareRoot()) }
  }
}
