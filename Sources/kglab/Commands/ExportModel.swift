import ArgumentParser
import Console
import Foundation
import LabCore
import LanguageModel
import Training

struct ExportModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a run's model as a Hugging Face folder.",
    discussion: """
      AutoModelForCausalLM and AutoTokenizer load the folder as it is: Qwen3 with the norm of queries and \
      keys, Llama without. Models with --activation gelu match no class and are refused. kglab.json in the \
      folder says which run and step the weights are of. An earlier export is replaced; any other folder \
      that is not empty is refused.

      EXAMPLES:
        kglab export-model runs/a --out exports/a
        kglab export-model runs/a --checkpoint 0 --out exports/initial
        kglab export-model runs/a --checkpoint newest --out exports/a --json
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var folder: String

  @Option(help: "The folder to write.")
  var out: String

  @Option(
    help: ArgumentHelp(
      "Weights after this step and not the final ones: a checkpoint that is kept, 0, or newest.",
      valueName: "step"))
  var checkpoint: String?

  @OptionGroup var result: ResultOptions

  func validate() throws { _ = try source() }

  private func source() throws -> ModelExport.Source {
    guard let checkpoint else { return .final }
    if checkpoint == "newest" { return .newest }
    guard let step = Int(checkpoint), step >= 0 else {
      throw ValidationError("--checkpoint '\(checkpoint)' is no step; give a number or newest")
    }
    return .step(step)
  }

  func run() throws {
    let record = try ModelExport.write(
      URL(fileURLWithPath: folder, isDirectory: true), source: source(),
      to: URL(fileURLWithPath: out, isDirectory: true))
    if result.json { return try Output.json(record) }
    let model = record.run.configuration.model
    Output.line(
      "model          \(record.architecture), \(record.run.parameterCount.grouped) parameters, "
        + "vocabulary \(model.vocabularySize.grouped), context \(model.contextLength)")
    Output.line(
      "weights        after step \(record.step.grouped) of "
        + record.run.stepCount.grouped)
    Output.line("wrote \(out) (weights \(record.weightsHash.prefix(12)))")
    Output.next("kglab", "import-model", out, "--out", "runs/b")
  }
}
