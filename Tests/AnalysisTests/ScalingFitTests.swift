import Analysis
import Foundation
import LabCore
import TestSupport
import Testing

/// Laws that were planted are found, and those that cannot be are refused.
struct ScalingFitTests {
  private func options(resamples: Int = 0) -> ScalingFit.Options {
    var options = ScalingFit.Options()
    options.startCount = 8
    options.resampleCount = resamples
    return options
  }

  private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * abs(b) }

  @Test(arguments: PlantedLaw.all.indices)
  func plantedLawsAreFound(plan: Int) throws {
    let plan = PlantedLaw.all[plan]
    let (form, points, law, truth) = (plan.form, plan.points, plan.law, plan.truth)
    let fit = try ScalingFit(form, points, points.map(law), options: options())
    #expect(fit.names.count == truth.count && fit.loss < 1e-15)
    for (name, (parameter, truth)) in zip(fit.names, zip(fit.parameters, truth)) {
      #expect(isNear(parameter.value, truth), "\(form.rawValue) \(name)")
      #expect(parameter.lower == nil)
    }
    #expect(isNear(fit.value(at: points[1]).value, law(points[1])))
  }

  /// Derivatives of every law against central differences.
  @Test(arguments: ScalingForm.allCases)
  func slopesAreDerivatives(form: ScalingForm) {
    var stream = Seed(1).stream("fit/slopes")
    let variables = form == .chinchilla ? 2 : form == .dataConstrained || form == .rate ? 3 : 1
    for _ in 0..<20 {
      let logs = (0..<6).map { _ in (0..<variables).map { _ in 10 + 3 * stream.normal() } }
      let curve = form.curve(logs)
      let unknowns = form.names(variables).map { _ in 0.7 * stream.normal() }
      var (slope, unused) = (unknowns, unknowns)
      for x in logs {
        _ = curve.predict(unknowns, x, &slope)
        for index in unknowns.indices {
          let ends = [1e-6, -1e-6].map { step in
            var moved = unknowns
            moved[index] += step
            return curve.predict(moved, x, &unused)
          }
          let difference = (ends[0] - ends[1]) / 2e-6
          #expect(abs(difference - slope[index]) < 1e-7 * (1 + abs(difference)))
        }
      }
    }
  }

  @Test func largestSizesAreHeldOut() throws {
    let law = PlantedLaw.power(0.02, 30, 0.5)
    let error = try HeldOutError(
      .power, PlantedLaw.sizes, PlantedLaw.sizes.map(law), options: options())
    #expect(error.law < 1e-6 && error.runCount == 1 && error.bestSeen > 0.1)
    #expect(error.bestSeen == error.largestSeen)
  }

  /// Of several runs of the largest size seen those of most exposures count, their mean, in
  /// whatever order they stand.
  @Test func theLargestRunSeenIsNoMatterOfOrder() throws {
    let seeds: [(exposures: Double, factor: Double)] = [(20, 1), (100, 0.9), (100, 1.1), (50, 1)]
    let runs = [1e3, 1e4, 1e5].flatMap { size -> [(point: [Double], value: Double)] in
      seeds.map { seed in
        let odds: Double = 300 * seed.factor * pow(size, -0.8) / seed.exposures.squareRoot()
        return ([size, seed.exposures], odds / (1 + odds))
      }
    }
    let guess = (runs[5].value + runs[6].value) / 2
    let expected = runs[8...].reduce(0.0) { $0 + abs($1.value - guess) / $1.value / 4 }
    for order in [runs, runs.reversed()] {
      let error = try HeldOutError(
        .rate, order.map(\.point), order.map(\.value), options: options())
      #expect(abs(error.largestSeen - expected) < 1e-12 && error.runCount == 4)
    }
  }

  /// One run that is three times as bad moves a robust fit by a hundredth.
  @Test func outliersCountLittle() throws {
    var values = PlantedLaw.sizes.map(PlantedLaw.power(2, 50, 0.4))
    values[5] *= 3
    let fit = try ScalingFit(.power, PlantedLaw.sizes, values, options: options())
    #expect(abs(fit.parameters[0].value - 2) < 0.02 && abs(fit.parameters[2].value - 0.4) < 0.02)
  }

  @Test func intervalsRepeatWithTheirSeed() throws {
    var stream = Seed(3).stream("fit/test")
    let values = PlantedLaw.sizes.map {
      PlantedLaw.power(1, 40, 0.45)($0) * exp(0.02 * stream.normal())
    }
    var options = options(resamples: 40)
    let fit = try ScalingFit(.power, PlantedLaw.sizes, values, options: options)
    let again = try ScalingFit(.power, PlantedLaw.sizes, values, options: options)
    #expect(fit.parameters == again.parameters && !fit.parameters.isEmpty)
    #expect(fit.value(at: [1e5]) == again.value(at: [1e5]))
    // What is made of the numbers has the interval of its numbers.
    #expect(fit.derived { $0[2] } == fit["alpha"] && fit["beta"] == nil)
    options.seed = Seed(1)
    #expect(
      try ScalingFit(.power, PlantedLaw.sizes, values, options: options).parameters
        != fit.parameters)
  }

  @Test func whatRunsDoNotDetermineIsRefused() {
    func refuse(
      _ sentence: String, _ form: ScalingForm, _ points: [[Double]],
      _ law: ([Double]) -> Double = { 1 / (1 + $0[0]) }
    ) {
      expectFailure(sentence) {
        try ScalingFit(form, points, points.map(law), options: options())
      }
    }
    refuse("3 runs do not determine 3 numbers", .power, [[1], [2], [3]])
    refuse("has one value", .power, [[Double]](repeating: [2], count: 6))
    refuse("2 different values", .power, (0..<6).map { [Double($0 % 2 + 1)] })
    refuse("move together", .chinchilla, (1...9).map { [Double($0) * 1e6, Double($0) * 2e7] })
    refuse(
      "variable 1, variable 2, variable 3 move together", .rate,
      PlantedLaw.grid([1, 2, 4], [1, 3, 5]).map { $0 + [$0[0] * $0[1]] })
    // A power has no break and no ceiling, and runs that repeat nothing say nothing of repeats.
    let law = PlantedLaw.power(0.02, 30, 0.5)
    refuse("take power", .brokenPower, PlantedLaw.sizes, law)
    refuse("take power", .sigmoid, PlantedLaw.sizes, PlantedLaw.power(0, 30, 0.5))
    let once = PlantedLaw.grid([1e7, 1e8, 1e9, 4e9], [1e8, 1e9, 1e10]).map { $0 + [$0[1]] }
    refuse("the runs do not determine RD", .dataConstrained, once, PlantedLaw.repeated)
    refuse("the form sigmoid needs at least 5", .sigmoid, (0..<9).map { [Double($0 % 4 + 1)] })
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
