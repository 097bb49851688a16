import Analysis
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
}
