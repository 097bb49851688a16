import Compute
import Corpus
import Evaluation
import Foundation
package import KnowledgeGraph
package import LabCore
import LanguageModel
package import Training

/// One place of a transfer: a language model, asked about queries of some visibilities.
package struct TransferCondition: Sendable {
  /// How the run is called in tables.
  package let name: String
  package let run: RunFolder
  package let graph: KnowledgeGraph
  package let visibilities: [Visibility]

  package init(name: String, run: RunFolder, graph: KnowledgeGraph, visibilities: [Visibility]) {
    self.name = name
    self.run = run
    self.graph = graph
    self.visibilities = Visibility.allCases.filter { visibilities.contains($0) }
  }

  /// "fvs+pvs".
  package var visibilityName: String { visibilities.map(\.rawValue).joined(separator: "+") }
  /// "runs/a (fvs+pvs)".
  var words: String { "\(name) (\(visibilityName))" }
}

/// How well a detector trained in one place does in another.
package struct TransferCell: Codable, Hashable, Sendable {
  package let detector: String
  package let kind: DetectorKind
  package let task: DetectorTask
  package let trainedOn: String
  package let trainVisibility: String
  package let testedOn: String
  package let testVisibility: String
  /// Ranking metrics; empty where the detector could not be used.
  package let metrics: [MetricEstimate]
  /// Test examples left out, since the detector learned from a subject of the same name in another
  /// graph.
  package let droppedCount: Int
  /// Why there are no metrics; nil where there are.
  package let refused: String?

  /// The estimate of a metric; nil where it was not measured.
  package subscript(metric: DetectionMetric) -> MetricEstimate? {
    metrics.first { $0.metric == metric }
  }

  enum CodingKeys: String, SnakeCaseKey {
    case detector, kind, task, metrics, refused, trainedOn, trainVisibility, testedOn,
      testVisibility
    case droppedCount = "dropped_examples"
  }
}

