import ArgumentParser
import Console
import Foundation
import LabCore
import LanguageModel
import Training

struct Compress: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a run with fewer bits or fewer weights of a finished one.",
    discussion: """
      Small weights of every matrix become 0 (--prune), those left get few bits and a scale for each row \
      (--bits); norms stay. The new run names its parent by the hash of its weights, states what storing it takes, and is \
      asked, evaluated, judged and exported as any other. To train a pruned one on: kglab train GRAPH --from RUN \
      --keep-zeros. docs/derived-runs.md has the forms and their sizes.

      EXAMPLES:
        kglab compress runs/a --bits 8 --out runs/a-int8
        kglab compress runs/a --prune 0.6 --bits 4 --out runs/a-small
      """)

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var source: String

  @Option(help: "Bits of each weight, 4 or 8; single precision by default.")
  var bits: Int?

  @Option(help: "Share of each matrix's weights to set to 0, at least 0 and below 1.")
  var prune: Double?

  @Option(help: "The folder of the run to write.")
  var out: String

  @OptionGroup var result: ResultOptions

  func validate() throws {
    guard bits != nil || prune != nil else {
      throw ValidationError("give --bits, --prune, or both")
    }
  }

  func run() throws {
    let compression = WeightCompression(bits: bits, prune: prune ?? 0)
    let record = try CompressedRun(
      of: URL(fileURLWithPath: source, isDirectory: true), compression,
      into: URL(fileURLWithPath: out, isDirectory: true)
    ).write()
    if result.json { return try Output.json(record) }
    let (stored, whole) = (record.storedBytes ?? 0, 4 * record.parameterCount)
    Output.line(
      "parameters     \(record.parameterCount.grouped), \(compression.words): "
        + "\(Readable.percent(record.zeroShare)) of the matrices' weights are 0")
    Output.line(
      "stored         \(stored.grouped) bytes, "
        + "\(Readable.percent(Double(stored) / Double(max(1, whole)))) of the \(whole.grouped) in single precision"
    )
    Output.line("wrote \(out) (weights \((record.weightsHash ?? "").prefix(12)))")
    Output.next("kglab", "evaluate", out)
  }
}
