import Analysis
package import Compute
import Foundation
package import LabCore

/// A head whose weights are not one choice but many: draws of a posterior, or one training for each
/// of several seeds.
package struct BayesianHead: Hashable, Sendable {
  /// How the many are come by.
  package enum Way: Hashable, Sendable {
    /// Draws by the repriorised sampler.
    case repriorised
    /// Draws of the same posterior without repriorisation.
    case plain
    /// So many trainings of the MLP, whose probabilities are averaged.
    case ensemble(Int)
  }

  package let way: Way
  /// Units of the hidden layer.
  package let width: Int

  /// Training examples that a posterior is conditioned on at most; more are drawn from.
  package let exampleCount: Int

  package static let widths = 4...1_024
  package static let exampleCounts = 50...1_000
  package static let memberRange = 2...50

  /// Where the kind is chosen and no head named.
  package static let usual = BayesianHead(.repriorised, width: 64)

  private init(_ way: Way, width: Int, exampleCount: Int = Self.exampleCounts.upperBound) {
    self.way = way
    self.width = width
    self.exampleCount = exampleCount
  }

  /// The head called "bayes-64", "bayes-64-plain", "bayes-64-on-250", "bayes-64-plain-on-250" or
  /// "ensemble-64-5".
  ///
  /// Throws `LabError` for any other name.
  package init(named name: String) throws {
    var parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    var exampleCount: Int? = Self.exampleCounts.upperBound
    if parts[0] == "bayes", parts.count > 3, parts[parts.count - 2] == "on" {
      exampleCount = Int(parts[parts.count - 1])
      parts.removeLast(2)
    }
    let width = parts.count > 1 ? Int(parts[1]) : nil
    let way: Way? =
      switch (parts[0], parts.count) {
      case ("bayes", 2): .repriorised
      case ("bayes", 3) where parts[2] == "plain": .plain
      case ("ensemble", 3):
        Int(parts[2]).flatMap { Self.memberRange.contains($0) ? .ensemble($0) : nil }
      default: nil
      }
    guard let way, let width, Self.widths.contains(width), let exampleCount,
      Self.exampleCounts.contains(exampleCount)
    else {
      throw LabError(
        "unknown Bayesian head '\(name)'; give bayes-N for draws of the posterior of N hidden units from "
          + "\(Self.widths.lowerBound) to \(Self.widths.upperBound), bayes-N-plain for the same without repriorisation, "
          + "either with -on-M behind it for M training examples from \(Self.exampleCounts.lowerBound) to "
          + "\(Self.exampleCounts.upperBound), "
          + "or ensemble-N-K for K trainings from \(Self.memberRange.lowerBound) to \(Self.memberRange.upperBound)",
        .usage)
    }
    self.init(way, width: width, exampleCount: exampleCount)
  }

  package var name: String {
    let own =
      switch way {
      case .repriorised: "bayes-\(width)"
      case .plain: "bayes-\(width)-plain"
      case .ensemble(let count): "ensemble-\(width)-\(count)"
      }
    return own + (exampleCount == Self.exampleCounts.upperBound ? "" : "-on-\(exampleCount)")
  }

  /// Floating-point operations of learning from n examples of d values.
  package func operations(train n: Int, inputs d: Int) -> Double {
    if case .ensemble(let count) = way {
      let training = HeadTrainingOptions()
      return Double(count * training.stepCount * training.batchSize * 6 * width) * Double(d + 2)
    }
    let network = BayesianNetwork(width: width, inputs: d)
    return PosteriorSample.gradients
      * network.operations(rows: min(n, exampleCount), isRepriorised: way == .repriorised)
  }
}

