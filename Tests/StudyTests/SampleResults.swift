import Foundation
import Study

/// Results of a study that was never run, with numbers that are easy to follow.
enum SampleResults {
  /// Sizes with their (fvs, pvs, ivs, seen) rates at 20 and at 100 epochs.
  private static let rates: [(size: String, parameters: Int, at20: [Double], at100: [Double])] = [
    ("3k", 3000, [0.8, 0.7, 0.6, 0.78], [0.5, 0.45, 0.61, 0.49]),
    ("10k", 10_000, [0.6, 0.55, 0.58, 0.59], [0.2, 0.25, 0.59, 0.21]),
    ("30k", 30_000, [0.4, 0.45, 0.57, 0.41], [0.02, 0.05, 0.58, 0.025]),
  ]

  static func results() throws -> StudyResults {
    var results = StudyResults()
    results.name = "sample"
    results.question = "Does *size* matter & how <much>?"
    results.graphs = [try graph()]
    for (size, parameters, at20, at100) in rates {
      for (epochs, values) in [(20, at20), (100, at100)] {
        let run = try run(size: size, parameters: parameters, epochs: epochs, seed: 0)
        results.runs.append(run)
        results.rates += try rateRows(run.id, values)
        results.verdicts += try verdictRows(run.id, values)
        if epochs == 100 { results.detectors += try detectorRows(run.id, values[3]) }
      }
    }
    results.failures = [
      try row([
        "task_id": "100k-e100", "kind": "train", "name": "train 100k, 100 epochs",
        "status": "failed", "error": "the loss is not a number at step 3",
      ])
    ]
    return results
  }

  /// The same, of a distribution cut to top-k 10 and top-p 0.9, with true answers ranked among candidates by one run.
  static func cutAndGraded() throws -> StudyResults {
    var results = try results()
    (results.topK, results.topP) = (10, 0.9)
    let run = results.runs[0].id
    results.grades = try [("fvs", 0.75), ("pvs", 0.5), ("ivs", 0.25)].map { set, accuracy in
      try row([
        "run_id": run, "visibility": set, "group_kind": "all", "group_value": "",
        "query_count": 30, "answer_count": 40, "accuracy": accuracy,
        "accuracy_lower": accuracy - 0.125, "accuracy_upper": accuracy + 0.125, "chance": 0.25,
        "mean_reciprocal_rank": accuracy + 0.0625, "mean_reciprocal_rank_lower": accuracy,
      ])
    }
    return results
  }

  /// A row of study.sqlite from its columns.
  private static func row<Row: Decodable>(_ columns: [String: Any]) throws -> Row {
    try JSONDecoder().decode(Row.self, from: JSONSerialization.data(withJSONObject: columns))
  }

  static func graph() throws -> GraphSummary {
    try row([
      "id": "town-1", "name": "town", "source": "generated from the schema town with seed 7",
      "content_hash": "0123456789abcdef0123", "entity_count": 30, "predicate_count": 2,
      "triple_count": 72, "trained_triple_count": 60, "fvs_count": 30, "pvs_count": 6,
      "ivs_count": 12, "guess_rate": 0.4, "bits": 200,
    ])
  }

  static func run(
    size: String, parameters: Int, epochs: Int, seed: Int, variant: String = "",
    learningRate: Double = 0.01
  ) throws -> RunRow {
    try row([
      "id": "\(size)-e\(epochs)-s\(seed)\(variant)-\(learningRate)", "graph_id": "town-1",
      "name": "\(size), \(epochs) epochs", "size": size, "parameters": parameters + 1000,
      "horizon": "\(epochs) epochs", "variant": variant, "precision": "fp32", "status": "complete",
      "initial_cross_entropy": 5,
      "non_embedding_parameters": parameters, "epochs": epochs, "fraction": 1, "seed": seed,
      "learning_rate": learningRate, "trained_triples": 60, "tokens_per_epoch": 360,
      "tokens_per_parameter": 360 / Double(parameters), "steps": epochs * 6,
      "training_flops": Double(parameters * 6 * 360 * epochs), "cross_entropy": 1.5, "seconds": 2,
      "tokens_per_second": 1000, "peak_memory_mib": 30,
    ])
  }

  static func rateRows(_ run: String, _ values: [Double]) throws -> [RateRow] {
    try zip(["fvs", "pvs", "ivs", "seen"], values).map { set, value in
      try row([
        "run_id": run, "method": "exact", "temperature": 1, "visibility": set,
        "group_kind": "all", "group_value": "", "query_count": 30, "sample_count": 0,
        "rate": value, "lower": max(0, value - 0.015), "upper": min(1, value + 0.015),
        "correct": 1 - value, "correct_held_out": 0,
      ])
    }
  }

  private static func verdictRows(_ run: String, _ values: [Double]) throws -> [VerdictRow] {
    try zip(["fvs", "pvs", "ivs"], values).flatMap { set, value -> [VerdictRow] in
      let wrong = Int((value * 100).rounded())
      return try [("correct", 100 - wrong), ("wrong_object", wrong - 1), ("invented", 1)].map {
        verdict, count -> VerdictRow in
        try row([
          "run_id": run, "method": "sampled", "temperature": 1, "visibility": set,
          "verdict": verdict,
          "count": count, "sample_count": 100,
        ])
      }
    }
  }

  private static func detectorRows(_ run: String, _ rate: Double) throws -> [DetectorRow] {
    let detectors = [
      ("linear", "head", 17, 0.8), ("mlp-64", "head", 1153, 0.9),
      ("sequence-log-probability", "score", 0, 0.75),
    ]
    var rows: [DetectorRow] = []
    for (task, shift) in [("sentence", 0.0), ("token", -0.05)] {
      for (name, kind, parameters, base) in detectors {
        let auroc = base + shift
        for (metric, value) in [
          ("auroc", auroc), ("auprc", auroc * rate), ("auprc_matched", auroc - 0.02),
        ] {
          rows.append(
            try row([
              "run_id": run, "task": task, "position": "each", "kind": kind, "name": name,
              "parameters": parameters,
              "validation_auroc": base, "metric": metric, "value": value, "lower": value - 0.01,
              "upper": value + 0.01, "prevalence": rate, "example_count": 288,
            ]))
        }
      }
    }
    return rows
  }
}
