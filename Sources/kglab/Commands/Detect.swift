import ArgumentParser
import Detection
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct Detect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train and measure detectors of a model's hallucinations.",
    discussion: """
      The model answers its own training queries at temperature 1; the graph says which answers are \
      hallucinated; detectors learn from 60 % of the subjects and are measured on another 20 %. Heads \
      are read-outs trained on the frozen model's states; scores and baselines are not trained and \
      stand beside them. Done before with the same options, the stored result is shown.

      AUC-PR of a detector that knows nothing is the prevalence; AUROC and AUC-PR at matched prevalence \
      do not move with it.

      EXAMPLES:
        kglab detect runs/a
        kglab detect runs/a --task sentence --heads linear,mlp-64,mlp-256x2
        kglab detect runs/a --samples 8 --visibility fvs,pvs,ivs --json
      """)

  /// The values of `--task`.
  enum TaskChoice: String, CaseIterable, ExpressibleByArgument {
    case sentence, token, all

    var tasks: [DetectorTask] {
      switch self {
      case .sentence: [.sentence]
      case .token: [.token]
      case .all: DetectorTask.allCases
      }
    }
  }

  @Argument(help: ArgumentHelp("The folder of a finished run.", valueName: "run"))
  var folder: String

  @Option(help: "Judge whole answers (sentence), each of their tokens (token), or both (all).")
  var task: TaskChoice = .all

  @Option(help: "Heads, separated by commas: linear, mlp-N, mlp-NxD (N units, D hidden layers).")
  var heads: String = HeadArchitecture.ladder.map(\.name).joined(separator: ",")

  @Option(help: "Show detectors of this kind only: head, score or baseline.")
  var kind: DetectorKind?

  @Option(help: "Completions drawn of each query.")
  var samples: Int = DetectionOptions().samples

  @Option(help: "Whose queries are asked, separated by commas: fvs, pvs, ivs.")
  var visibility: String = DetectionOptions().visibilities.map(\.rawValue)
    .joined(separator: ",")

  @Option(help: "Decides the answers drawn, the split, the heads and the intervals.")
  var seed: UInt64 = 0

  @Option(help: "The run's graph, where it is no longer at its place.")
  var graph: String?

  @OptionGroup var workers: WorkerOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let signals = Interruption.install()
    defer { withExtendedLifetime(signals) {} }
    let options = try options()
    let run = try RunFolder.open(URL(fileURLWithPath: folder, isDirectory: true))
    let runner = try DetectionRunner(
      run: run, graph: run.graph(at: graph.map { URL(fileURLWithPath: $0) }),
      options: options, workers: workers.count)
    let progress = ProgressReporter()
    let summary = try runner.run(progress: { state in
      progress.update("\(state.stage.rawValue) \(Output.percent(state.share))")
    })
    progress.finish()
    if json { return try Output.json(summary) }
    for task in summary.tasks { show(task, summary) }
    Output.line(
      "wrote \(folder)/run.sqlite (tables detector, detector_metric, detector_score) and "
        + "\(folder)/\(DetectionRunner.folderName)/")
    Output.line(
      "next: sqlite3 \(folder)/run.sqlite "
        + "'SELECT * FROM detector_score_text ORDER BY score DESC LIMIT 9'")
  }

  private func options() throws -> DetectionOptions {
    var options = DetectionOptions()
    options.tasks = task.tasks
    options.heads = try heads.split(separator: ",").map {
      try HeadArchitecture(named: $0.trimmingCharacters(in: .whitespaces))
    }
    options.visibilities = try visibility.split(separator: ",").map {
      let name = $0.trimmingCharacters(in: .whitespaces).lowercased()
      guard let value = Visibility(rawValue: name) else {
        let known = Visibility.allCases.map(\.rawValue)
        throw LabError(
          "unknown visibility '\(name)'\(Suggestion.hint(for: name, in: known))", .usage)
      }
      return value
    }
    options.samples = samples
    options.seed = seed
    try options.validate()
    return options
  }

  // MARK: Text

  private func show(_ counts: TaskCounts, _ summary: DetectionSummary) {
    let parts = counts.parts.map { part in
      "\(part.part.rawValue) \(Output.grouped(part.exampleCount)) "
        + "(\(Output.percent(part.prevalence)) hallucinated, "
        + "\(Output.grouped(part.subjectCount)) subjects)"
    }
    Output.line("\(counts.task.rawValue) task: \(parts.joined(separator: ", "))")
    var table = TextTable(
      ["detector", "kind", "parameters", "AUC-PR", "matched AUC-PR", "AUROC"], leftColumns: 2)
    var reasons: [String] = []
    for detector in summary.detectors
    where detector.task == counts.task && kind.map({ $0 == detector.kind }) ?? true {
      let shown: [DetectionMetric] = [.auprc, .auprcMatched, .auroc]
      table.add(
        [
          detector.name, detector.kind.rawValue,
          detector.kind == .head ? Output.grouped(detector.parameters) : "-",
        ] + shown.map { estimate(detector[$0]) })
      if let reason = detector.unmeasured, !reasons.contains(reason) { reasons.append(reason) }
    }
    table.add(["(chance)", "", "", chance(counts.prevalence), chance(0.5), chance(0.5)])
    table.print()
    for reason in reasons { Output.line("not measured: \(reason)") }
    Output.line()
  }

  private func estimate(_ estimate: MetricEstimate?) -> String {
    guard let estimate else { return "-" }
    let value = String(format: "%.3f", estimate.value)
    guard let lower = estimate.lower, let upper = estimate.upper else { return value }
    return value + String(format: " (%.3f to %.3f)", lower, upper)
  }

  private func chance(_ value: Double?) -> String {
    value.map { String(format: "%.3f", $0) } ?? "-"
  }
}

extension DetectorKind: ExpressibleByArgument {}
