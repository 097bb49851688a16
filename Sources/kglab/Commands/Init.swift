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

  @Flag(help: "Print the result as JSON.")
  var json = false

  private struct Result: Encodable {
    let schema: String
    let study: String
  }

  func run() throws {
    let url = URL(fileURLWithPath: folder)
    try StarterFiles.write(to: url)
    let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    let result = Result(
      schema: prefix + StarterFiles.schemaName, study: prefix + StarterFiles.studyName)
    if json { return try Output.json(result) }
    Output.line("wrote \(result.schema) and \(result.study)")
    Output.next("kglab", "study", "plan", result.study)
  }
}
