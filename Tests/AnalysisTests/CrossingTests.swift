import Analysis
import Foundation
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

  /// Two seeds at each of three sizes: s² = (0.08 + 0.08 + 0.02) / 3 of logits, t with 3 degrees is
  /// 3.182446.
  @Test func intervalsCoverSeeds() throws {
    func rates(_ centre: Double, _ half: Double) -> [Double] {
      [centre - half, centre + half].map { 1 / (1 + exp(-$0)) }
    }
    let sizes = [(1e3, rates(0, 0.2)), (1e4, rates(-2, 0.2)), (1e5, rates(-6, 0.1))]
      .map { (size: $0.0, rates: $0.1) }
    let estimate = try #require(CrossingEstimate(threshold: 0.05, in: sizes))
    let half = 3.182446305 * (0.18 / 3 / 2).squareRoot()
    func crossing(_ shift: Double) -> Double {
      let (last, next) = (1 / (1 + exp(2 - shift)), 1 / (1 + exp(6 - shift)))
      return 1e4 * pow(10, (last - 0.05) / (last - next))
    }
    for (end, expected) in [(estimate.low, crossing(-half)), (estimate.high, crossing(half))] {
      guard case .size(let size)? = end else {
        Issue.record("expected a size, got \(String(describing: end))")
        return
      }
      #expect(abs(size / expected - 1) < 1e-8)
    }
    #expect(Crossing.atMost(3120).text { "\(Int($0))" } == "≤ 3120")
  }

  @Test func oneSeedHasNoInterval() throws {
    let sizes = [(1e3, [0.5]), (1e4, [0.01])].map { (size: $0.0, rates: $0.1) }
    let estimate = try #require(CrossingEstimate(threshold: 0.05, in: sizes))
    #expect(estimate.low == nil && estimate.high == nil)
    #expect(estimate.crossing == Crossing.find(threshold: 0.05, in: [(1e3, 0.5), (1e4, 0.01)]))
    // One size with two seeds lends its spread to the others.
    let some = [(1e3, [0.5]), (1e4, [0.01, 0.02])].map { (size: $0.0, rates: $0.1) }
    #expect(CrossingEstimate(threshold: 0.05, in: some)?.high == .notReached)
    #expect(CrossingEstimate(threshold: 0.05, in: [(size: 10, rates: [])]) == nil)
    // A rate of 0 has no logit.
    #expect(CrossingEstimate(threshold: 0.05, in: [(size: 10, rates: [0, 0.1])])?.low == nil)
  }
}
