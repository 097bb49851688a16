import Analysis
import ArgumentParser
import Compute
import Console
import Evaluation
import LabCore
import Training

struct Knowledge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure what a trained model knows, in bits, and how honest its probabilities are.",
    discussion: """
      Bits stored by the capacity formula and beside the generator's own code, a parameter and by exposures; \
      the bound on hallucinations from facts seen once; whether facts can be turned round; calibration. \
      docs/evaluation.md defines each number. All of it is stored in run.sqlite; interrupted, the same \
      command continues.

      EXAMPLES:
        kglab knowledge runs/a
        kglab knowledge runs/a --checkpoint 64 --bins 20
        kglab knowledge runs/a --json > knowledge.json
      """)

  @OptionGroup var asked: RunOptions

  @Option(help: "Bins of the reliability tables.")
  var bins: Int = 10

  @Option(help: "Seed of the intervals' resamples.")
  var seed: UInt64 = 0

  @OptionGroup var asking: AskingOptions

  func validate() throws { try OptionRange.require(bins, 1...1_000, "--bins") }

  func run() throws {
    Interruption.heed()
    let run = try asked.open()
    let elsewhere = try asking.graph.url.map { try run.graph(at: $0) }
    var options = KnowledgeOptions()
    options.bins = bins
    options.seed = seed
    options.precision = asking.precision
    let summary = try asking.workers.during {
      try run.knowledge(options, graph: elsewhere, work: $0)
    }
    if asking.json { return try Output.json(summary) }
    KnowledgeText(summary: summary).show()
    Output.wrote(asked.folder, "knowledge", key: summary.key)
    Output.next(
      run.hasCheckpoints
        ? ["kglab", "lifeline", asked.folder, "--all"] : ["kglab", "detect", asked.folder])
  }
}

/// A summary of knowledge as text.
private struct KnowledgeText {
  let summary: KnowledgeSummary

  func show() {
    bits()
    Output.line()
    singletons()
    Output.line()
    reversal()
    Output.line()
    calibration()
    Output.line()
  }

  private func bits() {
    Output.line(
      "parameters     \(summary.nonEmbeddingParameterCount.grouped) non-embedding, "
        + "\(summary.parameterCount.grouped) in all; \(Readable.number(summary.epochs)) epochs"
    )
    if let row = summary.storedBits(trained: true) {
      func perParameter(_ bits: Double) -> String {
        let inner = Readable.number(bits / Double(max(1, summary.nonEmbeddingParameterCount)))
        let all = Readable.number(bits / Double(max(1, summary.parameterCount)))
        return
          "\(Readable.number(bits.rounded())) bits: \(inner) a non-embedding parameter, \(all) a parameter"
      }
      Output.line("stored         " + perParameter(row.storedBits))
      Output.line("net            " + perParameter(row.netBits))
      let source = summary.reference == "generator" ? "the generator's code" : "p(o | predicate)"
      Output.line("memorised      " + perParameter(row.memorisedBits) + ", over \(source)")
    }
    Output.line()
    var table = TextTable(
      [
        "triples", "group", "n", "H(o|p)", "model's code", "stored", "95 % interval", "reference",
        "memorised",
      ], left: [0, 1])
    for row in summary.storedBits {
      let n = Double(row.tripleCount)
      let interval = row.storedBitsPerTriple.interval
      table.add([
        row.isTrained ? "trained" : "held out",
        row.groupKind == "all" ? "all" : "\(row.groupKind) \(row.groupValue)",
        row.tripleCount.grouped, bit(row.entropyBits / n), bit(row.codeBits / n),
        bit(row.storedBits / n), Readable.interval(interval?.low, interval?.high, "%.3f", scale: 1),
        bit(row.referenceBits / n), bit(row.memorisedBits / n),
      ])
    }
    Output.line("bits a triple")
    Output.table(table)
  }

  private func bit(_ value: Double) -> String { Readable.fixed(value, 3) }

  private func singletons() {
    let row = summary.singletons
    Output.line(
      "singletons     \(Readable.percent(row.singletonRate)) of \(row.presentationCount.grouped) "
        + "presentations an epoch are of queries presented once; "
        + "\(Readable.percent(row.unseenShare)) of the weight is never presented")
    Output.line(
      "miscalibration \(bit(row.miscalibration)): answers above 1/\(row.wrongObjectCount) have "
        + "\(Readable.percent(row.modelMass)) of the model's probability, \(Readable.percent(row.trueMass)) of "
        + "the truth's")
    Output.line(
      "bound          " + Self.bound(row.bound) + "; " + Self.bound(row.limitBound)
        + " without the term for finite samples, \(bit(row.sampleTerm)); "
        + "measured \(Readable.percent(row.weightedRate)) over all queries")
  }

  /// A bound at or below 0 says nothing of a rate.
  private static func bound(_ value: Double) -> String {
    value > 0
      ? "hallucination rate >= \(Readable.percent(value))"
      : "empty (\(Readable.fixed(value, 3)) is below 0: any rate satisfies it)"
  }

  private func reversal() {
    if let absence = summary.reversal.absence {
      return Output.line("reversal       not tested: \(absence)")
    }
    Output.line("facts trained as (s, p, o) and asked as (o, inverse of p, ?)")
    var table = TextTable(
      [
        "trained", "asked", "n", "gap in nats", "95 % interval", "above random", "greedy right",
        "95 % interval", "forward right",
      ], left: [0, 1])
    for row in summary.reversal.rows {
      let (gap, accuracy) = (row.gap.interval, row.accuracy.interval)
      table.add([
        row.forwardPredicate.isEmpty ? "all" : row.forwardPredicate,
        row.predicate.isEmpty ? "all" : row.predicate, row.factCount.grouped,
        bit(row.gap.value), Readable.interval(gap?.low, gap?.high, "%.2f", scale: 1),
        Readable.percent(row.shareAbove), Readable.percent(row.accuracy.value),
        Readable.interval(accuracy?.low, accuracy?.high), Readable.percent(row.forwardAccuracy),
      ])
    }
    Output.table(table)
  }

  private func calibration() {
    Output.line("probability of the greedy answer against its being true")
    var table = TextTable([
      "queries", "n", "accuracy", "mean probability", "Brier", "95 % interval", "ECE equal width",
      "ECE equal mass",
    ])
    for row in summary.calibration {
      let interval = row.brier.interval
      table.add([
        row.visibility.rawValue, row.answerCount.grouped, Readable.percent(row.accuracy),
        Readable.percent(row.meanConfidence), Readable.fixed(row.brier.value, 4),
        Readable.interval(interval?.low, interval?.high, "%.4f", scale: 1),
        Readable.fixed(row.equalWidthError, 4), Readable.fixed(row.equalMassError, 4),
      ])
    }
    Output.table(table)
    guard let seen = summary.calibration.first(where: { $0.visibility == .seen }) else { return }
    Output.line()
    Output.line("reliability over seen queries, \(summary.options.bins) bins of equal width")
    var bins = TextTable(["probability", "n", "mean probability", "accuracy"])
    for bin in seen.reliability where bin.binning == .equalWidth {
      bins.add([
        "\(Readable.number(bin.lower)) to \(Readable.number(bin.upper))", bin.count.grouped,
        Readable.percent(bin.meanConfidence), Readable.percent(bin.accuracy),
      ])
    }
    Output.table(bins)
  }
}