/// Trains detectors in each condition and tests them in all: across language models, graphs and
/// visibilities.
package struct TransferExperiment {
  private let conditions: [TransferCondition]
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let testsFirstOnly: Bool

  /// `options` say which detectors; their visibilities are replaced by each condition's.
  ///
  /// With `testsFirstOnly` detectors of all conditions are tested in the first one: no folder but
  /// its run's is written, and the features leave the disk once the cells are stored. Throws
  /// `LabError` where two conditions are the same or an option is impossible.
  package init(
    _ conditions: [TransferCondition], options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions(), testsFirstOnly: Bool = false
  ) throws {
    try options.validate()
    guard conditions.count > (testsFirstOnly ? 0 : 1) else {
      throw LabError(
        "a transfer needs two places; give several runs, or several --visibility", .usage)
    }
    for (index, condition) in conditions.enumerated() {
      try condition.run.check(condition.graph)
      let isTwice = conditions[..<index].contains {
        $0.run.url.resolvingSymlinksInPath() == condition.run.url.resolvingSymlinksInPath()
          && $0.visibilities == condition.visibilities
      }
      if isTwice {
        throw LabError(
          "\(condition.words) is given twice; give each run and visibility once",
          .usage)
      }
    }
    self.conditions = conditions
    self.options = options
    self.training = training.inPrecision(of: options)
    self.testsFirstOnly = testsFirstOnly
  }

  /// One condition with its examples.
  private struct Place {
    let condition: TransferCondition
    let materials: [DetectorMaterial]
    let recipes: [[any DetectorRecipe]]
    let text: TripleText
    let key: String
    let cache: FeatureCache
  }

  /// All cells: by trained place, set of examples and detector, then by tested place.
  ///
  /// They are stored in the run.sqlite of the run tested on. Throws `LabError.interrupted` when
  /// asked to stop.
  package func run(_ work: Work = Work()) throws -> [TransferCell] {
    let reading = 0.5 / Double(conditions.count)
    let places = try conditions.enumerated().map { index, condition in
      let start = Double(index) * reading
      return try place(
        condition, work.part(start...(start + reading), "\(condition.words): "))
    }
    let targets = testsFirstOnly ? Array(places.prefix(1)) : places
    var cells: [(cell: TransferCell, target: Int, source: String)] = []
    for (number, source) in places.enumerated() {
      for (index, material) in source.materials.enumerated() {
        for recipe in source.recipes[index] where recipe.kind.isTrained {
          if work.shouldStop() {
            throw LabError.interrupted("stopped while detectors were trained")
          }
          work.report(
            0.5 + 0.5 * Double(number) / Double(places.count),
            "training \(recipe.name) on \(source.condition.words)")
          let trained = Result<TrainedDetector?, any Error> {
            try recipe.make(material).model.map { TrainedDetector(recipe, of: material.set, $0) }
          }
          for (number, target) in targets.enumerated() {
            let cell = try cell(recipe, trained, from: source, to: target, set: index)
            cells.append((cell, number, source.key))
          }
        }
      }
    }
    for (index, target) in targets.enumerated() {
      let own = cells.filter { $0.target == index }.map { ($0.cell, $0.source) }
      let database = try RunDatabase.open(
        in: target.condition.run.url, graphHash: target.condition.graph.contentHash)
      try database.prepareDetection()
      try database.store(own, testKey: target.key)
    }
    if testsFirstOnly { for place in places { place.cache.remove() } }
    return cells.map(\.cell)
  }

  private func place(_ condition: TransferCondition, _ work: Work) throws -> Place {
    var options = options
    options.visibilities = condition.visibilities
    let runner = try DetectionRunner(
      run: condition.run, graph: condition.graph, options: options, training: training)
    let experiment = try runner.experiment()
    let cache = try runner.featureCache(in: testsFirstOnly ? conditions[0].run.url : nil)
    let materials = try experiment.materials(cache: cache, work: work)
    return Place(
      condition: condition, materials: materials,
      recipes: try materials.map { try experiment.recipes(for: $0.set) },
      text: experiment.models.text, key: try runner.identity.key, cache: cache)
  }

  private func cell(
    _ recipe: any DetectorRecipe, _ trained: Result<TrainedDetector?, any Error>,
    from source: Place, to target: Place, set: Int
  ) throws -> TransferCell {
    let material = target.materials[set]
    func cell(_ metrics: [MetricEstimate], dropped: Int, refused: String?) -> TransferCell {
      TransferCell(
        detector: recipe.name, kind: recipe.kind, task: material.set.task,
        trainedOn: source.condition.name, trainVisibility: source.condition.visibilityName,
        testedOn: target.condition.name, testVisibility: target.condition.visibilityName,
        metrics: metrics, droppedCount: dropped, refused: refused)
    }
    do {
      guard let detector = try trained.get() else { throw DetectionError.noExamples }
      if detector.model.streams.isEmpty,
        try source.condition.run.tokenizerHash() != target.condition.run.tokenizerHash()
      {
        throw DetectionError.unsuitable(
          reason: "the detector was trained with another tokenizer, so it cannot read these answers"
        )
      }
      let test = material.rows(.test)
      let rows = try kept(test, of: material, learnedFrom: source.materials[set])
      let scores = try detector.scores(rows, of: material, text: target.text)
      let examples = rows.map { material.set.examples[$0] }
      let quality = try ScoredExamples(
        scores: scores, labels: examples.map(\.isHallucination), subjects: examples.map(\.subject)
      ).quality(
        seed: Seed(options.seed), name: material.set.task.rawValue + material.set.suffix,
        resampleCount: options.resampleCount)
      return cell(
        quality.estimates.filter { !($0.metric.usesThreshold || $0.metric.needsProbabilities) },
        dropped: test.count - rows.count, refused: nil)
    } catch let error as DetectionError {
      return cell([], dropped: 0, refused: error.description)
    }
  }

  /// The test examples about subjects that the detector did not learn from.
  ///
  /// On one graph the split sees to that, and this checks it; on two graphs subjects are told apart
  /// by name.
  private func kept(
    _ rows: [Int], of target: DetectorMaterial, learnedFrom source: DetectorMaterial
  ) throws -> [Int] {
    let learned = (source.rows(.train) + source.rows(.validation)).map {
      source.set.examples[$0].subject
    }
    if source.graph.contentHash == target.graph.contentHash {
      try SubjectSplit.checkDisjoint([
        .train: learned, .test: rows.map { target.set.examples[$0].subject },
      ])
      return rows
    }
    let names = Set(learned.map { Array(source.graph.entities[Int($0)].name.utf8) })
    let kept = rows.filter {
      let subject = target.set.examples[$0].subject
      return !names.contains(Array(target.graph.entities[Int(subject)].name.utf8))
    }
    guard !kept.isEmpty else {
      throw DetectionError.unsuitable(
        reason: "every test subject has the name of one that the detector learned from")
    }
    return kept
  }
}
