package import Evaluation
import Foundation
import LabCore
package import Report

/// The report of a study, made from its merged results.
package struct StudyReport {
  private let series: ResultSeries
  /// The command that makes the report again, shown beside each figure.
  private let command: String

  /// A report on `results`; `command` makes them again.
  package init(_ results: StudyResults, command: String) throws {
    series = try ResultSeries(results)
    self.command = command
  }

  /// Merges a study's runs into study.sqlite, then writes report.html and the parts of its figures.
  ///
  /// Returns the document. Throws `LabError` when a file cannot be written.
  @discardableResult
  package static func write(plan: StudyPlan, folder: StudyFolder) throws -> ReportDocument {
    try ResultMerger(plan: plan, folder: folder).merge()
    let report = try StudyReport(
      StudyResults(folder.database),
      command: "kglab report " + Readable.shellWord(folder.url.relativePath))
    let document = try report.document()
    try ReportPage.write(document, to: folder.report)
    _ = try ReportPage.writeParts(of: document, to: folder.figures)
    return document
  }

  /// The report as a value.
  package func document() throws -> ReportDocument {
    let results = series.results
    let words = ReportWords(series: series)
    let hasRates = try !results.rows("SELECT 1 FROM rate LIMIT 1").isEmpty
    let tables = ReportTables(series: series, command: command)
    let rates = RateFigures(series: series, command: command)
    let detectors = try DetectorResults(results)
    let detection = DetectionFigures(series: series, detectors: detectors, command: command)
    let claims = DetectionClaims(series: series, detectors: detectors, command: command)
    var sections: [ReportSection] = []
    if hasRates {
      var blocks: [Block] = words.cutNote.map { [.note($0)] } ?? []
      blocks += [
        .figure(rates.bySize()), .figure(rates.byTokensPerParameter()),
        .figure(rates.byOperations()),
      ]
      if let verdicts = try rates.byVerdict() { blocks.append(.figure(verdicts)) }
      sections.append(ReportSection("Hallucination rate", blocks))
    }
    if let grades = try GradeTable(series: series, command: command).table() {
      sections.append(ReportSection("True answers among candidates", [.table(grades)]))
    }
    let sweep = LearningRateFigures(series: series, command: command)
    if let section = sweep.section() { sections.append(section) }
    if !detectors.isEmpty {
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
    for type in MeasureSet.known {
      sections += try type.sections(results, command: command)
    }
    let seeds = SeedTable(series: series, command: command).table().map { [Block.table($0)] } ?? []
    sections.append(
      ReportSection("Graph and runs", [.list(words.graph), .table(try tables.runs())] + seeds))
    if hasRates {
      sections.append(ReportSection("All rates", [.table(try tables.rates())]))
    }
    let missing = try tables.failures()
    if !missing.data.rows.isEmpty {
      let note = words.missing(missing.data.rows.count)
      sections.append(ReportSection("What is missing", [.note(note), .table(missing)]))
    }
    sections.append(ReportSection("How to read this", words.reading.map(Block.paragraph)))
    return ReportDocument(
      title: "Hallucination and scale: \(results.name)", subtitle: words.subtitle,
      introduction: words.introduction, headlines: words.headlines, sections: sections,
      colophon: words.colophon(command: command))
  }
}
