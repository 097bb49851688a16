import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// `kglab study status`.
struct StudyStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what of a study is done, running, failed or pending.",
    discussion: """
      Reads only, and may be used while the study runs.

      EXAMPLES:
        kglab study status runs/quickstart
        kglab study status experiments/quickstart --json
      """)

  @Argument(help: "The folder of the results, or the study.")
  var study: String

  @Flag(help: "Print the status as JSON.")
  var json = false

  func run() throws {
    let given = StudyFolder(URL(fileURLWithPath: study))
    let folder: StudyFolder
    if FileManager.default.fileExists(atPath: given.plan.path) {
      folder = given
    } else {
      var location = StudyLocation()
      location.study = study
      location.out = nil
      folder = StudyFolder(location.folder(of: try location.file()))
    }
    let status = try StudyStatus(folder: folder)
    if json { return try Output.json(status) }
    status.table().split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast().forEach { Output.line(String($0)) }
  }
}
