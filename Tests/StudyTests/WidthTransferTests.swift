import Foundation
import GRDB
import Report
import Study
import Testing

@Suite struct WidthTransferTests {
  /// Losses floor + (log2 rate / best)^2 / 10 with best = 0.01 (n / 64)^exponent; at rates above a
  /// limit training diverged.
  private static func arm(
    _ results: inout SampleResults, _ variant: String, _ recipe: [String], exponent: Double,
    floor: (Double) -> Double = { _ in 1 }, limit: Double = 1, fewer: Int = 0
  ) {
    for width in [64, 128, 256, 512] {
      for step in -12...6 {
        let rate = 0.01 * pow(2, Double(step) / 2)
        let distance = log2(rate / 0.01) - exponent * log2(Double(width) / 64)
        var run = SampleResults.run(
          size: "2x\(width)", parameters: width * width - fewer, epochs: 20, seed: 0,
          variant: variant, learningRate: rate)
        (run["optimizer"], run["parameterization"], run["alignment"]) = (
          recipe[0], recipe[1], recipe[2]
        )
        let loss = floor(Double(width)) + distance * distance / 10
        run["cross_entropy"] = rate > limit ? nil : min(loss, 6)
        if rate > limit { run["status"] = "diverged" }
        results["run"].append(run)
      }
    }
  }

  private func table(_ document: ReportDocument, _ id: String) throws -> [[String: String]] {
    let data = try #require(document.tables.first { $0.id == id }?.data)
    return data.rows.map { row in
      Dictionary(
        zip(data.columns.map(\.name), row.map(\.plain)), uniquingKeysWith: { first, _ in first })
    }
  }

  /// What is expected of an arm follows from its recipe, and what is found agrees or contradicts.
  @Test func exponentsAreHeldToWhatIsExpected() throws {
    var results = SampleResults.empty()
    Self.arm(&results, "plain", ["adamw", "plain", "full"], exponent: -1)
    Self.arm(&results, "standard", ["adamw", "standard", "full"], exponent: 0, limit: 0.05)
    Self.arm(&results, "mup", ["adamw", "mup", "full"], exponent: -0.5)
    Self.arm(&results, "none", ["adamw", "standard", "none"], exponent: -0.25)
    Self.arm(&results, "one rate", ["adamw", "ntk", "global-rate"], exponent: -0.5)
    Self.arm(&results, "descent", ["sgd", "ntk", "global-rate"], exponent: 0)
    let document = try StudyReport(results.study(), command: "c").document()
    let rows = try table(document, "learning-rate-transfer")
    #expect(
      rows.map { $0["verdict"] } == [
        "agrees", "agrees", "contradicts", "agrees", "agrees", "agrees",
      ])
    #expect(rows.map { $0["expected_low"] } == ["-1", "0", "0", "-0.5", "-0.5", "0"])
    #expect(rows.map { $0["expected_high"] } == ["-1", "0", "0", "0", "-0.5", "0"])
    #expect(rows.map { $0["diverged"] } == ["0", "8", "0", "0", "0", "0"])
    #expect(rows[1]["first_diverged"]?.hasPrefix("0.056") == true)
  }

  /// Best rates at the edge of those tried bound the exponent from one side: no interval, and no
  /// exponent where all of them are.
  @Test func edgesGiveNoPrecision() throws {
    var results = SampleResults.empty()
    Self.arm(&results, "some", ["adamw", "standard", "full"], exponent: 1.5)
    Self.arm(&results, "all", ["adamw", "standard", "full"], exponent: 0)
    results["run"].removeAll {
      ($0["variant"] as? String)?.hasSuffix("all") == true
        && ($0["learning_rate"] as? Double ?? 1) < 0.015
    }
    let document = try StudyReport(results.study(), command: "c").document()
    let rows = try table(document, "learning-rate-transfer")
    #expect(rows.map { $0["at_edge"] } == ["2", "4"])
    #expect(
      rows.map { $0["lower"] } == ["", ""] && rows.map { $0["verdict"] } == ["open", "open"])
    #expect(rows[0]["exponent"]?.isEmpty == false && rows[1]["exponent"] == "")
  }

  /// Arms of one recipe are compared with the study's first, though another has fewer parameters,
  /// and that with `standard`; a difference that grows is told from one that stays.
  @Test func armsAreCompared() throws {
    var results = SampleResults.empty()
    Self.arm(&results, "standard", ["adamw", "standard", "full"], exponent: 0)
    Self.arm(&results, "mup", ["adamw", "mup", "full"], exponent: 0, floor: { _ in 1.2 })
    Self.arm(
      &results, "epsilon", ["adamw", "standard", "full"], exponent: 0,
      floor: { 1 + 0.1 * log2($0 / 32) })
    Self.arm(&results, "alone", ["sgd", "mup", "full"], exponent: 0)
    Self.arm(&results, "no norm", ["adamw", "standard", "full"], exponent: 0, fewer: 9)
    let document = try StudyReport(results.study(), command: "c").document()
    let rows = try table(document, "width-comparison")
    #expect(rows.count == 3)
    let (mup, epsilon) = (rows[0], rows[1])
    #expect(rows.allSatisfy { $0["baseline"]?.hasSuffix("standard") == true })
    #expect(rows[2]["training"]?.hasSuffix("no norm") == true)
    #expect(mup["training"]?.hasSuffix("mup") == true && mup["loss_verdict"] == "higher")
    #expect(abs(try #require(Double(mup["loss"] ?? "")) - 0.2) < 1e-9)
    #expect(abs(try #require(Double(mup["growth"] ?? ""))) < 1e-9)
    #expect(epsilon["training"]?.hasSuffix("epsilon") == true)
    // 0.1, 0.2, 0.3 and 0.4 more: a mean of 0.25, and 0.1 with each doubling.
    #expect(abs(try #require(Double(epsilon["loss"] ?? "")) - 0.25) < 1e-9)
    #expect(abs(try #require(Double(epsilon["growth"] ?? "")) - 0.1) < 1e-9)
    // The same rates: the loss at the best differs, and how far the others lie above it hardly.
    #expect(mup["sensitivity"]?.isEmpty == false)
    let figure = try #require(document.figures.first { $0.id == "best-rate-vs-width" })
    #expect(figure.panel?.column == "optimizer" && figure.data.rows.count == 5 * 4)
    let place = try #require(figure.data.index(of: "best_rate"))
    #expect(
      figure.data.rows.allSatisfy { abs((Double($0[place].plain) ?? 0) / 0.01 - 1) < 1e-6 })
  }
}
