import ArgumentParser
import Compute
import Corpus
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a language model from scratch on a graph.",
    discussion: """
      Killed at any moment, the same command continues from the last checkpoint and ends with the same \
      weights; so does a run continued with another number of workers. A folder that holds another run \
      is refused with the difference.

      EXAMPLES:
        kglab train graph.sqlite --size 30k --epochs 20 --out runs/a
        kglab train graph.sqlite --size 1m --epochs 100 --tokenizer bpe --out runs/b
        kglab train graph.sqlite --size 300k --epochs 20 --fraction 0.1 --out runs/c --dry-run
        kglab train graph.sqlite --size 300k --steps 2000 --schedule wsd --optimizer adam-atan2 --out runs/d

      SIZES (non-embedding parameters):
        \(ModelSize.all.map(\.name).joined(separator: " "))
      """)

  @Argument(help: "The graph, made by kglab generate or kglab import.")
  var graph: String

  @OptionGroup var request: RequestOptions

  @Option(help: "The folder of the run.")
  var out: String

  @OptionGroup var workers: WorkerOptions

  @Option(help: "Seconds between checkpoints.")
  var checkpointSeconds: Double = 30

  @Option(help: "Steps between checkpoints, besides the seconds.")
  var checkpointSteps: Int?

  @Flag(help: "Write loss, gradient norm and learning rate of each step to steps.jsonl in the run.")
  var stepMetrics = false

  @Flag(help: "Show shape, FLOPs and memory, and train nothing.")
  var dryRun = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    guard checkpointSteps.map({ $0 > 0 }) ?? true, checkpointSeconds > 0 else {
      throw ValidationError("--checkpoint-steps and --checkpoint-seconds must be above 0")
    }
  }

  func run() throws {
    let signals = Interruption.install()
    defer { withExtendedLifetime(signals) {} }
    let url = URL(fileURLWithPath: graph)
    let folder = URL(fileURLWithPath: out, isDirectory: true)
    var options = RuntimeOptions()
    options.workers = workers.count
    options.checkpointSeconds = checkpointSeconds
    options.checkpointSteps = checkpointSteps
    options.logsSteps = stepMetrics
    let trainer = try Trainer(
      graph: KnowledgeGraph.open(url), graphURL: url, request: request.request, folder: folder,
      options: options)
    if dryRun {
      if json { return try Output.json(trainer.plan) }
      describe(trainer.plan)
      Output.line("wrote nothing (--dry-run)")
      Output.line("next: kglab train with the same options, without --dry-run")
      return
    }
    if !json { describe(trainer.plan) }
    let progress = ProgressReporter()
    let record = try trainer.run { state in
      progress.update(
        "step \(state.step)/\(state.stepCount)  loss \(String(format: "%.4f", state.crossEntropy)) nats  "
          + "\(Readable.count(state.tokensPerSecond)) tokens/s  "
          + "\(Readable.duration(state.secondsLeft)) left")
    }
    progress.finish()
    if json { return try Output.json(record) }
    Output.line(
      "trained        final loss \(Output.number(record.finalCrossEntropy ?? .nan)) nats a token, "
        + "\(Readable.count(record.tokensPerSecond ?? 0)) tokens/s, "
        + "\(Readable.duration(record.secondsElapsed ?? 0)), "
        + "peak memory \(Output.number((record.peakMemoryMiB ?? 0).rounded())) MiB")
    Output.line("wrote \(out) (weights \((record.weightsHash ?? "").prefix(12)))")
    Output.line("next: kglab evaluate \(out)")
  }

  private func describe(_ plan: RunRecord) {
    let model = plan.configuration.model
    let training = plan.configuration.training
    Output.line(
      "model          \(plan.sizeName): \(model.layerCount) layers x \(model.modelDimension), "
        + "\(model.headCount) heads, \(Output.grouped(plan.nonEmbeddingParameterCount)) non-embedding "
        + "parameters, \(Output.grouped(plan.parameterCount)) in all, "
        + "vocabulary \(Output.grouped(model.vocabularySize))")
    Output.line(
      "data           \(Output.grouped(plan.trainedTripleCount)) triples, "
        + "\(Output.grouped(plan.tokensPerEpoch)) tokens an epoch, "
        + "u = \(Output.number(plan.tokensPerParameter)) unique tokens a parameter")
    Output.line(
      "training       \(training.horizon.words), \(Output.grouped(plan.stepCount)) steps of "
        + "\(Output.grouped(training.tokensPerStep)) tokens, peak learning rate "
        + "\(Output.number(training.learningRate)), \(training.precision.rawValue), "
        + "\(Readable.count(plan.trainingFLOPs)) FLOPs")
    let warmUp = LearningRateSchedule(training, stepCount: plan.stepCount).warmUpSteps
    Output.line(
      "recipe         \(training.optimizer.rawValue), \(training.schedule.rawValue) after \(warmUp) steps of "
        + "warm-up, weight decay \(Output.number(training.weightDecay)) "
        + "\(training.weightDecayMode.rawValue), parameterization \(training.parameterization.rawValue)"
    )
  }
}
