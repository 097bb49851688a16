import Evaluation
import Foundation
import GRDB
import Study
import TestSupport

/// Results of a study that was never run, with numbers that are easy to follow.
struct SampleResults {
  typealias Row = [String: any DatabaseValueConvertible]

  /// The rows of each table of study.sqlite by their columns.
  var tables: [String: [Row]] = [:]

  /// Sizes with their (fvs, pvs, ivs, seen) rates at 20 and at 100 epochs.
  private static let rates: [(size: String, parameters: Int, at20: [Double], at100: [Double])] = [
    ("3k", 3000, [0.8, 0.7, 0.6, 0.78], [0.5, 0.45, 0.61, 0.49]),
    ("10k", 10_000, [0.6, 0.55, 0.58, 0.59], [0.2, 0.25, 0.59, 0.21]),
    ("30k", 30_000, [0.4, 0.45, 0.57, 0.41], [0.02, 0.05, 0.58, 0.025]),
  ]

  static func results() -> SampleResults {
    var results = empty()
    for (size, parameters, at20, at100) in rates {
      for (epochs, values) in [(20, at20), (100, at100)] {
        let id = results.add(
          run(size: size, parameters: parameters, epochs: epochs, seed: 0), values)
        results.addVerdicts(id, values)
        if epochs == 100 { results.addDetectors(id, values[3]) }
      }
    }
    results["failure"] = [
      [
        "task_id": "100k-e100", "kind": "train", "name": "train 100k, 100 epochs",
        "status": "failed", "error": "the loss is not a number at step 3",
      ]
    ]
    return results
  }

  /// A study without a run.
  static func empty() -> SampleResults {
    var results = SampleResults()
    results["metadata"] = [
      ["key": "name", "value": "sample"],
      ["key": "question", "value": "Does *size* matter & how <much>?"],
    ]
    results["graph"] = [
      [
        "id": "town-1", "name": "town", "source": "generated from the schema town with seed 7",
        "content_hash": "0123456789abcdef0123", "entity_count": 30, "predicate_count": 2,
        "triple_count": 72, "trained_triple_count": 60, "fvs_count": 30, "pvs_count": 6,
        "ivs_count": 12, "guess_rate": 0.4, "bits": 200.0,
      ]
    ]
    return results
  }

  /// The same, of a distribution cut to top-k 10 and top-p 0.9, with true answers ranked among
  /// candidates by one run.
  static func cutAndGraded() -> SampleResults {
    var results = results()
    results["metadata"] += [["key": "top_k", "value": "10"], ["key": "top_p", "value": "0.9"]]
    let run = results["run"][0]["id"] ?? ""
    results["candidate_grade"] = [("fvs", 0.75), ("pvs", 0.5), ("ivs", 0.25)].map { set, accuracy in
      [
        "run_id": run, "visibility": set, "group_kind": "all", "group_value": "",
        "query_count": 30, "subject_count": 10, "answer_count": 40, "accuracy": accuracy,
        "accuracy_lower": accuracy - 0.125, "accuracy_upper": accuracy + 0.125, "chance": 0.25,
        "mean_reciprocal_rank": accuracy + 0.0625, "mean_reciprocal_rank_lower": accuracy,
      ]
    }
    return results
  }

  subscript(table: String) -> [Row] {
    get { tables[table] ?? [] }
    set { tables[table] = newValue }
  }

  /// Writes study.sqlite.
  func write(to file: URL) throws {
    try StudyDatabase.make(file) { database in
      let first = ["metadata", "graph", "run"]
      for table in first + tables.keys.filter({ !first.contains($0) }).sorted() {
        for row in self[table] {
          let columns = row.keys.sorted()
          try database.execute(
            sql: """
              INSERT INTO \(table) (\(columns.joined(separator: ", ")))
              VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
              """, arguments: StatementArguments(columns.map { row[$0] }))
        }
      }
    }
  }

  /// The results as a report reads them.
  func study() throws -> StudyResults {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("study.sqlite")
    try write(to: file)
    return try StudyResults(file)
  }

  static func run(
    size: String, parameters: Int, epochs: Int, seed: Int, variant: String = "",
    learningRate: Double = 0.01
  ) -> Row {
    [
      "id": "\(size)-e\(epochs)-s\(seed)\(variant)-\(learningRate)", "graph_id": "town-1",
      "name": "\(size), \(epochs) epochs", "size": size, "parameters": parameters + 1000,
      "horizon": "\(epochs) epochs", "variant": variant, "precision": "fp32", "status": "complete",
      "initial_cross_entropy": 5.0,
      "non_embedding_parameters": parameters, "epochs": Double(epochs), "fraction": 1.0,
      "seed": seed,
      "learning_rate": learningRate, "trained_triples": 60, "tokens_per_epoch": 360,
      "tokens_per_parameter": 360 / Double(parameters), "steps": epochs * 6,
      "training_flops": Double(parameters * 6 * 360 * epochs), "cross_entropy": 1.5, "seconds": 2.0,
      "tokens_per_second": 1000.0, "peak_memory_mib": 30.0,
    ]
  }

  /// Adds a run with its rates on fvs, pvs, ivs and seen; returns its id.
  @discardableResult
  mutating func add(_ run: Row, _ values: [Double]) -> String {
    let id = run["id"] as? String ?? ""
    self["run"].append(run)
    self["rate"] += zip(["fvs", "pvs", "ivs", "seen"], values).map { set, value in
      [
        "run_id": id, "method": "exact", "temperature": 1.0, "visibility": set,
        "group_kind": "all", "group_value": "", "query_count": 30, "subject_count": 10,
        "sample_count": 0, "rate": value, "lower": max(0, value - 0.015),
        "upper": min(1, value + 0.015), "interval": "bootstrap_over_subjects",
        "correct": 1 - value, "correct_held_out": 0.0,
      ]
    }
    return id
  }

  private mutating func addVerdicts(_ run: String, _ values: [Double]) {
    for (set, value) in zip(["fvs", "pvs", "ivs"], values) {
      let wrong = Int((value * 100).rounded())
      for (verdict, count) in [
        ("correct", 100 - wrong), ("wrong_object", wrong - 1), ("invented", 1),
      ] {
        self["verdict"].append([
          "run_id": run, "method": "sampled", "temperature": 1.0, "visibility": set,
          "verdict": verdict, "count": count, "sample_count": 100,
        ])
      }
    }
  }

  private mutating func addDetectors(_ run: String, _ rate: Double) {
    let detectors = [
      ("linear", "head", 17, 0.8), ("mlp-64", "head", 1153, 0.9),
      ("sequence-log-probability", "score", 0, 0.75),
    ]
    for (task, shift) in [("sentence", 0.0), ("token", -0.05)] {
      for (name, kind, parameters, base) in detectors {
        let auroc = base + shift
        for (metric, value) in [
          ("auroc", auroc), ("auprc", auroc * rate), ("auprc_matched", auroc - 0.02),
        ] {
          self["detector"].append([
            "run_id": run, "task": task, "position": "each", "kind": kind, "name": name,
            "family": kind == "head" ? kind : "log-probability",
            "parameters": parameters, "validation_auroc": base, "metric": metric, "value": value,
            "lower": value - 0.01, "upper": value + 0.01, "prevalence": rate,
            "example_count": 288,
          ])
        }
      }
    }
  }
}
