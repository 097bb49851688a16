import Compute
package import Corpus
import Evaluation
package import KnowledgeGraph
package import LabCore
package import LanguageModel

/// Measures the detectors of one language model.
package struct DetectionExperiment {
  let models: ModelShelf
  private let fraction: Double
  private let options: DetectionOptions
  private let training: HeadTrainingOptions

  /// `others` are the models that detectors begin with or ask, by the hash of their weights; `slot`
  /// is that of the model's training lines, which texts that `full` detectors learn from then have
  /// too.
  ///
  /// Throws `LabError` naming an option that is impossible, and `CorpusError` for a name that the
  /// tokenizer cannot spell.
  package init(
    model: any AskedModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double = 1,
    wording: Wording = .triple, options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions(),
    others: [String: LanguageModel] = [:], slot: Slot? = nil
  ) throws {
    try options.validate()
    models = ModelShelf(
      judged: model, others: others, graph: graph,
      text: try TripleText(graph: graph, tokenizer: tokenizer, wording: wording), slot: slot)
    self.fraction = fraction
    self.options = options.normalized
    self.training = training.inPrecision(of: options)
  }

  /// Draws the answers, or takes those of the cache.
  package func answers(
    cache: FeatureCache? = nil, work: Work = Work()
  ) throws -> DrawnAnswers {
    let tokenizer = models.text.tokenizer
    if let stored = cache?.answers(of: models.graph, vocabularySize: tokenizer.vocabularySize) {
      return stored
    }
    let drawer = try AnswerDrawer(
      model: models.judged, tokenizer: tokenizer, graph: models.graph, fraction: fraction,
      wording: models.text.wording, options: options, workers: work.workers)
    let answers = try drawer.draw(work)
    try cache?.save(answers)
    return answers
  }

  /// The detectors that the options ask for of a set of examples.
  func recipes(for set: ExampleSet) throws -> [any DetectorRecipe] {
    try RecipeBook(set: set, options: options, models: models).recipes()
  }

  /// The examples of every set on one split of the graph's subjects: answers drawn, labelled by the
  /// graph and read by the model in one pass.
  ///
  /// With a cache, what is stored there is not computed again. `onSize` gets the bytes that the
  /// features will take before they are read. Throws `DetectionError.tooFewSubjects` for a graph
  /// that is too small to split, and `LabError.interrupted` when asked to stop.
  package func materials(
    cache: FeatureCache? = nil, work: Work = Work(), onSize: (Int) -> Void = { _ in }
  ) throws -> [DetectorMaterial] {
    let graph = models.graph
    let configuration = models.judged.configuration
    let split = try SubjectSplit(of: graph, seed: Seed(options.seed))
    let answers = try answers(cache: cache, work: work.part(0...0.8))
    let sets = options.tasks.flatMap { task in
      (task == .token ? options.positions : [.each]).map {
        ExampleSet(task, at: $0, of: answers.judged, in: graph, models.text)
      }
    }
    let streams = try sets.flatMap(recipes).reduce(into: Set<CaptureStream>()) {
      $0.formUnion($1.streams)
    }
    let texts = AnswerTexts(answers.judged, graph: graph)
    onSize(AnswerFeatures.byteCount(rows: texts.rowCount, streams: streams, configuration))
    let reading = work.part(0.8...1)
    reading.report(0, "reading states")
    func reader() throws -> AnswerReader {
      try AnswerReader(model: models.judged, text: models.text, workers: work.workers)
    }
    let features =
      if let cache {
        try cache.features(
          of: texts, streams: streams, configuration: configuration, reader: reader,
          work: reading)
      } else {
        try AnswerFeatures(reading: texts, streams: streams, with: reader(), work: reading)
      }
    let baselines = TripleBaselines(graph: graph, fraction: fraction)
    return try sets.map { set in
      DetectorMaterial(
        set: set, answers: answers, features: features, graph: graph, baselines: baselines,
        indices: try split.indices(ofSubjects: set.examples.map(\.subject)), training: training,
        seed: Seed(options.seed), shufflesLabels: options.shufflesLabels,
        work: Work(workers: work.workers, shouldStop: work.shouldStop))
    }
  }

  /// The detectors of each set.
  ///
  /// `key` names the folders of trained ones. Throws as `materials`.
  package func measure(
    key: String, cache: FeatureCache? = nil, work: Work = Work(),
    onSize: (Int) -> Void = { _ in }
  ) throws -> [TaskMeasurement] {
    // Training of heads takes about as long as all before it.
    let materials = try materials(cache: cache, work: work.part(0...0.5), onSize: onSize)
    let pool = try WorkerPool(workerCount: work.workers)
    return try materials.enumerated().map { index, material in
      let (done, all) = (Double(index), Double(materials.count))
      let part = work.part(
        (0.5 + 0.5 * done / all)...(0.5 + 0.5 * (done + 1) / all),
        "training detectors, \(material.set.task.rawValue) task: ")
      let recipes = try recipes(for: material.set)
      part.report(0, "0/\(recipes.count)")
      return try TaskMeasurer(material, resampleCount: options.resampleCount).measure(
        recipes, on: pool, work: part
      ) {
        "\(material.set.task.rawValue)-\($0)-\(key.prefix(8))"
      }
    }
  }
}
