import Analysis
import Foundation
import LabCore
import TestSupport
import Testing

/// Laws that were planted are found, and those that cannot be are refused.
struct ScalingFitTests {
  private static let law = SumOfPowers(
    floor: 1.8, coefficients: [480, 2_100], exponents: [0.35, 0.37])

  /// Sizes and tokens of a grid that crosses both.
  private static let grid = [1e7, 3e7, 1e8, 3e8, 1e9].flatMap { n in
    [2e8, 1e9, 5e9, 2.5e10].map { [n, $0] }
  }

  private var options: ScalingFit.Options {
    var options = ScalingFit.Options()
    options.startCount = 8
    options.resampleCount = 0
    return options
  }

  private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * abs(b) }

  @Test func plantedLawOfTwoVariables() throws {
    let fit = try ScalingFit(
      Self.grid, Self.grid.map(Self.law.value), options: options)
    #expect(isNear(fit.powers.floor, 1.8))
    #expect(isNear(fit.powers.coefficients[0], 480) && isNear(fit.powers.coefficients[1], 2_100))
    #expect(isNear(fit.powers.exponents[0], 0.35) && isNear(fit.powers.exponents[1], 0.37))
    #expect(fit.loss < 1e-15 && fit.floor.lower == nil)
  }

  @Test func plantedPowerWithAFloor() throws {
    let law = SumOfPowers(floor: 0.02, coefficients: [30], exponents: [0.5])
    let points = [1e3, 3e3, 1e4, 3e4, 1e5, 3e5].map { [$0] }
    let fit = try ScalingFit(points, points.map(law.value), options: options)
    #expect(isNear(fit.powers.floor, 0.02) && isNear(fit.powers.coefficients[0], 30))
    #expect(isNear(fit.powers.exponents[0], 0.5))
    let error = try HeldOutError(points, points.map(law.value), options: options)
    #expect(error.law < 1e-6 && error.runCount == 1 && error.bestSeen > 0.1)
    #expect(error.bestSeen == error.largestSeen)
  }

  /// One run that is three times as bad moves a robust fit by a hundredth.
  @Test func outliersCountLittle() throws {
    let law = SumOfPowers(floor: 2, coefficients: [50], exponents: [0.4])
    let points = (0..<12).map { [pow(10, 3 + Double($0) / 3)] }
    var values = points.map(law.value)
    values[5] *= 3
    let fit = try ScalingFit(points, values, options: options)
    #expect(abs(fit.powers.floor - 2) < 0.02 && abs(fit.powers.exponents[0] - 0.4) < 0.02)
  }

  /// Intervals hold the law that noisy runs were drawn from, and repeat with their seed.
  @Test func intervalsHoldTheLaw() throws {
    let law = SumOfPowers(floor: 1, coefficients: [40], exponents: [0.45])
    var stream = Seed(3).stream("fit/test")
    let points = (0..<40).map { [pow(10, 3 + 3 * Double($0) / 39)] }
    let values = points.map { law.value(at: $0) * exp(0.02 * stream.normal()) }
    var options = options
    options.resampleCount = 60
    let fit = try ScalingFit(points, values, options: options)
    for (parameter, truth) in [
      (fit.floor, 1), (fit.coefficients[0], 40), (fit.exponents[0], 0.45),
    ] {
      let (lower, upper) = (try #require(parameter.lower), try #require(parameter.upper))
      #expect(lower < parameter.value && parameter.value < upper)
      #expect(lower < truth && truth < upper && (parameter.standardError ?? 0) > 0)
    }
    #expect(try ScalingFit(points, values, options: options) == fit)
  }

  @Test func whatRunsDoNotDetermineIsRefused() {
    let few = (1...3).map { [Double($0)] }
    expectFailure("3 runs do not determine 3 numbers") { try ScalingFit(few, [3, 2, 1]) }
    let two = (0..<6).map { [Double($0 % 2 + 1)] }
    expectFailure("2 different values") { try ScalingFit(two, [3, 2, 3, 2, 3, 2]) }
    let together = (1...9).map { [Double($0) * 1e6, Double($0) * 2e7] }
    expectFailure("move together") { try ScalingFit(together, (1...9).map { 1 / Double($0) }) }
  }

  @Test func tablesAreReadAsTheyAreWritten() throws {
    let table = try CSVTable(
      "size, \"a \"\"loss\"\"\"\r\n10,1.5\r\n20,\r\n\r\n30,2\n", name: "t.csv")
    #expect(table.columns == ["size", "a \"loss\""] && table.rows.count == 3)
    #expect(try table.numbers("size") == [10, 20, 30])
    #expect(try table.numbers("a \"loss\"") == [1.5, nil, 2])
    #expect(try table.rows(where: "size", is: "30.0").numbers("size") == [30])
    expectFailure("it has 10, 20, 30") { try table.rows(where: "size", is: "4") }
    expectFailure("no column 'sise'") { try table.numbers("sise") }
    expectFailure("row 2 has 1 fields") { try CSVTable("a,b\n1,2\n3\n", name: "t.csv") }
    let marked = try CSVTable("\u{FEFF}a,b\n1,2\n3,x\n", name: "t.csv")
    #expect(marked.columns == ["a", "b"])
    expectFailure("row 2 has 'x'") { try marked.rows(where: "a", is: "3").numbers("b") }
    expectFailure("is no number") { try CSVTable("a\nx\n", name: "t.csv").numbers("a") }
  }
}
