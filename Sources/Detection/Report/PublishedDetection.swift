import Analysis
import Evaluation
import Report

/// AUC-PR of arXiv 2408.07852 against the LM's hallucination rate, read from its figure to about
/// ±0.005.
///
/// Language models of 3.15M to 1.61B parameters, trained for 100 epochs on 1 % of the data and 20
/// on 10 %; asked what they were trained on, at temperature 1.
struct PublishedDetection {
  struct Point {
    let size: String
    let data: String
    let rate: Double
    let sentence: Double
    let token: Double

    func value(_ task: String) -> Double { task == "token" ? token : sentence }
  }

  static let points = [
    Point(size: "3.15M", data: "1 % of the data", rate: 0.514, sentence: 0.978, token: 0.944),
    Point(size: "25.2M", data: "1 % of the data", rate: 0.313, sentence: 0.931, token: 0.768),
    Point(size: "113M", data: "1 % of the data", rate: 0.135, sentence: 0.767, token: 0.699),
    Point(size: "403M", data: "1 % of the data", rate: 0.096, sentence: 0.762, token: 0.701),
    Point(size: "1.61B", data: "1 % of the data", rate: 0.059, sentence: 0.688, token: 0.640),
    Point(size: "3.15M", data: "10 % of the data", rate: 0.578, sentence: 0.990, token: 0.964),
    Point(size: "25.2M", data: "10 % of the data", rate: 0.537, sentence: 0.987, token: 0.962),
    Point(size: "113M", data: "10 % of the data", rate: 0.474, sentence: 0.986, token: 0.956),
    Point(size: "403M", data: "10 % of the data", rate: 0.357, sentence: 0.958, token: 0.877),
    Point(size: "1.61B", data: "10 % of the data", rate: 0.162, sentence: 0.875, token: 0.763),
  ]

  /// The published AUC-PR at a rate, linear between the points of both data sizes; nil outside
  /// them.
  static func value(_ task: String, at rate: Double) -> Double? {
    let sorted = points.sorted { $0.rate < $1.rate }
    guard let upper = sorted.firstIndex(where: { $0.rate >= rate }),
      upper > 0 || sorted[0].rate == rate
    else { return nil }
    let high = sorted[upper]
    guard upper > 0 else { return high.value(task) }
    let low = sorted[upper - 1]
    let share = (rate - low.rate) / (high.rate - low.rate)
    return low.value(task) + share * (high.value(task) - low.value(task))
  }

  let series: ResultSeries
  let command: String

  /// AUC-PR of each family, and of each `full` detector and each judge, beside the published one at
  /// the same rate; nil where no model is in its range.
  func table() throws -> Table? {
    var data = Records([
      Column("training", "Training"), Column("size", "Size of the LM"), Column("task", "Task"),
      Column("detectors", "Detectors"), Column("rate", "LM's rate", .percent(digits: 1)),
      Column("auprc", "AUC-PR", .number(digits: 3)),
      Column("published", "Published at that rate", .number(digits: 3)),
      Column("difference", "Difference", .number(digits: 3)), Column("runs", "LMs", .integer),
    ])
    let rows = try DetectorRow.all(
      series, from: "detector",
      """
      d.metric = 'auprc' AND r.rate IS NOT NULL AND (d.kind = 'full' OR judge IS NOT NULL
        OR d.kind <> 'baseline' AND f.place IS NOT NULL AND (d.run_id, d.task, d.name) IN
          (SELECT run_id, task, name FROM best_detector))
      ORDER BY shown.group_place, d.task, coalesce(f.place, 99),
        iif(d.kind = 'full' OR judge IS NOT NULL, d.parameters, 0), iif(d.kind = 'full' OR judge IS NOT NULL, d.name, ''),
        shown.place
      """)
    // What a text model knows is a matter of which it is.
    func title(_ row: DetectorRow) -> String {
      row.kind == "full" ? row.name : row.family ?? row.name
    }
    for seeds in rows.chunks(by: { ["\($0.group)", $0.task, title($0)] }) {
      let first = seeds[0]
      guard let rate = Mean.of(seeds.compactMap(\.rate)), let auprc = Mean.of(seeds.map(\.value)),
        let published = Self.value(first.task, at: rate)
      else { continue }
      data.append([
        .text(first.training), .text(first.size), .text(first.task), .text(title(first)),
        .number(rate), .number(auprc), .number(published), .number(auprc - published),
        .integer(seeds.count),
      ])
    }
    guard !data.rows.isEmpty else { return nil }
    return Table(
      id: "published", title: "Beside the published AUC-PR",
      caption: """
        Published values of arXiv 2408.07852 are read from its figure and linear between its models, at the rate of ours; \
        means over seeds. Its models are a thousand times as large and its graph another, so that equal rates are the \
        only thing both have in common.
        """,
      command: command, data: data)
  }
}
