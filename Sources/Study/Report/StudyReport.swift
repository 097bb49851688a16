import Foundation
import LabCore
package import Report

/// The report of a study, made from its merged results.
package struct StudyReport {
  private let series: ResultSeries
  /// The command that makes the report again, shown beside each figure.
  private let command: String

  /// A report on `results`; `command` makes them again.
  package init(_ results: StudyResults, command: String) {
    series = ResultSeries(results)
    self.command = command
  }

  /// Merges a study's runs into study.sqlite, then writes report.html and the parts of its figures.
  ///
  /// Returns the document. Throws `LabError` when a file cannot be written.
  @discardableResult
  package static func write(plan: StudyPlan, folder: StudyFolder) throws -> ReportDocument {
    let results = try ResultMerger(plan: plan, folder: folder).merge()
    try StudyDatabase.write(results, to: folder.database)
    let stored = try StudyDatabase.read(folder.database)
    let report = StudyReport(
      stored, command: "kglab report " + Readable.shellWord(folder.url.relativePath))
    let document = report.document()
    try ReportPage.write(document, to: folder.report)
    _ = try ReportPage.writeParts(of: document, to: folder.figures)
    return document
  }

  /// The report as a value.
  package func document() -> ReportDocument {
    let results = series.results
    let words = ReportWords(series: series)
    let tables = ReportTables(series: series, command: command)
    let rates = RateFigures(series: series, command: command)
    let detectors = DetectorResults(results.detectors)
    let detection = DetectionFigures(series: series, detectors: detectors, command: command)
    let claims = DetectionClaims(series: series, detectors: detectors, command: command)
    var sections: [ReportSection] = []
    if !results.rates.isEmpty {
      var blocks: [Block] = words.cutNote.map { [.note($0)] } ?? []
      blocks += [
        .figure(rates.bySize()), .figure(rates.byTokensPerParameter()),
        .figure(rates.byOperations()),
      ]
      if let verdicts = rates.byVerdict() { blocks.append(.figure(verdicts)) }
      sections.append(ReportSection("Hallucination rate", blocks))
    }
    if let grades = GradeTable(series: series, command: command).table() {
      sections.append(ReportSection("True answers among candidates", [.table(grades)]))
    }
    let sweep = LearningRateFigures(series: series, command: command)
    if let section = sweep.section() { sections.append(section) }
    if !results.detectors.isEmpty {
      var blocks: [Block] = words.cutNote.map { [.note($0)] } ?? []
      blocks += [
        .figure(detection.auprc()), .figure(detection.prevalenceFree()),
      ]
      if let sizes = claims.bySize() { blocks.append(.figure(sizes)) }
      if let sizes = detection.byDetectorSize() { blocks.append(.figure(sizes)) }
      if let table = claims.table() { blocks.append(.table(table)) }
      let published = PublishedDetection(series: series, detectors: detectors, command: command)
      if let table = published.table() { blocks.append(.table(table)) }
      let all = DetectorTable(series: series, detectors: detectors, command: command)
      blocks.append(.table(all.table()))
      sections.append(ReportSection("Detection", blocks))
    }
    let seeds = SeedTable(series: series, command: command).table().map { [Block.table($0)] } ?? []
    sections.append(
      ReportSection("Graph and runs", [.list(words.graph), .table(tables.runs())] + seeds))
    if !results.rates.isEmpty {
      sections.append(ReportSection("All rates", [.table(tables.rates())]))
    }
    if !results.failures.isEmpty {
      sections.append(
        ReportSection("What is missing", [.note(words.missing), .table(tables.failures())]))
    }
    sections.append(ReportSection("How to read this", words.reading.map(Block.paragraph)))
    return ReportDocument(
      title: "Hallucination and scale: \(results.name)", subtitle: words.subtitle,
      introduction: words.introduction, headlines: words.headlines, sections: sections,
      colophon: words.colophon(command: command))
  }
}
