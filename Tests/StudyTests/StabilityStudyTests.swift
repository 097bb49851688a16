import Evaluation
import Foundation
import GRDB
import LabCore
import LanguageModel
import Report
import Study
import TestSupport
import Testing
import Training

@Suite struct StabilityStudyTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private static let study = """
    name: small
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64, lanes: 2}
    models:
      - {sizes: [3k, 6k], steps: [5]}
    evaluation: {samples: 1, temperatures: [0], resamples: 10}

    """

  /// Probes reach study.sqlite as steps.jsonl has them, and the report has a figure of each.
  @Test func probesAreTablesAndFigures() throws {
    _ = try StudyText.runner(Self.study + "probe_steps: 2\n", in: folder).run()
    let results = try StudyResults(folder["out/study.sqlite"])
    for run in results.runs {
      let probes = StepLog.probes(in: folder["out/models/\(run.id)"])
      #expect(probes.map(\.metrics.step) == [1, 2, 4])
      for (metrics, probe) in probes {
        let place = "run_id = '\(run.id)' AND step = \(metrics.step)"
        let step = try #require(results.rows("SELECT * FROM probe WHERE \(place)").first)
        #expect(step["output_logit_mean"] == probe.meanOutputLogit)
        #expect(step["cross_entropy"] == metrics.crossEntropy)
        let logits = try results.rows(
          "SELECT attention_logit_max FROM probe_layer WHERE \(place) ORDER BY layer")
        #expect(logits.map { $0[0] } == probe.largestAttentionLogits)
        let tensors = try results.rows("SELECT * FROM probe_tensor WHERE \(place)")
        #expect(tensors.count == probe.gradientRMS.count && tensors.count > 10)
        for row in tensors {
          let name: String = row["tensor"]
          #expect(row["gradient_rms"] == probe.gradientRMS[name])
          #expect(row["alignment"] == probe.alignment[name])
          #expect(row["epsilon"] == 1e-8)
          let update = probe.updateAlignment?[name]
          #expect(row["alpha"] == update?.alpha && row["omega"] == update?.omega)
          #expect(row["u"] == update?.u)
        }
      }
    }
    let aligned = try results.rows(
      "SELECT step, count(alpha) AS n FROM probe_tensor GROUP BY step ORDER BY step")
    // Seven matrices of each of three layers and two read-outs, once there are updates.
    #expect(aligned.map { $0["n"] as Int } == [0, 23, 23])
    let queries = try results.rows(
      "SELECT DISTINCT tensor, layer FROM probe_tensor WHERE kind = 'q_proj' ORDER BY layer")
    #expect(queries.map { $0["layer"] as Int } == [1, 2])
    let document = try StudyReport(results, command: "c").document()
    for id in [
      "attention-logit-vs-step", "output-logit-vs-step", "alignment-vs-step",
      "gradient-rms-vs-step", "update-alignment-vs-step",
    ] {
      let figure = try #require(document.figures.first { $0.id == id })
      // Three steps of two runs; 3k has one layer, and 6k two.
      let panels = [
        "attention-logit-vs-step": 9, "output-logit-vs-step": 6,
        "update-alignment-vs-step": 2 * 2 * 8 * 3,
      ]
      #expect(figure.data.rows.count == panels[id] ?? 6 * (id.hasPrefix("alignment") ? 8 : 9))
    }
    let table = try #require(document.tables.first { $0.id == "gradient-epsilon" })
    #expect(table.data.rows.count == 2)
  }

  /// Logits along a planted quadratic of log size: the largest of five sizes is forecast from the
  /// others, and one off it is outside of the interval.
  @Test func attentionLogitsAreForecast() throws {
    var results = SampleResults.empty()
    for (rate, factor) in [(0.01, 1.0), (0.02, 3)] {
      for (index, parameters) in [1_000, 3_000, 9_000, 27_000, 81_000].enumerated() {
        let run = SampleResults.run(
          size: "2x\(16 << index)", parameters: parameters, epochs: 5, seed: 0, learningRate: rate)
        let id = results.add(run, [0.5, 0.5, 0.5, 0.5])
        let place = Double(index)
        // A little off the law, so that there is an interval.
        let logit =
          2 + 0.3 * place * place + [0.01, -0.03, 0.03, -0.01, 0][index]
          + (index == 4 ? factor - 1 : 0)
        results["probe"] += [1, 6, 12].map { step in
          [
            "run_id": id, "step": step, "learning_rate": rate, "cross_entropy": 2.0,
            "gradient_norm": 1.0, "output_logit_mean": 0.0,
          ]
        }
        results["probe_layer"] += [1, 6, 12].flatMap { step in
          (1...2).map { layer in
            [
              "run_id": id, "step": step, "layer": layer,
              "attention_logit_max": step == 6 && layer == 1 ? exp(logit) : 1.0,
            ]
          }
        }
      }
    }
    let document = try StudyReport(results.study(), command: "c").document()
    let table = try #require(document.tables.first { $0.id == "attention-logit-forecast" })
    #expect(table.data.rows.count == 2)
    func value(_ row: Int, _ column: String) throws -> String {
      table.data.rows[row][try #require(table.data.index(of: column))].plain
    }
    for row in 0..<2 {
      // The probe nearest to a fifth of 30 steps, and the law at the fifth size.
      #expect(try value(row, "step") == "6" && value(row, "sizes") == "4")
      let forecast = try #require(Double(value(row, "forecast")))
      #expect(abs(log(forecast) - 6.8) < 0.3)
    }
    #expect(try value(0, "within") == "yes" && value(1, "within") == "no")
    let figure = try #require(document.figures.first { $0.id == "attention-logit-vs-size" })
    #expect(figure.data.rows.count == 2 * 6)
  }

  /// Lines of 26 runs in one panel cannot be told apart: figures by matrix have a mean for each
  /// size, and those of logits a panel for each training.
  @Test func manyRunsAreMeansOverSizes() throws {
    var results = SampleResults.empty()
    for epochs in 1...13 {
      for (size, parameters) in [("2x16", 1_000), ("2x8", 300)] {
        let id = results.add(
          SampleResults.run(size: size, parameters: parameters, epochs: epochs, seed: 0),
          [0.5, 0.5, 0.5, 0.5])
        results["probe"].append([
          "run_id": id, "step": 1, "learning_rate": 0.01, "cross_entropy": 2.0,
          "gradient_norm": 1.0, "output_logit_mean": 0.1,
        ])
        results["probe_layer"] += (1...2).map { layer in
          ["run_id": id, "step": 1, "layer": layer, "attention_logit_max": 1.0]
        }
        results["probe_tensor"].append([
          "run_id": id, "step": 1, "tensor": "q", "layer": 1, "kind": "q_proj",
          "alignment": Double(epochs) / 16 + (size == "2x8" ? 0.25 : 0), "alpha": 0.5,
          "omega": 0.75, "u": 1.0, "gradient_rms": Double(epochs), "epsilon": 1e-8,
        ])
      }
    }
    let document = try StudyReport(results.study(), command: "c").document()
    func rows(_ id: String) throws -> [[String]] {
      try #require(document.figures.first { $0.id == id }).data.rows.map { $0.map(\.plain) }
    }
    // 1/16 to 13/16 have the mean 7/16; the smaller size comes first.
    #expect(
      try rows("alignment-vs-step") == [
        ["q_proj", "2x8", "1", "0.6875", "0.3125", "1.0625", "13"],
        ["q_proj", "2x16", "1", "0.4375", "0.0625", "0.8125", "13"],
      ])
    #expect(
      try rows("update-alignment-vs-step").map { $0[3] } == [
        "0.5", "0.75", "1", "0.5", "0.75", "1",
      ])
    #expect(try rows("gradient-rms-vs-step").map { $0[3] } == ["7", "7"])
    let logits = try #require(document.figures.first { $0.id == "attention-logit-vs-step" })
    #expect(logits.panel?.column == "training" && logits.shape?.column == "layer")
    #expect(logits.data.rows.count == 26 * 2)
  }

  /// A study that was run before it asked for probes is told so, and one without has no such
  /// section.
  @Test func runsWithoutProbesAreNamed() throws {
    func report() throws -> ReportDocument {
      try StudyReport(StudyResults(folder["out/study.sqlite"]), command: "c").document()
    }
    _ = try StudyText.runner(Self.study, in: folder).run()
    #expect(try !report().sections.contains { $0.title == "Stability" })
    let more = Self.study.replacingOccurrences(of: "6k]", with: "6k, 10k]") + "probe_steps: 2\n"
    let second = try StudyText.runner(more, in: folder).run()
    #expect(second.reusedCount > 0)
    let section = try #require(try report().sections.first { $0.title == "Stability" })
    guard case .note(let words) = section.blocks.first else {
      Issue.record("no note")
      return
    }
    #expect(words.spans.map(\.text).joined().contains("2 of 3 trainings have no probes"))
  }

  @Test func stepsOfProbesAreCountedFromOne() throws {
    expectFailure("probe_steps") {
      try StudyText.runner(Self.study + "probe_steps: 0\n", in: folder)
    }
    let torch = Self.study.replacingOccurrences(of: "lanes: 2", with: "lanes: 2, engine: torch")
    expectFailure("is for the native engine, and some models are of engine torch") {
      try StudyText.runner(torch + "probe_steps: 2\n", in: folder)
    }
  }
}
