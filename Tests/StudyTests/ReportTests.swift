import Evaluation
import Foundation
import LabCore
import Report
import Study
import Testing

@Suite struct ReportTests {
  private let document: ReportDocument

  init() throws {
    document = try Self.report(SampleResults.results(), "kglab report runs/sample")
  }

  private static func report(
    _ results: SampleResults, _ command: String = "c"
  ) throws -> ReportDocument {
    try StudyReport(results.study(), command: command).document()
  }

  /// Rows of a figure's or table's CSV as dictionaries of text.
  private func rows(_ id: String) throws -> [[String: String]] {
    let data = try #require(
      document.figures.first { $0.id == id }?.data ?? document.tables.first { $0.id == id }?.data)
    let lines = CSV.text(data).split(separator: "\r\n")
    let names = try #require(lines.first).split(separator: ",").map(String.init)
    let fields = data.rows.map { row in row.map(\.plain) }
    #expect(fields.count == lines.count - 1)
    return fields.map { Dictionary(uniqueKeysWithValues: zip(names, $0)) }
  }

  private func value(
    _ id: String, _ column: String, where wanted: [String: String]
  ) throws -> String? {
    let found = try rows(id).filter { row in wanted.allSatisfy { row[$0.key] == $0.value } }
    #expect(found.count == 1, "\(id) \(wanted)")
    return found.first?[column]
  }

  @Test func hasEveryFigureWithItsCommand() {
    #expect(
      document.figures.map(\.id) == [
        "rate-vs-size", "rate-vs-u", "rate-vs-flops", "verdicts", "auprc-vs-rate",
        "prevalence-free-vs-rate", "detection-by-lm-size", "detector-size",
      ])
    #expect(document.figures.allSatisfy { $0.command == "kglab report runs/sample" })
    #expect(
      document.tables.map(\.id) == [
        "rate-fits", "claims", "published", "detectors", "runs", "rates", "missing",
      ])
  }

  /// Without a head the figures of the best one have nothing to show but what was published.
  @Test func figuresOfHeadsNeedAHead() throws {
    var results = SampleResults.results()
    results["detector"].removeAll { $0["kind"] as? String == "head" }
    let ids = try Self.report(results).figures.map(\.id)
    #expect(!ids.contains("auprc-vs-rate") && !ids.contains("prevalence-free-vs-rate"))
  }

  @Test func rateAgainstSize() throws {
    #expect(try rows("rate-vs-size").count == 3 * 2 * 3)
    let place = [
      "visibility": "FVS: every answer trained on", "training": "100 epochs", "size": "10k",
    ]
    #expect(try value("rate-vs-size", "rate", where: place) == "0.2")
    #expect(try value("rate-vs-size", "upper", where: place)?.hasPrefix("0.215") == true)
    #expect(try value("rate-vs-size", "non_embedding_parameters", where: place) == "10000")
    let figure = try #require(document.figures.first)
    #expect(figure.x.scale == .log)
    let guess = try #require(figure.rules.first)
    #expect(guess.position == .horizontal(0.6) && guess.panel == "IVS: never trained on")
  }

  @Test func rateAgainstTokensAndOperations() throws {
    let seen = "Seen: trained on (FVS and PVS)"
    #expect(
      try value(
        "rate-vs-u", "u", where: ["visibility": seen, "training": "20 epochs", "size": "3k"])
        == "0.12")
    #expect(
      try value(
        "rate-vs-flops", "training_flops",
        where: ["visibility": seen, "training": "20 epochs", "size": "3k"]) == "129600000")
    #expect(
      try value(
        "rate-vs-flops", "rate",
        where: ["visibility": seen, "training": "100 epochs", "size": "30k"]) == "0.025")
    // Along a line only the number of epochs grows.
    let sizes = try rows("rate-vs-flops").filter { $0["visibility"] == seen }.map { $0["size"] }
    #expect(sizes == ["3k", "3k", "10k", "10k", "30k", "30k"])
  }

  @Test func verdictsOfTheLongestTraining() throws {
    #expect(
      try value(
        "verdicts", "share",
        where: [
          "visibility": "IVS: never trained on", "verdict": "wrong object", "size": "3k",
        ]) == "0.6")
    #expect(try rows("verdicts").count == 3 * 3 * 3)
  }

  @Test func detectionAgainstTheRate() throws {
    let place = ["size": "10k", "task": "sentence task"]
    #expect(try value("auprc-vs-rate", "lm_rate", where: place) == "0.21")
    #expect(try value("auprc-vs-rate", "detector", where: place) == "mlp-64")
    let auprc = try #require(Double(try value("auprc-vs-rate", "value", where: place) ?? ""))
    #expect(abs(auprc - 0.9 * 0.21) < 1e-12)
    #expect(document.figures.first { $0.id == "auprc-vs-rate" }?.rules.first?.position == .identity)
    let free = try value(
      "prevalence-free-vs-rate", "value",
      where: ["size": "30k", "task": "token task", "metric": "AUROC"])
    #expect(try abs(#require(Double(free ?? "")) - 0.85) < 1e-12)
    #expect(try rows("prevalence-free-vs-rate").count == 2 * 2 * 3)
    #expect(try rows("detector-size").count == 2 * 3 * 2)
  }

  /// Of a run of 3000 parameters that stores 4500 bits, and knows a quarter, then half of what it
  /// was taught.
  @Test func knowledgeAndLifelinesHaveSections() throws {
    #expect(!document.sections.map(\.title).contains("Knowledge"))
    var results = SampleResults.results()
    let run = results["run"][0]["id"] ?? ""
    results["stored_bits"] = [
      [
        "run_id": run, "triples": "trained", "group_kind": "all", "group_value": "",
        "triple_count": 60, "entropy_bits": 9000.0, "code_bits": 4500.0, "stored_bits": 4500.0,
        "net_bits": 4500.0, "reference_bits": 9000.0, "memorised_bits": 0.0,
        "stored_bits_per_triple_lower": 50.0, "stored_bits_per_triple_upper": 100.0,
      ]
    ]
    results["lifeline_curve"] = [(10, 0.25), (100, 0.5)].map { step, share in
      [
        "run_id": run, "step": step, "visibility": "fvs", "query_count": 30, "known_share": share,
        "mean_probability": share,
      ]
    }
    results["lifeline_count"] = [
      [
        "run_id": run, "visibility": "fvs", "query_count": 30, "learned_count": 15,
        "forgotten_count": 3, "never_known_count": 12, "mean_forgetting_count": 0.5,
      ]
    ]
    let document = try Self.report(results)
    let titles = document.sections.map(\.title)
    #expect(titles.contains("Knowledge") && titles.contains("Learned and forgotten"))
    func row(_ id: String, _ index: Int) throws -> [String] {
      try #require(document.figures.first { $0.id == id }).data.rows[index].map(\.plain)
    }
    #expect(
      try row("stored-bits", 0) == [
        "20 epochs", "3k", "3000", "1.5", "1", "2", "mean", "one run",
      ])
    #expect(try row("known-vs-step", 1)[1..<5] == ["20 epochs", "3k", "100", "0.5"])
    let lost = try #require(document.tables.first { $0.id == "lifelines" })
    #expect(lost.data.rows.map { $0[4] } == [3])
    _ = try ReportPage.html(document)
  }

  @Test func tablesHoldTheBestHeadAndTheBaselines() throws {
    let detectors = try rows("detectors").filter { $0["run"] == "3k, 100 epochs" }
    #expect(
      detectors.map { $0["detector"] } == [
        "mlp-64", "sequence-log-probability", "mlp-64", "sequence-log-probability",
      ])
    #expect(try value("runs", "fvs_rate", where: ["run": "3k, 20 epochs"]) == "0.8")
    #expect(try rows("missing").first?["error"] == "the loss is not a number at step 3")
  }

  @Test func severalSeedsShowTheirMeanWithThePoints() throws {
    var results = SampleResults.results()
    let run = SampleResults.run(size: "3k", parameters: 3000, epochs: 20, seed: 1)
    results.add(run, [0.6, 0.5, 0.5, 0.58])
    let document = try Self.report(results)
    let figure = try #require(document.figures.first)
    let columns = figure.data.columns.map(\.name)
    let rate = try #require(columns.firstIndex(of: "rate"))
    let kind = try #require(columns.firstIndex(of: "kind"))
    let rows = figure.data.rows.filter { row in
      row.contains("FVS: every answer trained on") && row.contains("20 epochs")
        && row.contains("3k")
    }
    #expect(rows.map { $0[kind].plain } == ["one run", "one run", "mean of 2 seeds"])
    #expect(rows.compactMap { $0[rate].finite }.map { ($0 * 1000).rounded() } == [800, 600, 700])
  }

  /// Bars of a mean are the range over seeds, and a table has their spread: 0.8 and 0.6 have a
  /// deviation of 0.1414.
  @Test func severalSeedsShowTheirSpread() throws {
    var results = SampleResults.results()
    let run = SampleResults.run(size: "3k", parameters: 3000, epochs: 20, seed: 1)
    results.add(run, [0.6, 0.5, 0.5, 0.58])
    let document = try Self.report(results)
    let seeds = try #require(document.tables.first { $0.id == "seeds" })
    let fvs = try #require(seeds.data.rows.first { $0.contains("rate FVS") })
    #expect(seeds.data.rows.count == 4 && fvs[4] == .integer(2))
    #expect(
      fvs[5...].map { ($0.finite ?? 0) * 10_000 }.map { $0.rounded() } == [7000, 1414, 6000, 8000])
    let figure = try #require(document.figures.first)
    let mean = try #require(
      figure.data.rows.first { row in
        row.contains("mean of 2 seeds") && row.contains("FVS: every answer trained on")
      })
    let names = figure.data.columns.map(\.name)
    let ends = ["lower", "upper"].compactMap { names.firstIndex(of: $0) }.map { mean[$0].finite }
    #expect(ends == [0.6, 0.8])
    #expect(figure.caption.text.contains("from the lowest seed to the highest"))
  }

  /// Wherever rates are shown, a cut of their distribution is said; nowhere else.
  @Test func aCutIsSaidWithTheRates() throws {
    let cut = try Self.report(SampleResults.cutAndGraded())
    let words = "cut to top-k 10, top-p 0.9"
    let captions =
      ["rate-vs-size", "rate-vs-u", "rate-vs-flops", "verdicts"].map { id in
        cut.figures.first { $0.id == id }?.caption.text
      }
      + ["runs", "rates"].map { id in cut.tables.first { $0.id == id }?.caption.text }
    for caption in captions { #expect(caption?.contains(words) == true, "\(caption ?? "-")") }
    #expect(cut.headlines.allSatisfy { $0.detail.text.contains(words) } && !cut.headlines.isEmpty)
    // Once before the rates, once before the detectors, whose axes are rates.
    let notes = cut.sections.filter { section in
      section.blocks.contains {
        if case .note(let prose) = $0 { return prose.text.contains("top-k 10, top-p 0.9 before") }
        return false
      }
    }
    #expect(notes.map(\.title) == ["Hallucination rate", "Detection"])
    #expect(!(try ReportPage.html(document).contains("cut to")))
  }

  @Test func candidatesHaveTheirTable() throws {
    #expect(!document.tables.contains { $0.id == "candidates" })
    let graded = try Self.report(SampleResults.cutAndGraded())
    let table = try #require(graded.tables.first { $0.id == "candidates" })
    let names = table.data.columns.map(\.name)
    let rows = table.data.rows.map { Dictionary(uniqueKeysWithValues: zip(names, $0)) }
    #expect(rows.map { $0["visibility"] } == ["fvs", "pvs", "ivs"])
    #expect(rows.map { $0["accuracy"] } == [.number(0.75), .number(0.5), .number(0.25)])
    #expect(rows[0]["run"] == "3k, 20 epochs" && rows[0]["chance"] == .number(0.25))
    #expect(rows[0]["accuracy_lower"] == .number(0.625))
    #expect(rows[0]["mean_reciprocal_rank"] == .number(0.8125))
    #expect(rows[0]["mean_reciprocal_rank_upper"] == .missing)
  }

  /// Variants of a model are groups of their own, with a line each.
  @Test func variantsAreKeptApart() throws {
    var results = SampleResults.results()
    let run = SampleResults.run(
      size: "3k", parameters: 3000, epochs: 20, seed: 0, variant: "no qk-norm")
    results.add(run, [0.6, 0.5, 0.5, 0.58])
    let document = try Self.report(results)
    #expect(!document.tables.contains { $0.id == "seeds" })
    let rows = try #require(document.figures.first).data.rows
    #expect(rows.contains { $0.contains("20 epochs, no qk-norm") })
  }

  /// Losses 1.5, 1.2 and, diverged, 5 at the start: excess 0.3, 0 and 3.8 over the best.
  @Test func aSweepOverLearningRatesHasItsSection() throws {
    var results = SampleResults.results()
    for (rate, loss, fvs) in [(0.03, 1.2, 0.3), (1.0, nil as Double?, 0.9)] {
      var run = SampleResults.run(
        size: "3k", parameters: 3000, epochs: 20, seed: 0, learningRate: rate)
      run["cross_entropy"] = loss
      if loss == nil {
        run["status"] = "diverged"
        run["diverged_step"] = 4
        results["run"].append(run)
      } else {
        results.add(run, [fvs, 0.5, 0.5, 0.5])
      }
    }
    let document = try Self.report(results)
    #expect(
      document.figures.map(\.id).filter { $0.contains("learning-rate") } == [
        "loss-vs-learning-rate", "rate-vs-learning-rate",
      ])
    let table = try #require(document.tables.first { $0.id == "learning-rate-sensitivity" })
    let row = try #require(table.data.rows.first)
    #expect(table.data.rows.count == 1)
    #expect(abs((row[2].finite ?? 0) - (0.3 + 0 + 3.8) / 3) < 1e-12)
    #expect(row[3] == .number(0.03) && row[7] == .integer(3) && row[8] == .integer(1))
    // No rate within a tenth of the default was tried.
    #expect(row[9] == .missing && row[12] == .number(0.3))
    let loss = try #require(document.figures.first { $0.id == "loss-vs-learning-rate" })
    #expect(loss.data.rows.map { $0[3] } == [.number(1.5), .number(1.2), .number(5)])
    #expect(loss.data.rows.map { $0[6] } == ["complete", "complete", "diverged"])
    // Other figures show the best rate alone.
    let bySize = try #require(document.figures.first)
    let place = try #require(bySize.data.columns.firstIndex { $0.name == "rate" })
    let shown = bySize.data.rows.filter {
      $0.contains("3k") && $0.contains("20 epochs") && $0.contains("FVS: every answer trained on")
    }
    #expect(shown.map { $0[place] } == [.number(0.3)])
    #expect(bySize.caption.text.contains("lowest final loss"))
  }

  /// The rates of 3k tried: its default of 0.05 for 240 steps with loss 1.6, a quarter above the
  /// best, and two others.
  @Test func theDefaultRateStandsBesideTheBest() throws {
    var results = SampleResults.results()
    for (rate, loss, fvs) in [(0.05, 1.6, 0.4), (0.025, 1.28, 0.3), (0.0125, 1.3, 0.35)] {
      var run = SampleResults.run(
        size: "3k", parameters: 3000, epochs: 40, seed: 0, learningRate: rate)
      run["cross_entropy"] = loss
      results.add(run, [fvs, 0.5, 0.5, 0.5])
    }
    let document = try Self.report(results)
    let table = try #require(document.tables.first { $0.id == "learning-rate-sensitivity" })
    let row = try #require(table.data.rows.first)
    #expect(row[9] == .number(0.05) && row[11] == .number(0.4) && row[12] == .number(0.3))
    #expect(abs((row[10].finite ?? 0) - 0.25) < 1e-12)
  }

  /// Losses that are parabolas in log size about the square root of each budget.
  @Test func budgetsHaveTheirBestSizes() throws {
    var results = SampleResults.results()
    for budget in [1e8, 4e8, 1.6e9] {
      for size in [1_000, 3_000, 10_000, 30_000, 100_000] {
        let distance = log(Double(size)) - 0.5 * log(budget)
        var run = SampleResults.run(size: "\(size)", parameters: size, epochs: 1, seed: 0)
        run["id"] = "\(budget)-\(size)"
        run["horizon"] = "\(budget) FLOPs"
        run["budget_flops"] = budget
        run["training_flops"] = budget
        run["epochs"] = budget / Double(size) / 360
        run["cross_entropy"] = 2 + 0.1 * distance * distance
        results.add(run, [0.5, 0.5, 0.5, 0.5])
      }
    }
    let document = try Self.report(results)
    let table = try #require(document.tables.first { $0.id == "best-sizes" })
    for (row, best) in zip(table.data.rows, [1e4, 2e4, 4e4]) {
      #expect(abs((row[2].finite ?? 0) / best - 1) < 1e-9)
      #expect(abs((row[4].finite ?? 0) - 1) < 1e-9, "tokens a parameter: budget / size / size")
      #expect(abs((row[5].finite ?? 0) - 2) < 1e-9)
    }
    #expect(table.data.rows.count == 3)
    let section = try #require(document.sections.first { $0.title == "Compute" })
    guard case .paragraph(let words) = section.blocks[0] else {
      Issue.record("no sentence")
      return
    }
    #expect(words.text.contains("to the power 0.50 (95 % interval 0.50 to 0.50 over budgets)"))
    let lines = try #require(document.figures.first { $0.id == "loss-by-budget" })
    #expect(lines.data.rows.count == 15)
    // Budgets on other shares of the graph lie on no one line.
    for index in results["run"].indices
    where results["run"][index]["budget_flops"] as? Double == 4e8 {
      results["run"][index]["fraction"] = 0.5
    }
    let mixed = try #require(
      Self.report(results).sections.first { $0.title == "Compute" }?.blocks.first)
    guard case .figure = mixed else {
      Issue.record("a sentence over different data")
      return
    }
  }

  /// Colours go from light to dark with them, however their names are sorted.
  @Test func presentationsAscend() throws {
    var results = SampleResults.results()
    for run in results["run"] {
      for (kind, value) in [("all", ""), ("exposure", "16-31"), ("exposure", "2-3")] {
        results["choice_result"].append([
          "run_id": run["id"] ?? "", "task": "neqa", "variant": "trap", "group_kind": kind,
          "group_value": value, "question_count": 9, "subject_count": 9, "accuracy": 0.5,
          "loss": 0.7, "mass": 0.5, "brier": 0.5, "calibration_error": 0.1, "chance": 0.5,
        ])
      }
    }
    let document = try Self.report(results)
    let figure = try #require(document.figures.first { $0.id == "traps-by-exposure" })
    #expect(figure.data.rows.map { $0[1].plain }.distinct == ["2-3", "16-31"])
  }

  @Test func thePageIsWrittenAndEscaped() throws {
    let html = try ReportPage.html(document)
    #expect(html.contains("Does *size* matter &amp; how &lt;much&gt;?"))
    #expect(html.contains("the loss is not a number at step 3"))
  }

  @Test func aStudyWithoutResultsStillHasAReport() throws {
    let document = try Self.report(SampleResults.empty())
    #expect(document.figures.isEmpty && document.headlines.isEmpty)
    #expect(try ReportPage.html(document).contains("No run is finished yet"))
  }
}
