import Foundation
import Report
import Study
import Testing

/// Claims on borrowed facts: means over seeds with their interval, and one run's own.
struct InterferenceClaimTests {
  @Test func differencesAreMeansOverSeeds() throws {
    var results = SampleResults.empty()
    for (size, parameters, values) in [
      ("3k", 3000, [0.2, 0.3, 0.4]), ("10k", 10_000, [-0.5]),
    ] {
      for (seed, value) in values.enumerated() {
        let run = SampleResults.run(size: size, parameters: parameters, epochs: 20, seed: seed)
        results["run"].append(run)
        for (against, own) in [("", 0.5), ("chance", value)] {
          results["interference"].append([
            "run_id": run["id"] ?? "", "scorer": "kernel", "against": against,
            "quantity": "first", "value": own, "lower": own - 0.1, "upper": own + 0.1,
            "answer_count": 50,
          ])
        }
      }
    }
    let document = try StudyReport(results.study(), command: "c").document()
    let table = try #require(document.tables.first { $0.id == "interference-claims" }?.data)
    #expect(table.rows.count == 2)
    // 0.3 with a standard error of 0.1 / sqrt(3), two degrees of freedom: 4.303 of them.
    let (seeds, alone) = (table.rows[0], table.rows[1])
    #expect(seeds[0] == "the wrong object has the highest kernel mass, more often than by chance")
    #expect(seeds[2] == "3k" && seeds[1] == "holds" && seeds[6] == 3 && seeds[7] == 150)
    let expected = [
      0.3, 0.3 - 4.30265 * 0.1 / 3.0.squareRoot(), 0.3 + 4.30265 * 0.1 / 3.0.squareRoot(),
    ]
    for (cell, value) in zip(seeds[3...5], expected) {
      #expect(try abs(#require(cell.finite) - value) < 1e-5)
    }
    #expect(alone[2] == "10k" && alone[1] == "reversed" && alone[6] == 1)
    #expect(try abs(#require(alone[5].finite) + 0.4) < 1e-12)
  }

  /// Runs on another graph, or at another learning rate, are no seeds of one model.
  @Test func onlySeedsAreAveraged() throws {
    var results = SampleResults.empty()
    let town = results["graph"][0]
    results["graph"].append(town.merging(["id": "village-1", "name": "village"]) { $1 })
    for (graph, rate) in [("town-1", 0.01), ("town-1", 0.02), ("village-1", 0.01)] {
      let run = SampleResults.run(
        size: "3k", parameters: 3000, epochs: 20, seed: 0, learningRate: rate
      ).merging(["id": "\(graph) \(rate)", "graph_id": graph]) { $1 }
      results["run"].append(run)
      for against in ["", "chance"] {
        results["interference"].append([
          "run_id": run["id"] ?? "", "scorer": "kernel", "against": against,
          "quantity": "first", "value": 0.2, "lower": 0.1, "upper": 0.3, "answer_count": 50,
        ])
      }
    }
    let document = try StudyReport(results.study(), command: "c").document()
    let table = try #require(document.tables.first { $0.id == "interference-claims" }?.data)
    #expect(table.rows.allSatisfy { $0[6] == 1 })
    #expect(
      table.rows.map { $0[8] } == [
        "20 epochs, town, learning rate 0.01", "20 epochs, town, learning rate 0.02",
        "20 epochs, village",
      ])
  }
}
