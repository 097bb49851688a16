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
    let tables = ReportTables(series: series, command: command)
    let measured = try MeasureSet.known.map { try $0.sections(results, command: command) }
    let sweep = LearningRateFigures(series: series, command: command).section()
    let compute = ComputeFigures(series: series, command: command).section()
    let compression = try CompressionFigures(series: series, command: command).section()
    let stability = try StabilityFigures(series: series, command: command).section()
    let generations = try GenerationFigures(series: series, command: command).section()
    var sections =
      measured[0] + [sweep, stability, compute].compactMap(\.self) + measured[1...].joined()
      + [compression, generations].compactMap(\.self)
    let seeds = SeedTable(series: series, command: command).table().map { [Block.table($0)] } ?? []
    sections.append(
      ReportSection("Graph and runs", [.list(words.graph), .table(try tables.runs())] + seeds))
    if try results.hasRates {
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
