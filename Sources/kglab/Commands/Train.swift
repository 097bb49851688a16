import ArgumentParser
import Compute
import Console
import Corpus
import Engine
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a language model on a graph, from scratch or from another run.",
    discussion: """
      Killed at any moment, the same command continues from the last checkpoint and ends with the same \
      weights; so does a run continued with another number of workers. A folder that holds another run \
      is refused with the difference, and a training that the machine has no room for with the numbers.

      With --from, training starts from the weights of a finished run, which the new run names by their hash; \
      with --only, it shows the listed triples of the graph and no others; with --text-of, it shows what \
      the models of finished runs answer to the graph's questions (docs/derived-runs.md).

      EXAMPLES:
        kglab train graph.sqlite --size 30k --epochs 20 --out runs/a
        kglab train graph.sqlite --size 1m --epochs 100 --tokenizer bpe --out runs/b
        kglab train graph.sqlite --size 300k --epochs 20 --fraction 0.1 --out runs/c --dry-run
        kglab train graph.sqlite --size 300k --steps 2000 --schedule wsd --optimizer adam-atan2 --out runs/d
        kglab train graph.sqlite --size 30k --epochs 20 --keep-steps log --keep-epochs 5,10 --out runs/e
        kglab train graph.sqlite --from runs/a --only more.tsv --epochs 5 --learning-rate 0.001 --out runs/g
        kglab train graph.sqlite --size 30k --epochs 20 --text-of runs/a --out runs/h
        kglab train graph.sqlite --size 100m --epochs 20 --engine torch --device cuda --precision bf16 --out runs/i

      SIZES (non-embedding parameters):
        \(ModelSize.all.map(\.name).joined(separator: " "))
      """)

  @Argument(help: "The graph, made by kglab generate or kglab import.")
  var graph: String

  @OptionGroup var request: RequestOptions

  @Option(help: "The folder of the run.")
  var out: String

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var engine: EngineArguments

  @OptionGroup var checkpoints: CheckpointOptions

  @OptionGroup var safety: SafetyOptions

  @Flag(help: "Write loss, gradient norm and learning rate of each step to steps.jsonl in the run.")
  var stepMetrics = false

  @Option(
    help: ArgumentHelp(
      "Add alignment, largest attention logits, mean output logit and gradient sizes to every N-th step in steps.jsonl.",
      valueName: "n"))
  var probeSteps: Int?

  @Flag(help: "Show shape, FLOPs, time, memory and disk, and train nothing.")
  var dryRun = false

  @OptionGroup var result: ResultOptions

  private var folder: URL { URL(fileURLWithPath: out, isDirectory: true) }

  func validate() throws {
    try OptionRange.require(probeSteps, 1...1_000_000_000, "--probe-steps")
    guard probeSteps == nil || engine.engine == .native else {
      throw ValidationError("--probe-steps is for --engine native; leave one of them out")
    }
  }

  func run() throws {
    let url = URL(fileURLWithPath: graph)
    var options = try checkpoints.runtimeOptions()
    options.workers = workers.count
    safety.apply(to: &options)
    options.logsSteps = stepMetrics
    options.probeSteps = probeSteps
    options.torch = try engine.options(threads: workers.requested)
    let graph = try KnowledgeGraph.open(url)
    var asked = try request.request(on: graph)
    asked.training.engine = engine.engine
    if let text = asked.text {
      Interruption.heed()
      asked.answers = try self.request.text.answers(
        text, on: graph, fraction: asked.fraction, for: folder, workers: workers.count)
    }
    let trainer = try Trainer(
      graph: graph, graphURL: url, request: asked, folder: folder, options: options)
    if dryRun {
      if result.json { return try Output.json(trainer.plan) }
      describe(trainer.plan, trainer.estimate)
      for clause in trainer.estimate.shortages(.current, folder: folder) {
        Output.line("does not fit here: \(clause)")
      }
      Output.line("wrote nothing (--dry-run)")
      Output.line("next: kglab train with the same options, without --dry-run")
      return
    }
    if !result.json { describe(trainer.plan, trainer.estimate) }
    Interruption.heed()
    let record = try ProgressReporter.during { progress in
      try trainer.run { state in
        progress.update(
          "step \(state.step)/\(state.stepCount)  loss \(Readable.fixed(state.crossEntropy, 4)) nats  "
            + "\(Readable.count(state.tokensPerSecond)) tokens/s  "
            + "\(Readable.duration(state.secondsLeft)) left")
      }
    }
    if result.json { return try Output.json(record) }
    describeResult(record)
    Output.line("wrote \(out) (weights \((record.weightsHash ?? "").prefix(12)))")
    Output.next("kglab", "evaluate", out)
  }

  // MARK: Text

  private func describeResult(_ record: RunRecord) {
    Output.line(
      "trained        final loss \(Readable.number(record.finalCrossEntropy ?? .nan)) nats a token, "
        + "\(Readable.count(record.tokensPerSecond ?? 0)) tokens/s, "
        + "\(Readable.duration(record.secondsElapsed ?? 0)), "
        + "peak memory \(Readable.number((record.peakMemoryMiB ?? 0).rounded())) MiB")
    if let engine = record.engine {
      Output.line(
        "engine         \(engine.name) \(engine.versions["torch"] ?? "") on \(engine.device), "
          + "\(engine.processes) process\(engine.processes == 1 ? "" : "es")"
          + (engine.compiled ? ", compiled" : ""))
    }
    let kept = RunFolder.checkpointSteps(folder)
    if !kept.isEmpty {
      Output.line(
        "kept           weights of \(kept.count) steps in \(out)/kept: "
          + kept.prefix(8).map(String.init).joined(separator: ", ")
          + (kept.count > 8 ? ", ..., \(kept.last ?? 0)" : ""))
    }
  }

  private func describe(_ plan: RunRecord, _ estimate: TrainingEstimate) {
    let model = plan.configuration.model
    let training = plan.configuration.training
    if let text = plan.answers {
      Output.line(
        "text           \(text.kept.grouped) of \(text.drawn.grouped) answers to \(text.asked.grouped) queries, "
          + "\(text.right.grouped) of those drawn are true; \(text.real.grouped) lines of the graph's"
      )
    }
    Output.line(
      "model          \(plan.sizeName): \(model.layerCount) layers x \(model.modelDimension), "
        + "\(model.headCount) heads, \(plan.nonEmbeddingParameterCount.grouped) non-embedding "
        + "parameters, \(plan.parameterCount.grouped) in all, "
        + "vocabulary \(model.vocabularySize.grouped)")
    Output.line(
      "data           \(plan.trainedTripleCount.grouped) triples, "
        + (plan.presentationsPerEpoch.map { "\($0.grouped) presentations and " } ?? "")
        + "\(plan.tokensPerEpoch.grouped) tokens an epoch, "
        + "u = \(Readable.number(plan.tokensPerParameter)) unique tokens a parameter")
    Output.line(
      "training       \(training.horizon.words), \(plan.stepCount.grouped) steps of "
        + "\(training.tokensPerStep.grouped) tokens, peak learning rate "
        + "\(Readable.number(training.learningRate)), \(training.precision.rawValue), "
        + "\(Readable.count(plan.trainingFLOPs)) FLOPs")
    let warmUp = LearningRateSchedule(training, stepCount: plan.stepCount).warmUpSteps
    Output.line(
      "recipe         \(training.optimizer.rawValue), \(training.schedule.rawValue) after \(warmUp) steps of "
        + "warm-up, weight decay \(Readable.number(training.weightDecay)) "
        + "\(training.weightDecayMode.rawValue), parameterization \(training.parameterization.rawValue)"
        + (training.engine == .native ? "" : ", engine \(training.engine.rawValue)")
    )
    Output.line(
      "needs          about \(Readable.bytes(estimate.memory.total)) of memory, up to "
        + "\(Readable.bytes(estimate.peakDisk)) on disk (\(Readable.bytes(estimate.finalDisk)) to "
        + "stay), \(Readable.duration(estimate.seconds)) with \(estimate.workers) "
        + (estimate.workers == 1 ? "worker" : "workers"))
  }
}
