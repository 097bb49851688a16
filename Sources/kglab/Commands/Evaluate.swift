import ArgumentParser
import Compute
import Console
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how much a trained model hallucinates.",
    discussion: """
      Asks the model every query of its graph. The exact rate is 1 minus the probability of all true \
      answers, without sampling noise; the sampled rate counts completions. Every completion with its \
      verdict is a row of run.sqlite in the run folder. Interrupted, the same command continues; done, \
      it shows the stored result. Results do not depend on the number of workers.

      EXAMPLES:
        kglab evaluate runs/a
        kglab evaluate runs/a --temperatures 0,0.2,0.4,0.6,0.8,1 --samples 16
        kglab evaluate runs/a --top-k 10 --top-p 0.9
        kglab evaluate runs/a --candidates 9
        kglab evaluate runs/a --by exposure,popularity
        kglab evaluate runs/a --json > rates.json
        kglab evaluate runs/a --checkpoint 64
        kglab evaluate runs/pythia-70m --model models/pythia-70m --graph graph.sqlite
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of a finished run; with --model the folder to make, or to go on in.",
      valueName: "run"))
  var folder: String

  @Option(help: "Ask the weights that training kept at this step, instead of the last.")
  var checkpoint: Int?

  @OptionGroup(title: "A model that was trained elsewhere") var outside: OutsideOptions

  @Option(help: "Completions of each query at each temperature above 0.")
  var samples: Int = 16

  @Option(
    help: "Temperatures of the samples, separated by commas; 0 is greedy. Exact rates: 1 and these."
  )
  var temperatures: String = "0,1"

  @Option(help: "Draw from this many likeliest tokens alone; exact rates are then of what is left.")
  var topK: Int?

  @Option(
    help: "Draw from the fewest likeliest tokens with this probability together, after --top-k.")
  var topP: Double?

  @Option(
    help: "Rank each true answer among this many wrong ones of the right type, as multiple choice.")
  var candidates: Int?

  @Option(
    help: ArgumentHelp(
      "Show rates of groups too: predicate, answer_count, exposure, popularity, entailment, "
        + "inferability, or several separated by commas.", valueName: "groups"))
  var by: String?

  @Option(help: "Seed of the draws and of the intervals' resamples.")
  var seed: UInt64 = 0

  @Option(
    help:
      "Of a model trained on sentences: ask in the phrasing a fact was shown in, or in one it was not."
  )
  var phrasing: AskedPhrasing = .seen

  @OptionGroup var asking: AskingOptions

  func validate() throws {
    try OptionList.validate(options)
    try OptionList.validate(groupKinds)
    try outside.validate(graph: asking.graph.graph, checkpoint: checkpoint)
  }

  private func groupKinds() throws -> [String] {
    let known = Array(RateGroup.kinds.dropFirst())
    return try by.map { by in
      try OptionList.values(by, "--by") { name in
        try OptionList.known(name, "--by", known) { known.contains($0) ? $0 : nil }
      }
    } ?? []
  }

  private func options() throws -> EvaluationOptions {
    let values = try OptionList.values(temperatures, "--temperatures") { text in
      guard let value = Double(text) else {
        throw LabError(
          "--temperatures '\(temperatures)' is no list of numbers; write them like 0,0.5,1", .usage)
      }
      return value
    }
    var options = EvaluationOptions()
    options.sampleTemperatures = values
    options.exactTemperatures = [1] + values.filter { $0 > 0 && $0 != 1 }
    options.samples = samples
    options.topK = topK
    options.topP = topP
    options.candidates = candidates
    options.seed = seed
    options.precision = asking.precision
    options.phrasing = phrasing
    try options.validate()
    return options
  }

  func run() throws {
    Interruption.heed()
    let run =
      try outside.request(precision: asking.precision).map { request in
        let file = URL(fileURLWithPath: asking.graph.graph ?? "")
        return try RunFolder.outside(
          request, graph: (KnowledgeGraph.open(file), file),
          at: URL(fileURLWithPath: folder, isDirectory: true))
      } ?? RunFolder.open(folder, checkpoint: checkpoint)
    let elsewhere = try asking.graph.url.map { try run.graph(at: $0) }
    let summary = try asking.workers.during {
      try run.evaluate(options(), graph: elsewhere, work: $0)
    }
    if asking.json { return try Output.json(summary) }
    show(summary, of: run.record)
    for kind in try groupKinds() {
      Output.table(groups(summary, kind))
      Output.line()
    }
    Output.wrote(folder, "evaluation", key: summary.key)
    let later = checkpoint.flatMap { step in
      RunFolder.checkpointSteps(run.url).first { $0 > step }
    }
    Output.next(
      later.map { ["kglab", "evaluate", folder, "--checkpoint", "\($0)"] }
        ?? ["kglab", "detect", folder, "--kind", "head", "--task", "sentence"])
  }

  // MARK: Text

  private func show(_ summary: EvaluationSummary, of record: RunRecord) {
    let training =
      record.outside.map { "\($0.architecture) of elsewhere, not trained here" }
      ?? record.imported.map { "imported from \($0.folder)" }
      ?? record.configuration.training.horizon.words
    Output.line(
      "model          \(record.sizeName): \(record.nonEmbeddingParameterCount.grouped) "
        + "non-embedding parameters, "
        + (summary.checkpointStep.map { "step \($0) of \(record.stepCount)" } ?? training))
    Output.line(
      "asked          \(summary.queryCount.grouped) queries about "
        + "\(summary.subjectCount.grouped) subjects; "
        + (record.outside?.training == .unknown
          ? "visibility unknown: what it was trained on is not known" : "seen = fvs and pvs"))
    Output.line()
    let cut = [
      summary.options.topK.map { "the \($0) likeliest tokens" },
      summary.options.topP.map { "the likeliest tokens that reach \(Readable.number($0))" },
    ].compactMap(\.self)
    Output.line(
      "hallucination rate, with the 95 % interval over subjects"
        + (cut.isEmpty ? "" : "; drawing from \(cut.joined(separator: ", then ")) alone"))
    Output.table(rates(summary))
    for series in summary.options.series where series.method != .exact {
      Output.line()
      Output.line("\(name(series)): share of each verdict, precision, recall, distinct answers")
      Output.table(verdicts(summary, series))
    }
    Output.line()
    if let count = summary.options.candidates, summary.grades?.isEmpty == false {
      Output.line("true answers among \(count.grouped) wrong ones of the right type")
      Output.table(grades(summary))
      Output.line()
    }
    if let ends = record.outside?.ends {
      Output.line(
        "answers        what follows the graph's sentence, up to the first of \(ends.map(\.debugDescription).joined(separator: " ")) or "
          + "the model's own end token; the exact rate is an upper bound: it counts each name in the tokenizer's own spelling "
          + "with such an end right after it")
    } else if summary.exactCountsCanonicalSpellingOnly {
      Output.line(
        "spelling       the exact rate counts one spelling of each name, the tokenizer's own; other "
          + "spellings of true answers count as right in samples only")
    }
  }

  private func name(_ series: RateSeries) -> String {
    series.method == .greedy
      ? "greedy" : "\(series.method.rawValue) T=\(Readable.number(series.temperature))"
  }

  private func rates(_ summary: EvaluationSummary) -> TextTable {
    let series = summary.options.series
    var table = TextTable(
      ["queries", "n"] + series.flatMap { [name($0), "95 % interval"] })
    for set in QuerySet.all {
      let own = series.map {
        summary.rate($0.method, temperature: $0.temperature, set)
      }
      guard let count = own.lazy.compactMap({ $0?.queryCount }).first else { continue }
      let cells = own.flatMap { rate -> [String] in
        guard let rate else { return ["-", "-"] }
        return [Readable.percent(rate.rate), Readable.interval(rate.lower, rate.upper)]
      }
      table.add([set.rawValue, count.grouped] + cells)
    }
    return table
  }

  /// The rates of one kind of groups over what was trained on and what was not.
  private func groups(_ summary: EvaluationSummary, _ kind: String) -> TextTable {
    let series = summary.options.series
    var table = TextTable(
      ["queries", Readable.words(kind), "n"]
        + series.flatMap { [name($0), "95 % interval"] }, left: [0, 1])
    for set in QuerySet.all where set != .seen {
      var values: [String] = []
      for rate in summary.rates
      where rate.groupKind == kind && rate.visibility == set && !values.contains(rate.groupValue) {
        values.append(rate.groupValue)
      }
      for value in values {
        guard let group = RateGroup(kind: kind, value: value) else { continue }
        let own = series.map {
          summary.rate($0.method, temperature: $0.temperature, set, group: group)
        }
        table.add(
          [
            set.rawValue, value,
            (own.lazy.compactMap { $0?.queryCount }.first ?? 0).grouped,
          ]
            + own.flatMap { [Readable.percent($0?.rate), Readable.interval($0?.lower, $0?.upper)] })
      }
    }
    return table
  }

  private func grades(_ summary: EvaluationSummary) -> TextTable {
    var table = TextTable([
      "queries", "n", "accuracy", "95 % interval", "chance", "mean 1/rank", "95 % interval",
    ])
    for set in QuerySet.all {
      guard let grade = summary.grade(set) else { continue }
      table.add([
        set.rawValue, grade.queryCount.grouped, Readable.percent(grade.accuracy),
        Readable.interval(grade.accuracyLower, grade.accuracyUpper), Readable.percent(grade.chance),
        Readable.fixed(grade.meanReciprocalRank, 3),
        Readable.interval(
          grade.meanReciprocalRankLower, grade.meanReciprocalRankUpper, "%.3f", scale: 1),
      ])
    }
    return table
  }

  private func verdicts(_ summary: EvaluationSummary, _ series: RateSeries) -> TextTable {
    let shown = Verdict.allCases.filter { $0 != .abstained }
    var table = TextTable(
      ["queries"] + shown.map { Readable.words($0.rawValue) }
        + ["precision", "recall", "distinct"])
    for row in summary.coverage
    where row.method == series.method && row.temperature == series.temperature {
      let shares = shown.map { verdict in
        let count = summary.verdicts.first {
          $0.method == row.method && $0.temperature == row.temperature
            && $0.visibility == row.visibility && $0.verdict == verdict.rawValue
        }
        return Readable.percent(count.map { Double($0.count) / Double($0.sampleCount) })
      }
      table.add(
        [row.visibility.rawValue] + shares
          + [
            Readable.fixed(row.precision, 3), Readable.fixed(row.recall, 3),
            Readable.fixed(row.meanDistinctCount, 2),
          ])
    }
    return table
  }
}
