import ArgumentParser
import Console
import Foundation
import LabCore
import Training

struct Batches: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a run is trained on at each step.",
    discussion: """
      Batches are made again from the run's record and graph; the run may be unfinished. With --json every \
      sequence is listed as the tokens the model is given and the targets of the loss (-1 for none).

      EXAMPLES:
        kglab batches runs/a --steps 1
        kglab batches runs/a --steps 1-200 --json > batches.json
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var folder: String

  @Option(help: "A step, counted from 1, or a range of steps.")
  var steps: String

  @OptionGroup var graph: GraphOptions

  func validate() throws { _ = try range() }

  private func range() throws -> ClosedRange<Int> {
    let ends = steps.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      first <= last
    else { throw ValidationError("--steps '\(steps)' is no range of steps; write it like 1-200") }
    return first...last
  }

  func run() throws {
    let run = try RunBatches(URL(fileURLWithPath: folder, isDirectory: true), graph: graph.url)
    let batches = try run.batches(range())
    if graph.json { return try Output.json(batches) }
    for batch in batches {
      Output.line(
        "step \(batch.step)  epoch \(batch.epoch)  \(batch.sequences.count) sequences  "
          + "\(batch.tokenCount.grouped) tokens")
      for triple in batch.triples { Output.line("  (\(triple.joined(separator: ", ")))") }
    }
    Output.line("wrote nothing")
    let fact = batches.first { !$0.triples.isEmpty }?.triples.first ?? []
    Output.next(["kglab", "inspect", folder, "--fact"] + fact.prefix(2))
  }
}
