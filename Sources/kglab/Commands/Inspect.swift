import ArgumentParser
import Foundation
import KnowledgeGraph
import LabCore

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what is in a graph, and check it.",
    discussion: """
      Ends with code 65 when a check fails: damage, rows that refer to nothing, triples of the wrong \
      types, or content that was changed after the file was made.

      EXAMPLES:
        kglab inspect graph.sqlite
        kglab inspect graph.sqlite --json
      """)

  @Argument(help: "The graph file (SQLite).")
  var graph: String

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let inspection = try GraphInspection(of: URL(fileURLWithPath: graph))
    if json { try Output.json(inspection) } else { show(inspection) }
    guard inspection.isSound else {
      let failed = inspection.checks.filter { !$0.passed }
        .map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
      throw LabError("\(graph) is not sound: \(failed); generate or import the graph again")
    }
  }

  private func show(_ inspection: GraphInspection) {
    let seed = inspection.seed.map { ", seed \($0)" } ?? ""
    Output.line("\(inspection.name) (\(inspection.source)\(seed))")
    Output.line("content \(inspection.contentHash)")
    Output.line()
    GraphText.types(inspection.profile)
    Output.line()
    GraphText.predicates(inspection.profile)
    Output.line()
    if let report = inspection.importReport { GraphText.importReport(report) }
    GraphText.summary(inspection.profile)
    Output.line("words          \(Output.grouped(inspection.wordCount)) different ones in names")
    if let bits = inspection.information {
      Output.line(
        "information    \(Output.number(bits.objects.rounded())) bits in objects, "
          + "\(Output.number(bits.objectCounts.rounded())) in how many there are")
    }
    let checks = inspection.checks.map { "\($0.name) \($0.passed ? "ok" : "FAILED")" }
    Output.line("checks         \(checks.joined(separator: ", "))")
    if inspection.isSound {
      Output.line("next: kglab train \(graph) --size 30k --epochs 20 --out runs/a")
    }
  }
}
