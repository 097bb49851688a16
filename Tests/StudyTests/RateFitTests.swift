import Analysis
import Foundation
import LabCore
import Report
import Study
import Testing

/// What a report makes of runs that follow laws that are known.
@Suite struct RateFitTests {
  private static let sizes = [1_000, 3_000, 10_000, 30_000, 100_000]

  private static func share(_ odds: Double) -> Double { odds / (1 + odds) }

  /// Runs of five sizes and three lengths whose odds and losses are powers; `seeds` move the odds
  /// by their factors.
  private static func results(seeds: [Double] = [1]) -> SampleResults {
    var results = SampleResults.empty()
    for epochs in [10, 40, 160] {
      for size in sizes {
        for (seed, factor) in seeds.enumerated() {
          var run = SampleResults.run(
            size: Readable.count(Double(size)), parameters: size, epochs: epochs, seed: seed)
          run["cross_entropy"] =
            0.5 + 20 * pow(Double(size), -0.5) + 300 * pow(360 * Double(epochs), -0.6)
          let rate = share(3_000 / Double(epochs) * pow(Double(size), -0.6) * factor)
          results.add(run, [rate, rate, 0.6, rate])
        }
      }
    }
    return results
  }

  private func report(_ results: SampleResults) throws -> ReportDocument {
    try StudyReport(results.study(), command: "kglab report runs/sample").document()
  }

  private func fits(_ document: ReportDocument) throws -> [[String: Cell]] {
    let data = try #require(document.tables.first { $0.id == "rate-fits" }).data
    return data.rows.map { Dictionary(uniqueKeysWithValues: zip(data.columns.map(\.name), $0)) }
  }

  @Test func curvesCarryTheirFitAndShape() throws {
    let document = try report(Self.results())
    let rows = try fits(document)
    #expect(rows.count == 3 * 3 + 2 * 3 + 2 * 5)
    let taught = try #require(rows.first { $0["curve"] == "40 epochs" })
    #expect(abs((taught["exponent"]?.finite ?? 0) - 0.6) < 1e-6)
    #expect(abs((taught["k"]?.finite ?? 0) / 75 - 1) < 1e-5)
    #expect(taught["shape"] == "positive" && taught["errors"] == "subjects (one seed)")
    let unseen = try #require(rows.first { $0["visibility"] == "IVS: never trained on" })
    #expect(unseen["shape"] == "flat" && unseen["linearity"] == .missing)
    // Larger is worse on the axis of tokens for a parameter.
    let against = "Unique training tokens per non-embedding parameter"
    #expect(rows.first { $0["against"] == .text(against) }?["shape"] == "inverse")
    let few = try #require(rows.last)
    #expect(few["note"] == "no fit: fewer than 4 points" && few["exponent"] == .missing)

    let figure = try #require(document.figures.first)
    let curves = try #require(figure.fit).data
    #expect(curves.columns.map(\.name).suffix(3) == ["rate", "lower", "upper"])
    let middle = try #require(
      curves.rows.first { $0[1] == "40 epochs" && abs(($0[2].finite ?? 0) - 10_000) < 1e-6 })
    #expect(abs((middle[3].finite ?? 0) - Self.share(75 * pow(10_000, -0.6))) < 1e-6)
    #expect(document.figures.first { $0.id == "rate-vs-flops" }?.fit == nil)
  }

  /// Between 10k (7.0 % at 160 epochs) and 30k (3.7 %), and the size at which alpha A N^-alpha =
  /// beta B D^-beta.
  @Test func theNeededSizeIsSaidInASentence() throws {
    func sentence(_ results: SampleResults) throws -> String {
      let section = try report(results).sections.first { $0.title == "Hallucination rate" }
      for case .paragraph(let prose) in section?.blocks ?? [] { return prose.text }
      return ""
    }
    let one = try sentence(Self.results())
    let rates = [10_000, 30_000].map { Self.share(18.75 * pow(Double($0), -0.6)) }
    let needed = 10_000 * pow(3, (rates[0] - 0.05) / (rates[0] - rates[1]))
    let optimal = pow(0.5 * 20 / (0.6 * 300) * pow(360 * 160, 0.6), 2)
    #expect(
      one.hasPrefix(
        "With 160 epochs, ≤ 5 % hallucination on taught facts needs \(Readable.count(needed)) parameters (one seed, so "
          + "no interval), \(String(format: "%.2g", needed / optimal)) times the compute-optimal size for the same data, "
          + "\(Readable.count(optimal)) (95 % interval of the ratio "), "\(one)")
    #expect(one.contains("over runs of the loss alone)"))
    let two = try sentence(Self.results(seeds: [0.9, 1.1]))
    #expect(two.contains("parameters (95 % interval ") && two.contains("over 2 seeds a size"))
    #expect(two.contains("over runs of the loss and seeds)"))
    // Two lengths are no three budgets.
    var fewer = Self.results()
    let kept = Set(
      fewer["run"].filter { $0["epochs"] as? Double != 10 }.compactMap { $0["id"] as? String })
    for (table, key) in [("run", "id"), ("rate", "run_id")] {
      fewer[table] = fewer[table].filter { kept.contains($0[key] as? String ?? "") }
    }
    #expect(
      try sentence(fewer).contains(
        "the runs do not say: a fit of their loss, L(N, D), is refused because"))
    #expect(try sentence(fewer).contains("the number of tokens has 2 different values"))
  }

  /// At equal compute no two sizes are trained alike, and no training has a curve.
  @Test func equalComputeHasNoNeededSize() throws {
    var results = SampleResults.empty()
    for (size, epochs) in [(1_000, 160), (4_000, 40), (16_000, 10)] {
      results.add(
        SampleResults.run(size: "\(size)", parameters: size, epochs: epochs, seed: 0),
        [0.04, 0.04, 0.6, 0.04])
    }
    #expect(try !report(results).headlines.map(\.label).contains { $0.hasPrefix("Size for") })
    results.add(
      SampleResults.run(size: "4000", parameters: 4_000, epochs: 10, seed: 0), [0.2, 0.2, 0.6, 0.2])
    let headline = try #require(try report(results).headlines.first)
    #expect(headline.label.hasPrefix("Size for") && headline.detail.text.contains("10 epochs"))
  }

  @Test func seedsGiveTheCardAnInterval() throws {
    let headline = try #require(try report(Self.results(seeds: [0.9, 1.1])).headlines.first)
    #expect(
      headline.detail.text.contains("; 95 % interval 1")
        && headline.detail.text.contains("over 2 seeds"))
    #expect(try fits(report(Self.results(seeds: [0.9, 1.1]))).first?["errors"] == "seeds")
  }
}
