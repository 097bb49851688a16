import ArgumentParser
import Console
import Foundation
import LabCore
import Study

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a commented schema and study to start from.",
    discussion: """
      Writes schema.yaml and study.yaml, which work as they are: every key is explained beside it, and \
      settings that are switched off say so. Nothing is replaced.

      EXAMPLES:
        kglab init
        kglab init my-study
      """)

  @Argument(help: "The folder to write into; made if it is not there.")
  var folder = "."

  @OptionGroup var result: ResultOptions

  private struct Result: Encodable {
    let schema: String
    let study: String
  }

  func run() throws {
    let url = URL(fileURLWithPath: folder)
    try StarterFiles.write(to: url)
    let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    let written = Result(
      schema: prefix + StarterFiles.schemaName, study: prefix + StarterFiles.studyName)
    if result.json { return try Output.json(written) }
    Output.line("wrote \(written.schema) and \(written.study)")
    Output.next("kglab", "study", "plan", written.study)
  }
}
