package import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Report
package import Training

/// How well detectors that learned from other models' answers judge a model: `transfer` in a study.
///
/// It is `kglab detect transfer` of a study's runs, one tested run a task.
package struct TransferMeasure: Measure {
  package static let name = "transfer"
  package static let key = "transfer"
  package static let version = 1
  package static let tables = [ResultTable.transfer]
  package static let settingNames =
    ModelSelection.settingNames + [
      "from", "tasks", "kinds", "heads", "kernels", "full", "full_epochs", "samples", "seed",
      "resamples",
    ]

  package let selection: ModelSelection
  /// Sizes whose models, trained as the tested one was, give answers to learn from.
  private let from: [String]
  package let settings: DetectionOptions

  package var siblings: [String] { from }

  package init(study node: SchemaNode) throws {
    selection = try ModelSelection(study: node)
    from = try node.required("from", example: "[10k]").distinct {
      try $0.text() == ModelSelection.origin ? ModelSelection.origin : try $0.modelSize()
    }
    let trained = DetectorKind.allCases.filter(\.isTrained).map(\.rawValue)
    _ = try node.optional("kinds")?.distinct { try $0.choice(trained) }
    settings = try DetectionOptions.transfer.reading(node)
  }

  package func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost {
    var detection = DetectionMeasure()
    detection.options = settings
    var cost = try detection.cost(of: run, on: graph)
    let model = run.configuration.model
    let places = try from.reduce(1) { sum, size in
      guard size != ModelSelection.origin else { return sum + 1 }
      let other = try ModelSize(named: size).configuration(
        vocabularySize: model.vocabularySize, contextLength: model.contextLength)
      cost.memoryMiB += Double(other.parameterCount) * 4 / 1_048_576
      return sum
        + Double(other.nonEmbeddingParameterCount) / Double(run.nonEmbeddingParameterCount)
    }
    cost.flops *= places
    cost.seconds *= places
    cost.passingDiskBytes = cost.diskBytes * places
    cost.diskBytes = 50_000
    return cost
  }

  /// The runs whose detectors are tested, its own first.
  private func sources(_ subject: MeasuredRun) -> [MeasuredRun] {
    [subject] + subject.siblings.filter { $0.folder != subject.folder }
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    func key(_ run: MeasuredRun) throws -> String {
      try DetectionIdentity(of: run.record, options: settings).key
    }
    let keys = TransferKeys(
      tested: try key(subject),
      trained: Dictionary(
        uniqueKeysWithValues: try sources(subject).map {
          ($0.folder.lastPathComponent, try key($0))
        }))
    guard let database = try RunDatabase.read(in: subject.folder), try database.holds(keys) else {
      return nil
    }
    return try keys.json
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let graph = try subject.graph()
    let conditions = try sources(subject).map {
      TransferCondition(
        name: $0.folder.lastPathComponent, run: try $0.open(), graph: graph,
        visibilities: settings.visibilities)
    }
    let cells = try TransferExperiment(conditions, options: settings, testsFirstOnly: true)
      .run(work)
    let best = conditions.compactMap { place in
      cells.filter { $0.trainedOn == place.name }.compactMap { $0[.auroc]?.value }.max()
        .map { String(format: "%.3f by %@", $0, place.run.record.sizeName) }
    }
    return best.isEmpty ? "" : "AUROC " + best.joined(separator: ", ")
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let number = ColumnFormat.number(digits: 3)
    let data = try results.records(
      [
        Column("tested", "Tested on"), Column("trained", "Trained on"), Column("task", "Task"),
        Column("detector", "Detector"), Column("value", "AUROC", number),
        Column("lower", "Lower", number), Column("upper", "Upper", number),
        Column("refused", "Not measured"),
      ],
      """
      SELECT tested.name AS tested, coalesce(trained.name, t.trained_on) AS trained, t.*
      FROM detector_transfer t JOIN run tested ON tested.id = t.run_id
      LEFT JOIN run trained ON trained.id = t.trained_on
      WHERE t.metric = 'auroc' ORDER BY tested.rowid, trained.rowid, t.rowid
      """)
    guard !data.rows.isEmpty else { return [] }
    let table = Table(
      id: "transfer", title: "AUROC on one model of detectors trained on another",
      caption: """
        Detectors learn from the answers of the model *trained on* and judge those of the model *tested on*, on \
        subjects that they did not learn from. Intervals are 95 % over subjects.
        """,
      command: command, data: data)
    return [ReportSection("Transfer of detectors", [.table(table)])]
  }
}

extension DetectionOptions {
  /// What `kglab detect transfer` compares where nothing else is said.
  fileprivate static let transfer = {
    var options = DetectionOptions()
    options.tasks = [.sentence]
    options.kinds = [.head, .lookback]
    options.heads = [.linear]
    return options
  }()

  /// These options with what a study says; further completions are drawn only for what learns from
  /// them.
  fileprivate func reading(_ node: SchemaNode) throws -> DetectionOptions {
    var options = self
    try options.read(node)
    for case .pretrained(let name, _) in options.full {
      throw (node.optional("full") ?? node).failure(
        "has \(name)-pretrained; in transfer a detector begins fresh (\(name)) or with the model whose answers it "
          + "learns from (own)")
    }
    if !options.kinds.contains(.entropyProbe) { options.evidence = 0 }
    return options
  }
}

extension ResultTable {
  /// Each metric of each detector trained on a run, tested on the run that a row belongs to.
  ///
  /// A measurement's key is `TransferKeys.json`.
  fileprivate static let transfer = ResultTable(
    "detector_transfer", key: "trained_on, task, detector, metric",
    columns: """
        trained_on TEXT NOT NULL, task TEXT NOT NULL CHECK (task IN ('sentence', 'token')),
        detector TEXT NOT NULL, metric TEXT NOT NULL, value REAL, lower REAL, upper REAL,
        refused TEXT
      """,
    rows: """
      WITH keys AS (SELECT ? AS json)
      SELECT source.key, t.task, t.detector, t.metric, t.value, t.lower, t.upper, t.refused
      FROM keys JOIN json_each(keys.json, '$.trained') source
      JOIN detector_transfer t ON t.detector_key = source.value
        AND t.test_key = json_extract(keys.json, '$.tested')
      ORDER BY source.key, t.task, t.detector, t.metric
      """)
}
