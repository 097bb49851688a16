import Corpus
package import Evaluation
import Foundation
package import LabCore
package import LanguageModel
package import Report
import Training

/// How well detectors spot a model's hallucinations: `kglab detect`, `detection` in a study.
package struct DetectionMeasure: Measure {
  package static let name = "detect"
  package static let key = "detection"
  package static let version = 3
  package static let tables = [
    ResultTable.detectors, .calibratedMetrics, .posteriors, .distilledPoints,
  ]

  package var epochs: [Int] = []
  package var sizes: [String] = []
  package var options = DetectionOptions()
  /// Whether all models of the study that are trained as the judged one was are judges, itself
  /// included.
  var isJudgedByAll = false

  package init() {}

  package var selection: ModelSelection {
    var selection = ModelSelection()
    (selection.epochs, selection.sizes) = (epochs, sizes)
    return selection
  }

  package var settings: DetectionOptions { options }

  /// Sizes whose models, trained as the judged one was, become `full` detectors or judges.
  package var siblings: [String] {
    let full: [String] = options.full.compactMap { choice in
      if case .pretrained(let name, _) = choice { name } else { nil }
    }
    return full + options.judges.map(\.name).filter { !full.contains($0) }
  }

  package func check(_ model: ModelConfiguration) throws { try options.checkLayers(of: model) }

  /// With all sizes as judges, in the order of the dial, where all are asked for.
  package func among(_ sizes: [String]) -> DetectionMeasure {
    guard isJudgedByAll else { return self }
    var measure = self
    measure.isJudgedByAll = false
    measure.options.judges = ModelSize.all.map(\.name).filter(sizes.contains)
      .map { JudgeChoice(name: $0, weightsHash: "") }
    return measure
  }

  /// The options once the weights of the siblings are known.
  private func options(of subject: MeasuredRun) -> DetectionOptions {
    let hashes = Dictionary(
      subject.siblings.map { ($0.record.sizeName, $0.record.weightsHash ?? "") },
      uniquingKeysWith: { first, _ in first })
    var options = among(Array(hashes.keys)).options
    options.full = options.full.map { choice in
      guard case .pretrained(let name, _) = choice else { return choice }
      return .pretrained(name: name, weightsHash: hashes[name] ?? "")
    }
    options.judges = options.judges.map {
      JudgeChoice(name: $0.name, weightsHash: hashes[$0.name] ?? "")
    }
    return options
  }

  package func storedKey(of subject: MeasuredRun) throws -> String? {
    try RunDatabase.read(in: subject.folder)?.detectionSummary(
      of: DetectionIdentity(of: subject.record, options: options(of: subject)))?.key
  }

  package func run(_ subject: MeasuredRun, _ work: Work) throws -> String {
    let runner = try DetectionRunner(
      run: subject.open(), graph: subject.graph(), options: options(of: subject),
      sources: subject.siblings.map { try $0.open() }, keepsFeatures: false)
    let summary = try runner.run(work)
    return options.tasks.compactMap { task in
      let heads = summary.detectors.filter {
        $0.task == task && $0.position == .each && $0.kind == .head
      }
      let best = heads.compactMap { $0[.auroc]?.value }.max()
      return best.map { String(format: "%@ AUROC %.3f", task.rawValue, $0) }
    }.joined(separator: ", ")
  }

  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] {
    let series = try ResultSeries(results)
    guard try !series.rows("SELECT 1 FROM detector WHERE position = 'each' LIMIT 1").isEmpty else {
      return []
    }
    let figures = DetectionFigures(series: series, command: command)
    let claims = DetectionClaims(series: series, command: command)
    let distillation = DistillationReport(series: series, command: command)
    let posteriors = PosteriorReport(series: series, command: command)
    let judges = JudgeMap(series: series, command: command)
    let published = PublishedDetection(series: series, command: command)
    let all = [
      try figures.auprc().map(Block.figure), try figures.prevalenceFree().map(Block.figure),
      try claims.bySize().map(Block.figure), try figures.byDetectorSize().map(Block.figure),
      try distillation.figure().map(Block.figure), try distillation.table().map(Block.table),
      try posteriors.figure().map(Block.figure), try posteriors.table().map(Block.table),
      try judges.figure().map(Block.figure), try judges.table().map(Block.table),
      try claims.table().map(Block.table), try published.table().map(Block.table),
      .table(try DetectorTable(series: series, command: command).table()),
    ].compactMap(\.self)
    return [ReportSection("Detection", series.cutNote + all)]
  }
}

extension ResultTable {
  /// Each metric of each detector.
  static let detectors = ResultTable(
    "detector", key: "task, name, metric",
    columns: """
        task TEXT NOT NULL CHECK (task IN ('sentence', 'token')), position TEXT NOT NULL,
        kind TEXT NOT NULL, family TEXT NOT NULL, pretrained INTEGER, name TEXT NOT NULL,
        layer TEXT, place TEXT, parameters INTEGER NOT NULL, validation_auroc REAL,
        metric TEXT NOT NULL, value REAL NOT NULL, lower REAL, upper REAL,
        prevalence REAL NOT NULL, example_count INTEGER NOT NULL
      """,
    rows: """
      SELECT d.task, d.position, d.kind, d.family, d.pretrained, d.name, d.layer, d.place,
        d.parameters, d.validation_auroc, m.metric, m.value, m.lower, m.upper, coalesce(d.prevalence, 0), d.test_count
      FROM detection h JOIN detector d ON d.detection_id = h.id
      JOIN detector_metric m ON m.detector_id = d.id
      WHERE h.key = ? AND m.calibration = 'none' AND m.metric <> 'prevalence'
      ORDER BY d.id, m.metric
      """)
}
