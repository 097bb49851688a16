import Analysis
import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// The losses of lines at the kept steps of a training.
struct Trajectories {
  private let settings: TrajectoriesMeasure.Settings
  private let graph: KnowledgeGraph
  private let record: RunRecord
  private let lines: TrajectoryLines
  /// With the losses in nats of each item's lines, in their order.
  private let steps: [(step: Int, validation: Double, losses: [[Double]])]
  /// Share of each family's lines that the graph calls true.
  private let trueShares: [LineFamily: Double]

  init(
    _ subject: MeasuredRun, _ kept: [Int], _ settings: TrajectoriesMeasure.Settings, _ work: Work
  ) throws {
    let (graph, run, seed) = (try subject.graph(), try subject.open(), Seed(settings.seed))
    var lines = try TrajectoryLines(run, graph, count: settings.lineCount, seed: seed)
    if subject.siblings.count == 2 {
      try lines.addContrast(
        subject.siblings[0].open(), subject.siblings[1].open(), graph, seed: seed,
        work.part(0...0.2))
    }
    let items = lines.items.map { (query: $0.query, texts: $0.lines.map(\.tokens)) }
    let validation = lines.validation.map { (query: $0.query, texts: [$0.tokens]) }
    var folders = try kept.map { ($0, try RunFolder.open(subject.folder, checkpoint: $0)) }
    if kept.last != run.record.stepCount { folders.append((run.record.stepCount, run)) }
    steps = try folders.enumerated().map { index, entry in
      let start = 0.2 + 0.8 * Double(index) / Double(folders.count)
      let part = work.part(start...start + 0.8 / Double(folders.count), "step \(entry.0): ")
      let answering = try AnsweringRun(entry.1, graph: graph, workers: work.workers)
      let losses = try answering.logProbabilities(items, part).map { $0.map { -$0[0] } }
      let other = try answering.logProbabilities(validation, part).map { -$0[0][0] }
      return (entry.0, Mean.of(other) ?? 0, losses)
    }
    var counts: [LineFamily: (right: Double, all: Double)] = [:]
    for item in lines.items {
      for line in item.lines {
        let name = run.tokenizer.decode(Array(line.tokens.dropLast()))
        let isRight = !graph.verdict(on: name, for: item.query).isHallucination
        counts[line.family, default: (0, 0)].all += 1
        counts[line.family, default: (0, 0)].right += isRight ? 1 : 0
      }
    }
    trueShares = counts.mapValues { $0.right / $0.all }
    (self.settings, self.graph, self.lines) = (settings, graph, lines)
    record = run.record
  }

  /// The items that have a line of a family, with its place among their lines.
  private func places(_ family: LineFamily) -> [(item: Int, line: Int)] {
    lines.items.indices.compactMap { item in
      lines.items[item].lines.firstIndex { $0.family == family }.map { (item, $0) }
    }
  }

  /// Every family at every step.
  func points() -> [TrajectoryPoint] {
    LineFamily.allCases.flatMap { family -> [TrajectoryPoint] in
      let places = places(family)
      guard !places.isEmpty else { return [] }
      let series = steps.map { step in places.map { step.losses[$0.item][$0.line] } }
      let bootstrap = SubjectBootstrap(
        subjects: places.map { lines.items[$0.item].query.subject }, series: series,
        areShares: false)
      let means = bootstrap.measured(
        resamples: settings.resampleCount,
        Seed(settings.seed).stream("trajectories/\(family.rawValue)"))
      return steps.indices.map { index in
        let share = Double(steps[index].step) / Double(max(1, record.stepCount))
        return TrajectoryPoint(
          step: steps[index].step, family: family, flops: record.trainingFLOPs * share,
          validationLoss: steps[index].validation, loss: means[index].value,
          lower: means[index].lower, upper: means[index].upper,
          knownShare: Mean.of(series[index].map { exp(-$0) > 0.5 ? 1 : 0 }) ?? 0,
          trueShare: trueShares[family] ?? 0, lineCount: places.count)
      }
    }
  }

  /// The share of each family's lines in each class of trend; none for fewer than three steps after
  /// the start.
  func trends() -> [TrajectoryTrend] {
    let start = settings.start * Double(record.stepCount)
    let later = steps.filter { Double($0.step) >= start }
    guard later.count >= 3 else { return [] }
    return LineFamily.allCases.flatMap { family -> [TrajectoryTrend] in
      let classes = places(family).map { place in
        // Perplexity of a token.
        let count = Double(lines.items[place.item].lines[place.line].tokens.count)
        return TrendClass(later.map { exp($0.losses[place.item][place.line] / count) })
      }
      guard !classes.isEmpty else { return [] }
      return TrendClass.allCases.map { kind in
        TrajectoryTrend(
          family: family, trend: kind,
          share: Double(classes.count { $0 == kind }) / Double(classes.count),
          lineCount: classes.count)
      }
    }
  }
}
