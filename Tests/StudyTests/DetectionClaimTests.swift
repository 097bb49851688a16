import Foundation
import Report
import Study
import Testing

@Suite struct DetectionClaimTests {
  private let rows: [[String: Cell]]
  private let published: [[String: Cell]]

  /// Three sizes at 100 epochs whose heads have an AUROC of 0.8 and 0.9 in the sentence task whatever the size,
  /// and 0.05 less in the token task; AUC-PR is AUROC times the rate.
  init() throws {
    let document = try StudyReport(SampleResults.results().study(), command: "c").document()
    func rows(_ id: String) throws -> [[String: Cell]] {
      let data = try #require(document.tables.first { $0.id == id }?.data)
      return data.rows.map { row in
        Dictionary(uniqueKeysWithValues: zip(data.columns.map(\.name), row))
      }
    }
    self.rows = try rows("claims")
    published = try rows("published")
  }

  private func row(_ claim: String, _ task: String, _ metric: String) throws -> [String: Cell] {
    let found = rows.filter {
      $0["claim"]?.plain.hasPrefix(claim) == true && $0["task"] == .text(task)
        && $0["metric"] == .text(metric) && $0["detectors"] == "heads"
    }
    #expect(found.count == 1)
    return try #require(found.first)
  }

  private func estimate(_ row: [String: Cell]) throws -> Double {
    try #require(row["estimate"]?.finite)
  }

  @Test func largerDetectors() throws {
    let row = try row("larger detectors", "sentence", "AUROC")
    #expect(abs(try estimate(row) - 0.1 / log10(1153.0 / 17)) < 1e-12)
    #expect(row["verdict"] == "holds" && row["runs"] == 3)
  }

  @Test func sentenceAgainstToken() throws {
    let row = try row("sentence beats token", "both", "AUROC")
    #expect(abs(try estimate(row) - 0.05) < 1e-12 && row["verdict"] == "holds")
  }

  /// An infinitely wide head at 0.93 beside ReLU heads at 0.82 and 0.9: 0.08 nearer, and 0.03 above the largest.
  @Test func finiteHeadsAgainstTheInfiniteOne() throws {
    #expect(!rows.contains { $0["claim"]?.plain.contains("infinite") == true })
    var results = SampleResults.results()
    for row in results["detector"] {
      guard let name = row["name"] as? String, name == "mlp-64",
        let value = row["value"] as? Double,
        row["metric"] as? String == "auroc"
      else { continue }
      results["detector"].append(
        row.merging(["name": "mlp-4", "parameters": 73, "value": value - 0.08]) { $1 })
      results["detector"].append(
        row.merging([
          "name": "ntk-relu-1-nystrom-100", "kind": "kernel", "family": "kernel", "parameters": 0,
          "value": value + 0.03,
        ]) { $1 })
    }
    let document = try StudyReport(results.study(), command: "c").document()
    let claims = try #require(document.tables.first { $0.id == "claims" }?.data)
    for (claim, expected) in [
      ("larger heads approach the infinite one", 0.08),
      ("the infinite head is above the largest", 0.03),
    ] {
      let own = claims.rows.filter { $0[0].plain == claim && $0[2] == .text("sentence") }
      #expect(own.count == 1 && own[0][1] == "holds" && own[0][8] == 3)
      #expect(try abs(#require(own.first?[5].finite) - expected) < 1e-12)
    }
    // A level line in the figure: two points for each model, from the smallest head's size to the largest's.
    let figure = try #require(document.figures.first { $0.id == "detector-size" }?.data)
    let places = Dictionary(
      uniqueKeysWithValues: figure.columns.enumerated().map { ($0.element.name, $0.offset) })
    func cells(_ column: String) throws -> [Cell] {
      let place = try #require(places[column])
      let width = try #require(places["width"])
      return figure.rows.filter { $0[width] == "infinite" }.map { $0[place] }
    }
    #expect(try cells("detector_parameters") == (0..<6).flatMap { _ in [17, 1153] })
    #expect(try Set(cells("auroc").compactMap(\.finite)).count == 2)
  }

  /// AUC-PR falls with the rate, by 0.9 of the rate's slope: (0.025 - 0.49) / 2 sizes' distance, three points.
  @Test func prevalenceAloneMakesAUCPRFall() throws {
    let auprc = try row("larger LMs are harder", "sentence", "AUC-PR")
    let x = [3.0, 4, log10(30_000)].map { $0 == 3 ? log10(3000) : $0 }
    let y = [0.49, 0.21, 0.025].map { 0.9 * $0 }
    let mean = x.reduce(0, +) / 3
    let slope =
      zip(x, y).reduce(0) { $0 + ($1.0 - mean) * $1.1 }
      / x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(abs(try estimate(auprc) - slope) < 1e-12)
    #expect(auprc["runs"] == 3)
    // The same AUROC at every size is no fall.
    let auroc = try row("larger LMs are harder", "sentence", "AUROC")
    #expect(abs(try estimate(auroc)) < 1e-12 && auroc["verdict"] == "open")
  }

  /// At a rate of 0.21 the published value lies between those at 0.162 and 0.313; below 0.059 there is none.
  @Test func publishedValuesAreAtTheSameRate() throws {
    let heads = published.filter { $0["detectors"] == "heads" && $0["task"] == "sentence" }
    #expect(heads.map { $0["size"] } == ["3k", "10k"])
    let expected = 0.875 + (0.21 - 0.162) / (0.313 - 0.162) * (0.931 - 0.875)
    let value = try #require(heads[1]["published"]?.finite)
    #expect(abs(value - expected) < 1e-12)
    let difference = try #require(heads[1]["difference"]?.finite)
    #expect(abs(difference - (0.9 * 0.21 - expected)) < 1e-12)
  }
}
