import ArgumentParser
import Console
import Foundation
import LabCore
import Report
import Study

/// `kglab report`.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a study's report again from its runs.",
    discussion: """
      Merges what the runs have into study.sqlite and writes report.html and, in figures/, each figure as \
      SVG, CSV and Vega-Lite. Nothing is trained or measured.

      EXAMPLES:
        kglab report runs/quickstart
      """)

  /// What `--json` prints.
  private struct Outcome: Encodable {
    let report: String
    let database: String
    let figures: [String]
    let tables: [String]
  }

  @Argument(help: "The folder of a study's results.")
  var folder: String

  @Flag(help: "Print the names of what was written as JSON.")
  var json = false

  func run() throws {
    let target = StudyFolder(URL(fileURLWithPath: folder))
    let plan = try target.readPlan()
    let lock = try FolderLock(target.url)
    defer { withExtendedLifetime(lock) {} }
    let document = try StudyReport.write(plan: plan, folder: target)
    if json {
      return try Output.json(
        Outcome(
          report: target.report.relativePath, database: target.database.relativePath,
          figures: document.figures.map(\.id), tables: document.tables.map(\.id)))
    }
    Output.line(
      "wrote \(target.report.relativePath) with \(document.figures.count) figures and "
        + "\(target.database.relativePath)")
    Output.next("open", target.report.relativePath)
  }
}
