import ArgumentParser
import Benchmarks
import Compute
import Console
import LabCore
import LanguageModel
import Training

struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Time whole training steps on random tokens.",
    discussion: """
      The model has SwiGLU, rotary positions and tied embeddings, and no qk-norm, so that its work is \
      that of the peers' scripts. Regime lab is 16 x 128 tokens a step with a vocabulary of 1024, regime \
      wide 64 x 128 with 4096; each has its shapes.

      EXAMPLES:
        kglab bench train --shape 2x64x4
        kglab bench train --regime wide --precision bf16
        kglab bench train --workers 1,2 --rounds 5
        kglab bench train --shape 4x128x4 --sequences 64 --vocabulary 4096
      """)

  @Option(help: "Batch, vocabulary and shapes that belong together.")
  var regime: Regime = .lab

  @Option(
    help: ArgumentHelp(
      "Layers x width x heads, one or several; by default the regime's.", valueName: "shapes"))
  var shape: String?

  @Option(help: "Sequences of a step; by default the regime's.")
  var sequences: Int?

  @Option(help: "Tokens of a sequence; by default the regime's.")
  var context: Int?

  @Option(help: "Vocabulary; by default the regime's.")
  var vocabulary: Int?

  @OptionGroup var arithmetic: ArithmeticOptions

  @OptionGroup var workers: WorkerCounts

  @Option(help: "Seconds of measuring for each row and round.")
  var seconds: Double = 3

  @Option(help: "Rounds over all rows; the median is shown.")
  var rounds: Int = 1

  @Flag(help: "A smoke test: as little measuring as possible.")
  var quick = false

  @OptionGroup var output: BenchOutput

  func validate() throws {
    try OptionRange.require(self.sequences, 1...65_536, "--sequences")
    try OptionRange.require(context, 1...8_192, "--context")
    try OptionRange.require(vocabulary, 8...1_000_000, "--vocabulary")
    try OptionRange.require(rounds, 1...1_000, "--rounds")
    try SecondsOption.check(seconds)
  }

  func run() throws {
    let regime = regime.value
    let works = try ShapeList.read(shape, else: regime.shapes).flatMap { shape in
      try arithmetic.precisions().flatMap { precision in
        try workers.counts().map {
          TrainWork(
            regime: regime.name, shape: shape, precision: precision, workers: $0,
            sequences: sequences ?? regime.sequences,
            contextLength: context ?? regime.contextLength,
            vocabularySize: vocabulary ?? regime.vocabularySize)
        }
      }
    }
    let progress = ProgressReporter()
    var results = works.map { _ in [StepBenchmark.Result]() }
    for round in 1...rounds {
      for (index, work) in works.enumerated() {
        progress.update(
          "\(work.shape) \(work.precision.rawValue), \(work.workers) workers, round \(round)")
        results[index].append(try work.run(seconds: quick ? 0.05 : seconds))
      }
    }
    progress.finish()
    let rows = TrainRow.rows(works, results)
    if output.json { return try Output.json(BenchReport("train", rows)) }
    Output.table(TrainRow.table(rows))
    Output.line(
      "measured \(sequences ?? regime.sequences) x \(context ?? regime.contextLength) tokens a step, "
        + "vocabulary \(vocabulary ?? regime.vocabularySize), kernels \(Device.cpu.name), "
        + "\(rounds == 1 ? "1 round" : "median of \(rounds) rounds")")
    Output.line("next: kglab bench kernels, for where the time goes")
  }

  /// The values of `--regime`.
  enum Regime: String, ExpressibleByArgument, CaseIterable {
    case lab, wide

    var value: BenchmarkRegime { self == .lab ? .lab : .wide }
  }
}

/// One row of `bench train` before it is measured.
private struct TrainWork {
  let regime: String
  let shape: BenchmarkShape
  let precision: Precision
  let workers: Int
  let sequences: Int
  let contextLength: Int
  let vocabularySize: Int

  func run(seconds: Double) throws -> StepBenchmark.Result {
    try StepBenchmark(
      shape.configuration(vocabularySize: vocabularySize, contextLength: contextLength),
      sequences: sequences, precision: precision, workers: workers
    ).run(seconds: seconds)
  }
}

/// One row of `bench train`.
private struct TrainRow: Encodable {
  let work: TrainWork
  let speed: ModelSpeed
  let crossEntropy: Double
  let rounds: Int
  /// Speed over that with the first worker count of the list, in each round; empty where there is
  /// one.
  let speedUps: [Double]

  enum CodingKeys: String, CodingKey {
    case regime, shape, precision, workers, sequences, rounds, result
    case contextLength = "context_length"
    case vocabularySize = "vocabulary_size"
    case crossEntropy = "cross_entropy"
    case speedUp = "speed_up"
    case speedUpMinimum = "speed_up_minimum"
    case speedUpMaximum = "speed_up_maximum"
  }

  static func rows(_ works: [TrainWork], _ results: [[StepBenchmark.Result]]) -> [TrainRow] {
    works.indices.compactMap { index in
      let work = works[index]
      let speeds = results[index].map(\.speed)
      guard let speed = ModelSpeed.median(of: speeds), let last = results[index].last else {
        return nil
      }
      let peers = works.indices.filter {
        works[$0].shape == work.shape && works[$0].precision == work.precision
      }
      let base = peers.first.map { results[$0].map(\.speed) } ?? []
      return TrainRow(
        work: work, speed: speed, crossEntropy: last.crossEntropy, rounds: speeds.count,
        speedUps: peers.count < 2
          ? [] : zip(speeds, base).map { $0.tokensPerSecond / $1.tokensPerSecond })
    }
  }

  private var speedUp: Double { Timing(seconds: speedUps).median }

  static func table(_ rows: [TrainRow]) -> TextTable {
    let compares = rows.contains { !$0.speedUps.isEmpty }
    var table = TextTable(
      ["shape", "precision", "workers"] + ModelSpeed.header + (compares ? ["speed-up"] : []))
    for row in rows {
      let start = [row.work.shape.description, row.work.precision.rawValue, "\(row.work.workers)"]
      let ratio = row.speedUps.isEmpty ? "-" : Readable.fixed(row.speedUp, 2)
      table.add(start + row.speed.cells + (compares ? [ratio] : []))
    }
    return table
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(work.regime, forKey: .regime)
    try container.encode(work.shape.description, forKey: .shape)
    try container.encode(work.precision, forKey: .precision)
    try container.encode(work.workers, forKey: .workers)
    try container.encode(work.sequences, forKey: .sequences)
    try container.encode(work.contextLength, forKey: .contextLength)
    try container.encode(work.vocabularySize, forKey: .vocabularySize)
    try container.encode(rounds, forKey: .rounds)
    try container.encode(crossEntropy, forKey: .crossEntropy)
    try container.encode(speed, forKey: .result)
    guard let least = speedUps.min(), let most = speedUps.max() else { return }
    try container.encode(speedUp, forKey: .speedUp)
    try container.encode(least, forKey: .speedUpMinimum)
    try container.encode(most, forKey: .speedUpMaximum)
  }
}
