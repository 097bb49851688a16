import Foundation
import Report
import Study
import Testing

/// Language model judged by language model that judges, in a report.
struct JudgeMapTests {
  /// Three models at 100 epochs whose own log-probability has an AUROC of 0.75 ± 0.01 in the
  /// sentence task, 0.05 less in the token task, each judged by all with 0.7, 0.755 and 0.9.
  private func document() throws -> ReportDocument {
    var results = SampleResults.results()
    let own = results["detector"].filter {
      $0["name"] as? String == "sequence-log-probability"
        && ["auroc", "auprc"].contains($0["metric"] as? String)
    }
    for row in own {
      for (size, parameters, auroc) in [
        ("3k", 3000, 0.7), ("10k", 10_000, 0.755), ("30k", 30_000, 0.9),
      ] {
        var judge = row
        let value = auroc - (row["task"] as? String == "token" ? 0.05 : 0)
        judge.merge(
          [
            "name": "log-probability-of-\(size)", "family": "cross-log-probability",
            "parameters": parameters, "pretrained": 1, "value": value, "lower": value - 0.01,
            "upper": value + 0.01,
          ]
        ) { $1 }
        results["detector"].append(judge)
      }
    }
    return try StudyReport(results.study(), command: "c").document()
  }

  private func rows(_ data: Records) -> [[String: Cell]] {
    data.rows.map { Dictionary(uniqueKeysWithValues: zip(data.columns.map(\.name), $0)) }
  }

  @Test func judgesAreHeldAgainstTheModelsOwn() throws {
    let document = try document()
    let table = rows(try #require(document.tables.first { $0.id == "judges" }?.data))
    #expect(table.count == 3 * 2 * 3)
    for task in ["sentence", "token"] {
      for size in ["3k", "10k", "30k"] {
        let own = table.filter { $0["task"] == .text(task) && $0["size"] == .text(size) }
        #expect(own.map { $0["judge"] } == ["3k", "10k", "30k"])
        #expect(own.map { $0["verdict"] } == ["worse", "open", "better"])
        let differences = own.compactMap { $0["difference"]?.finite }
        for (a, b) in zip(differences, [-0.05, 0.005, 0.15]) { #expect(abs(a - b) < 1e-12) }
      }
    }
    let figure = try #require(document.figures.first { $0.id == "judge-map" })
    let points = rows(figure.data)
    #expect(points.map { $0["verdict"] } == table.map { $0["verdict"] })
    #expect(Set(points.compactMap { $0["judge_parameters"]?.finite }) == [3000, 10_000, 30_000])
  }

  /// Judges stand by name beside the published values at the rate of the model judged.
  @Test func judgesAreBesideThePublishedValues() throws {
    let table = rows(try #require(document().tables.first { $0.id == "published" }?.data))
    for (judge, auprc) in [("3k", 0.7), ("10k", 0.755), ("30k", 0.9)] {
      let row = try #require(
        table.first {
          $0["detectors"] == .text("log-probability-of-\(judge)") && $0["size"] == "10k"
            && $0["task"] == "sentence"
        })
      #expect(row["auprc"]?.finite == auprc)
      let (published, difference) = (row["published"]?.finite, row["difference"]?.finite)
      #expect(try abs(#require(difference) - (auprc - #require(published))) < 1e-12)
    }
  }

  @Test func withoutJudgesThereIsNoMap() throws {
    let document = try StudyReport(SampleResults.results().study(), command: "c").document()
    #expect(!document.tables.contains { $0.id == "judges" })
    #expect(!document.figures.contains { $0.id == "judge-map" })
  }
}
