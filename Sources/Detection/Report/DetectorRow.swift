import Evaluation
import GRDB

/// One metric of one detector on one run's answers, with what a report says of the run.
struct DetectorRow: Decodable, FetchableRecord {
  var run: String
  /// The run's name.
  var model: String
  var size: String
  var modelParameters: Int
  var training: String
  /// Index of the run's group among those of the figures.
  var group: Int
  /// The run's rate on what it was trained on; nil where it was not evaluated.
  var rate: Double?
  /// "sentence" or "token".
  var task: String
  /// The title of its family; nil where a report shows none.
  var family: String?
  /// The kind of detector as `kglab detect --kind` calls it: "head", "full", "score", "baseline",
  /// ...
  var kind: String
  /// "linear", "mlp-64", "sequence-log-probability".
  var name: String
  /// The size of the model whose log-probability it is; nil for the judged model's own and for
  /// other detectors.
  var judge: String?
  /// Trained parameters; 0 for what is not trained.
  var parameters: Int
  var metric: String
  var value: Double
  var lower: Double?
  var upper: Double?
  /// Share of hallucinations among the examples judged.
  var prevalence: Double
  var examples: Int

  /// Of the infinitely wide head that ReLU heads with one hidden layer go to: its landmarks, or
  /// more for the whole one; nil for other detectors.
  private var limitRank: Int? {
    guard kind == "kernel", let head = try? KernelHead(named: name),
      head.kernel == KernelHead.limit.kernel, head.distilled == nil, head.sketch == nil
    else { return nil }
    return head.landmarks ?? Int.max
  }

  /// The whole one among some, or the one with most landmarks, whatever their order; nil without
  /// any.
  static func limit(_ rows: [DetectorRow]) -> DetectorRow? {
    rows.compactMap { row in row.limitRank.map { (row: row, rank: $0) } }
      .max { $0.rank < $1.rank }?.row
  }

  /// Whether it is a finite ReLU head with one hidden layer.
  var hasOneHiddenLayer: Bool {
    kind == "head" && (try? HeadArchitecture(named: name))?.hiddenSizes.count == 1
  }

  var measured: Measured { Measured(value: value, lower: lower, upper: upper) }

  /// Families in the order of a report: detectors that are one idea in several sizes, places or
  /// tasks.
  private static let families = """
    (SELECT column1 AS place, column2 AS family, column3 AS pretrained, column4 AS title FROM (VALUES
      (0, 'head', NULL, 'heads'), (1, 'saplma', NULL, 'SAPLMA'),
      (2, 'attention-probe', NULL, 'attention-head probe'), (3, 'lookback', NULL, 'lookback'),
      (4, 'entropy-probe', NULL, 'entropy probe'), (5, 'full', 1, 'full, pre-trained'),
      (6, 'full', 0, 'full, fresh'), (7, 'log-probability', NULL, 'log-probability'),
      (8, 'entropy', NULL, 'semantic or token entropy'),
      (9, 'prior', NULL, 'object prior or token position'),
      (10, 'kernel', NULL, 'infinitely wide heads'), (11, 'bayes', NULL, 'Bayesian heads')))
    """

  /// The rows of `table`, which is `detector` or `best_detector`, called `d` in `rest`, that judge
  /// each token.
  ///
  /// `shown` is the run's row of `ResultSeries.rows`, `run` that of study.sqlite, `f` the family.
  static func all(
    _ series: ResultSeries, from table: String, _ rest: String, _ values: String...
  ) throws -> [DetectorRow] {
    try series.rows(
      """
      SELECT d.run_id AS run, run.name AS model, run.size, run.non_embedding_parameters AS modelParameters,
        shown.training, shown.group_place AS "group", r.rate, d.task, f.title AS family, d.kind,
        d.name,
        iif(d.family = 'cross-log-probability', coalesce((SELECT size FROM run j
          WHERE j.non_embedding_parameters = d.parameters LIMIT 1), d.name), NULL) AS judge,
        d.parameters, d.metric, d.value, d.lower, d.upper, d.prevalence,
        d.example_count AS examples
      FROM \(table) d JOIN shown ON shown.run_id = d.run_id JOIN run ON run.id = d.run_id
      LEFT JOIN \(families) f ON f.family = d.family AND f.pretrained IS d.pretrained
      LEFT JOIN run_rate r ON r.run_id = d.run_id AND r.method = 'exact' AND r.temperature = 1
        AND r.visibility = 'seen'
      WHERE d.position = 'each' AND \(rest)
      """, values
    ).map { try DetectorRow(row: $0) }
  }

  /// Trainings of which language models of at least three sizes have detectors.
  static func ladders(_ series: ResultSeries) throws -> [String] {
    try series.rows(
      """
      SELECT training FROM shown JOIN run ON run.id = shown.run_id
      WHERE run_id IN (SELECT run_id FROM best_detector) GROUP BY training
      HAVING count(DISTINCT non_embedding_parameters) >= 3 ORDER BY min(place)
      """
    ).map { $0[0] }
  }
}

extension Sequence {
  /// Runs of neighbours with equal keys.
  func chunks<Key: Equatable>(by key: (Element) -> Key) -> [[Element]] {
    reduce(into: []) { chunks, element in
      if let last = chunks.last?.last, key(last) == key(element) {
        chunks[chunks.count - 1].append(element)
      } else {
        chunks.append([element])
      }
    }
  }
}