extension BayesianHead: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// How well chains have mixed.
package struct ChainReport: Codable, Hashable, Sendable {
  /// The largest split R-hat, of ranks, of the outputs that are looked at.
  package let rHat: Double
  /// The smallest of their effective numbers of draws, over the gradients of all chains after
  /// warming up.
  package let effectivePerGradient: Double
  package let acceptance: Double
  /// The mean step of the chains.
  package let step: Double
  /// Examples that the posterior is of, and operations of one gradient as
  /// `BayesianNetwork.operations` counts them; nil in older files.
  package let exampleCount: Int?
  package let operationsPerGradient: Double?

  package init(
    rHat: Double, effectivePerGradient: Double, acceptance: Double, step: Double,
    exampleCount: Int? = nil, operationsPerGradient: Double? = nil
  ) {
    self.rHat = rHat
    self.effectivePerGradient = effectivePerGradient
    self.acceptance = acceptance
    self.step = step
    self.exampleCount = exampleCount
    self.operationsPerGradient = operationsPerGradient
  }

  package var hasMixed: Bool { rHat <= PosteriorSample.mixedRHat }

  enum CodingKeys: String, SnakeCaseKey {
    case rHat, effectivePerGradient, acceptance, step, exampleCount, operationsPerGradient
  }
}

/// Draws of a posterior by several chains.
package struct PosteriorSample: Sendable {
  /// Parameters of networks, chain by chain.
  package let draws: [[Double]]
  package let report: ChainReport

  package static let chainCount = 4
  package static let warmUp = 1_000
  package static let stepCount = 4_000
  /// Draws of each chain that are kept for scoring.
  package static let keptCount = 25
  /// Outputs whose mixing is looked at.
  package static let probeCount = 50
  /// The largest R-hat of chains that have mixed.
  package static let mixedRHat = 1.1

  static var gradients: Double { Double(chainCount * (warmUp + stepCount)) }

  /// Runs the chains, one a worker; chain k draws from `stream`/k.
  ///
  /// `probes` are rows whose outputs are followed. Throws `LabError` where a posterior has no
  /// density, and `LabError.interrupted` when asked to stop.
  package init(
    _ posterior: BayesianPosterior, probes: DenseMatrix, seed: Seed, stream name: String,
    warmUp: Int = Self.warmUp, steps: Int = Self.stepCount, on pool: WorkerPool,
    shouldStop: @Sendable () -> Bool = { false }
  ) throws {
    struct Chain: Sendable {
      var draws: [[Double]] = []
      /// By probe and step.
      var outputs: [[Double]]
      var acceptance = 0.0
      var step = 0.0
    }
    let every = max(1, steps / Self.keptCount)
    let chains = try pool.map(pieces: Self.chainCount) { _, piece -> Chain in
      guard var chain = LangevinChain(posterior, stream: seed.stream("\(name)/\(piece)")) else {
        throw LabError("the posterior of a head has no density at a draw of its prior", .failure)
      }
      var found = Chain(outputs: Array(repeating: [], count: probes.rows))
      for number in 0..<(warmUp + steps) {
        if shouldStop() { throw LabError.interrupted("stopped while a posterior was drawn from") }
        if number == warmUp { chain.settle() }
        chain.advance()
        guard number >= warmUp else { continue }
        for (probe, value) in posterior.network.values(chain.point.parameters, probes).enumerated()
        {
          found.outputs[probe].append(value)
        }
        if (number - warmUp + 1) % every == 0, found.draws.count < Self.keptCount {
          found.draws.append(chain.point.parameters)
        }
      }
      found.acceptance = Double(chain.acceptedCount) / Double(max(1, chain.stepCount))
      found.step = chain.step
      return found
    }
    draws = chains.flatMap(\.draws)
    let followed = (0..<probes.rows).map { probe in chains.map { $0.outputs[probe] } }
    // Every fourth step says as much of R-hat as all do.
    let thinned = followed.map { chains in
      chains.map { chain in stride(from: 0, to: chain.count, by: 4).map { chain[$0] } }
    }
    let effective = followed.compactMap(ChainDiagnostics.effectiveCount).min() ?? 0
    let count = Double(Self.chainCount)
    report = ChainReport(
      rHat: thinned.compactMap(ChainDiagnostics.rankedSplitRHat).max() ?? .greatestFiniteMagnitude,
      effectivePerGradient: effective / (count * Double(steps)),
      acceptance: chains.reduce(0) { $0 + $1.acceptance } / count,
      step: chains.reduce(0) { $0 + $1.step } / count, exampleCount: posterior.exampleCount,
      operationsPerGradient: posterior.network.operations(
        rows: posterior.exampleCount, isRepriorised: posterior.isRepriorised))
  }
}
