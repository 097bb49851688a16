import ArgumentParser
import Benchmarks
import Compute
import Console
import LabCore
import LanguageModel
import Training

struct BenchLadder: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ladder",
    abstract: "Time eight small models that train side by side, one worker each.",
    discussion: """
      As in a study: workers take the models one by one, the longest first. Every model takes the same \
      steps of 16 x 128 random tokens with a vocabulary of 1024; the shapes are those of the size dial \
      from 3k to 300k, less 200k.

      EXAMPLES:
        kglab bench ladder
        kglab bench ladder --steps 300 --precision bf16
      """)

  @Option(help: "Training steps of each model.")
  var steps: Int = 100

  @OptionGroup var arithmetic: ArithmeticOptions

  @OptionGroup var workers: WorkerCounts

  @Flag(help: "A smoke test: two steps of each model.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws { try OptionRange.require(steps, 1...1_000_000, "--steps") }

  func run() throws {
    let regime = BenchmarkRegime.ladder
    let progress = ProgressReporter()
    var rows: [Row] = []
    let steps = quick ? 2 : steps
    for precision in try arithmetic.precisions() {
      for count in try workers.counts() {
        progress.update("ladder in \(precision.rawValue), \(count) workers")
        let benchmark = LadderBenchmark(regime, steps: steps, precision: precision, workers: count)
        rows.append(
          Row(
            precision: precision, workers: count, steps: steps,
            result: try benchmark.run(ceilingSeconds: quick ? 0.05 : 0.5)))
      }
    }
    progress.finish()
    if output.json { return try Output.json(BenchReport("ladder", rows)) }
    var table = TextTable(["shape", "precision", "workers", "seconds", "tokens/s"])
    for row in rows {
      let start = [row.precision.rawValue, "\(row.workers)"]
      for rung in row.result.rungs {
        table.add(
          [rung.shape] + start + [
            Readable.number(rung.seconds), Int(rung.tokensPerSecond).grouped,
          ])
      }
      table.add(
        ["all"] + start + [
          Readable.number(row.result.seconds), Int(row.result.tokensPerSecond).grouped,
        ])
    }
    Output.table(table)
    for row in rows {
      Output.line(
        "\(row.precision.rawValue), \(row.workers) workers: "
          + "\(Output.gigas(row.result.flopsPerSecond)) GFLOP/s, "
          + "\(Readable.percent(row.result.shareOfCeiling)) of the ceiling, peak "
          + "\(Readable.number((row.result.peakMemoryMiB ?? 0).rounded())) MiB")
    }
    Output.line("measured \(steps) steps of each model, kernels \(Device.cpu.name)")
    Output.line("next: kglab bench train --workers 1,2, for one model at a time")
  }

  private struct Row: Encodable {
    let precision: Precision
    let workers: Int
    let steps: Int
    let result: LadderBenchmark.Result
  }
}
