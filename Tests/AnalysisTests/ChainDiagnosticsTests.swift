import Analysis
import Foundation
import LabCore
import Testing

/// Mixing of chains whose law is known.
struct ChainDiagnosticsTests {
  /// Chains x <- rho x + sqrt(1 - rho^2) noise.
  private func chains(_ rho: Double, count: Int = 4, length: Int = 5_000) -> [[Double]] {
    (0..<count).map { number in
      var stream = Seed(3).stream("test/chain/\(number)")
      var value = stream.normal()
      return (0..<length).map { _ in
        value = rho * value + (1 - rho * rho).squareRoot() * stream.normal()
        return value
      }
    }
  }

  /// Of n draws with correlations rho^k there are n (1 - rho) / (1 + rho) effective ones.
  @Test(arguments: [0.0, 0.5, 0.9]) func effectiveCountsAreThoseOfTheLaw(rho: Double) throws {
    let expected = 20_000 * (1 - rho) / (1 + rho)
    let found = try #require(ChainDiagnostics.effectiveCount(chains(rho)))
    #expect(abs(found / expected - 1) < 0.15, "\(found) for \(expected)")
  }

  /// Draws that undo each other count for more than they are.
  @Test func alternatingChainsCountForMore() throws {
    let found = try #require(ChainDiagnostics.effectiveCount(chains(-0.5, length: 1_000)))
    #expect(found > 4_000 * 2)
  }

  @Test func chainsInDifferentPlacesHaveNotMixed() throws {
    let mixed = chains(0.5, length: 1_000)
    #expect(try #require(ChainDiagnostics.splitRHat(mixed)) < 1.02)
    let apart = mixed.enumerated().map { number, chain in chain.map { $0 + Double(number) } }
    // Means 0 to 3 with a deviation of 1.29: halves have a variance of 10 / 7 about 1.
    #expect(
      abs(try #require(ChainDiagnostics.splitRHat(apart)) - (1 + 10.0 / 7).squareRoot()) < 0.15)
    #expect(try #require(ChainDiagnostics.effectiveCount(apart)) < 20)
    let drifting = mixed.map { chain in chain.enumerated().map { $1 + 0.003 * Double($0) } }
    #expect(try #require(ChainDiagnostics.splitRHat(drifting)) > 1.15)
    #expect(ChainDiagnostics.splitRHat([[1, 2, 3], [1, 2, 3]]) == nil)
    #expect(ChainDiagnostics.splitRHat([[1, 1, 1, 1], [1, 1, 1, 1]]) == nil)
  }

  /// Chain k is moved by `shift` k and spread by 1 + `spread` k; split R-hat, that of ranks and
  /// effective numbers are ArviZ's (Fixtures/make_chains.py), whose sequence of correlations ends
  /// elsewhere.
  @Test(arguments: [
    (0.0, 0.0, 0.9975742185569281, 0.9971716724966383, 682.6601749940274),
    (0.5, 0.0, 1.0597526388476466, 1.0714172852154304, 206.56824828936652),
    (0.0, 0.4, 0.998378624362233, 1.0286688446175152, 679.0660771340312),
  ])
  func diagnosticsAreThoseOfArviZ(
    shift: Double, spread: Double, split: Double, ranked: Double, effective: Double
  ) throws {
    let chains = (0..<4).map { number in
      (0..<200).map { place in
        let (k, t) = (Double(number), Double(place))
        let x =
          sin(1.7 * t + k) + 0.8 * sin(0.37 * t * t + 2 * k) + 0.5 * cos(0.05 * t * (k + 1))
        return (1 + spread * k) * (x + 0.3 * x * x * x) + shift * k
      }
    }
    #expect(abs(try #require(ChainDiagnostics.splitRHat(chains)) - split) < 1e-9)
    #expect(abs(try #require(ChainDiagnostics.rankedSplitRHat(chains)) - ranked) < 1e-9)
    #expect(abs(try #require(ChainDiagnostics.effectiveCount(chains)) / effective - 1) < 0.05)
  }
}
