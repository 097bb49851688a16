import Analysis
import LabCore
import Testing

@Suite struct CrossingTests {
  @Test func interpolatesInTheLogarithmOfSize() throws {
    // Half way from 0.1 to 0.0 in rate is half way from 1e3 to 1e5 in log size.
    let crossing = Crossing.find(threshold: 0.05, in: [(1e3, 0.1), (1e5, 0)])
    guard case .size(let size) = try #require(crossing) else {
      Issue.record("expected a size")
      return
    }
    #expect(abs(size - 1e4) < 1e-8)
  }

  @Test func nothingIsExtrapolated() {
    #expect(Crossing.find(threshold: 0.05, in: [(1e3, 0.5), (1e4, 0.06)]) == .notReached)
    #expect(Crossing.find(threshold: 0.05, in: [(1e3, 0.05), (1e4, 0.01)]) == .atMost(1e3))
    #expect(Crossing.find(threshold: 0.05, in: []) == nil)
  }

  @Test func aReboundMovesTheCrossing() {
    let points = [(1e2, 0.6), (1e3, 0.04), (1e4, 0.06), (1e5, 0.05)]
      .map { (size: $0.0, rate: $0.1) }
    #expect(Crossing.find(threshold: 0.05, in: points) == .size(1e5))
    #expect(Crossing.find(threshold: 0.05, in: Array(points.dropLast())) == .notReached)
  }

  @Test func aCrossingAtAMeasuredSizeIsThatSize() {
    #expect(Crossing.find(threshold: 0.2, in: [(10, 0.4), (100, 0.2)]) == .size(100))
  }

  @Test func intervalCoversTheEstimateAndIsRepeatable() throws {
    let bootstrap = Bootstrap(seed: Seed(3), replicates: 400)
    let sizes = [1e3, 1e4, 1e5].map { SizedClusters(size: $0, clusters: clusters(at: $0)) }
    let estimate = try #require(bootstrap.crossing(threshold: 0.05, in: sizes, stream: "x"))
    #expect(estimate == bootstrap.crossing(threshold: 0.05, in: sizes, stream: "x"))
    guard case .size(let size) = estimate.crossing, case .size(let low)? = estimate.low,
      case .size(let high)? = estimate.high
    else {
      Issue.record("expected sizes, got \(estimate)")
      return
    }
    #expect(low < size && size < high)
    #expect(low > 1e4 && high < 1e5)
  }

  /// Rates of 60 %, 20 % and 0 % over 200 clusters.
  private func clusters(at size: Double) -> [ClusterSum] {
    let wrong = size < 5e3 ? 120 : size < 5e4 ? 40 : 0
    return (0..<200).map { ClusterSum($0 < wrong ? 1 : 0, over: 1) }
  }

  @Test func anUnreachedEndIsSaid() throws {
    let bootstrap = Bootstrap(seed: Seed(3), replicates: 400)
    let sizes = [(1e3, 12), (1e4, 1)].map { size, wrong in
      SizedClusters(
        size: size, clusters: (0..<20).map { ClusterSum($0 < wrong ? 1 : 0, over: 1) })
    }
    let estimate = try #require(bootstrap.crossing(threshold: 0.06, in: sizes, stream: "x"))
    #expect(estimate.high == .notReached)
    let text = estimate.text { "\(Int($0.rounded()))" }
    #expect(text.hasSuffix(" to not reached)"))
    #expect(text.contains("(95 % interval "))
    #expect(Crossing.atMost(3120).text { "\(Int($0))" } == "≤ 3120")
  }

  @Test func aSizeWithoutDataIsRefused() {
    let bootstrap = Bootstrap(seed: Seed(3), replicates: 10)
    let sizes = [SizedClusters(size: 10, clusters: [])]
    #expect(bootstrap.crossing(threshold: 0.05, in: sizes, stream: "x") == nil)
  }
}
