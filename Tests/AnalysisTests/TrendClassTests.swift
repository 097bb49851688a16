import Analysis
import Foundation
import Testing

/// Classes of trend and the distance of curves, on planted series.
struct TrendClassTests {
  @Test func plantedSeriesHaveTheirClasses() {
    #expect(TrendClass([10, 11, 12.2, 13, 14.1, 15]) == .upward)
    #expect(TrendClass([15, 14, 13.1, 11.8, 11, 10]) == .downward)
    #expect(TrendClass([10, 10.1, 9.9, 10.1, 9.9, 10]) == .stagnated)
    #expect(TrendClass([10, 10, 10]) == .stagnated)
    // No significant slope, and ends far apart.
    #expect(TrendClass([10, 30, 5, 40, 2, 20]) == .other)
    #expect(TrendClass([10, 11]) == .other)
    // Ends of the same ratio: the limit is 5 % from the geometric mean on either side.
    #expect(TrendClass([1, 9, 1.1]) == .stagnated)
    #expect(TrendClass([1, 9, 1.2]) == .other)
  }

  @Test func curvesAreAsFarApartAsTheyWereMade() throws {
    let line = (0...10).map { (x: Double($0), y: 2 * Double($0)) }
    let same = (0...4).map { (x: 2.5 * Double($0), y: 5 * Double($0)) }
    let equal = try #require(CurveAgreement.difference(line, same))
    #expect(equal.difference < 1e-12 && abs(equal.range - 20) < 1e-12)
    // Shifted, and reaching less far: only what both reach counts.
    let shifted = (4...20).map { (x: Double($0), y: 2 * Double($0) + 0.5) }
    let apart = try #require(CurveAgreement.difference(shifted.reversed(), line))
    #expect(abs(apart.difference - 0.5) < 1e-12 && abs(apart.range - 12) < 1e-12)
    #expect(CurveAgreement.difference(line, [(x: 11, y: 1), (x: 12, y: 1)]) == nil)
    #expect(CurveAgreement.difference(line, [(x: 1, y: 1)]) == nil)
  }
}
