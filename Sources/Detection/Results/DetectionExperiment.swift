import Compute
package import Corpus
import Evaluation
package import KnowledgeGraph
import LabCore
package import LanguageModel

/// Where a detection stands.
package struct DetectionProgress: Sendable {
  /// What is being done.
  package enum Stage: String, Sendable {
    case drawing = "drawing answers"
    case reading = "reading states"
    case training = "training detectors"
  }

  package let stage: Stage
  /// Share of the stage that is done, in 0...1.
  package let share: Double
}

/// Measures the detectors of one language model.
package struct DetectionExperiment {
  private let model: LanguageModel
  private let tokenizer: any Tokenizer
  private let graph: KnowledgeGraph
  private let fraction: Double
  private let wording: Wording
  private let options: DetectionOptions
  private let training: HeadTrainingOptions
  private let pretrained: [String: LanguageModel]
  private let workers: Int

  /// `pretrained` are the models that `full` detectors begin with, by the hash of their weights.
  ///
  /// Throws `LabError` naming an option that is impossible.
  package init(
    model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, fraction: Double = 1,
    wording: Wording = .triple, options: DetectionOptions,
    training: HeadTrainingOptions = HeadTrainingOptions(),
    pretrained: [String: LanguageModel] = [:], workers: Int = 1
  ) throws {
    try options.validate()
    self.model = model
    self.tokenizer = tokenizer
    self.graph = graph
    self.fraction = fraction
    self.wording = wording
    self.options = options.normalized
    self.training = training.inPrecision(of: options)
    self.pretrained = pretrained
    self.workers = workers
  }

  /// The examples of every set, with what the model computed while it read them.
  package struct Material: Sendable {
    package let answers: DrawnAnswers
    package let features: AnswerFeatures
    package let sets: [ExampleSet]
    package let eigenScores: [Int: Double]
  }

  /// Draws the answers, or takes those of the cache.
  package func answers(
    cache: FeatureCache? = nil, progress: (DetectionProgress) -> Void = { _ in },
    shouldStop: @Sendable () -> Bool = { false }
  ) throws -> DrawnAnswers {
    if let stored = cache?.answers(
      of: graph, vocabularySize: tokenizer.vocabularySize)
    {
      return stored
    }
    let drawer = try AnswerDrawer(
      model: model, tokenizer: tokenizer, graph: graph, fraction: fraction, wording: wording,
      options: options, workers: workers)
    let answers = try drawer.draw(
      onProgress: { progress(DetectionProgress(stage: .drawing, share: $0)) },
      shouldStop: shouldStop)
    try cache?.save(answers)
    return answers
  }

  /// The sets of examples that the options ask for.
  package func sets(_ answers: DrawnAnswers) throws -> [ExampleSet] {
    let text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    return options.tasks.flatMap { task -> [ExampleSet] in
      switch task {
      case .sentence: return [.sentence(answers.judged)]
      case .token:
        return options.positions.map { position in
          .token(
            answers.judged, position: position,
            trueAnswers: { index in
              graph.truth(of: graph.queries[index]).map {
                text.completion(object: $0.object).dropLast()
              }
            }, tokenText: { tokenizer.text(of: $0) })
        }
      }
    }
  }

  /// Bytes that the features of some answers take on disk.
  package func featureBytes(_ answers: DrawnAnswers) throws -> Int {
    AnswerFeatures.byteCount(
      rows: AnswerTexts(answers.judged, graph: graph).rowCount,
      streams: try streams(sets(answers)), model.configuration)
  }

  private func streams(_ sets: [ExampleSet]) throws -> Set<CaptureStream> {
    let book = RecipeBook(options, model.configuration)
    return try sets.reduce(into: []) { streams, set in
      for recipe in try book.recipes(for: set) { streams.formUnion(recipe.streams) }
    }
  }

  /// Answers drawn, labelled by the graph and read by the model in one pass.
  ///
  /// With a cache, what is stored there is not computed again. `onSize` gets the bytes that the features will take before
  /// they are read. Throws `LabError.interrupted` when asked to stop.
  package func material(
    cache: FeatureCache? = nil, progress: (DetectionProgress) -> Void = { _ in },
    onSize: (Int) -> Void = { _ in }, shouldStop: @Sendable () -> Bool = { false }
  ) throws -> Material {
    let answers = try answers(cache: cache, progress: progress, shouldStop: shouldStop)
    let sets = try sets(answers)
    let streams = try streams(sets)
    let texts = AnswerTexts(answers.judged, graph: graph)
    onSize(
      AnswerFeatures.byteCount(rows: texts.rowCount, streams: streams, model.configuration))
    progress(DetectionProgress(stage: .reading, share: 0))
    func reader() throws -> AnswerReader {
      try AnswerReader(
        model: model, text: TripleText(graph: graph, tokenizer: tokenizer, wording: wording),
        workers: workers)
    }
    let onProgress: (Double) -> Void = {
      progress(DetectionProgress(stage: .reading, share: $0))
    }
    let features =
      if let cache {
        try cache.features(
          of: texts, streams: streams, configuration: model.configuration, reader: reader,
          shouldStop: shouldStop, onProgress: onProgress)
      } else {
        try AnswerFeatures(
          reading: texts, streams: streams, with: reader(), shouldStop: shouldStop,
          onProgress: onProgress)
      }
    let needsEvidence = options.tasks.contains(.sentence) && options.kinds.contains(.score)
    return Material(
      answers: answers, features: features, sets: sets,
      eigenScores: needsEvidence
        ? try eigenScores(answers.evidence, with: reader, shouldStop) : [:])
  }

  /// EigenScore of each query's further completions, by the query's index.
  private func eigenScores(
    _ evidence: [QueryEvidence], with reader: () throws -> AnswerReader,
    _ shouldStop: @Sendable () -> Bool
  ) throws -> [Int: Double] {
    guard !evidence.isEmpty else { return [:] }
    let triples = evidence.flatMap { own in
      own.texts.map { text in
        let query = graph.queries[own.query]
        return (subject: query.subject, predicate: query.predicate, tokens: text.tokens)
      }
    }
    let stream = EigenScoreDetector.stream(model.configuration)
    let features = try AnswerFeatures(
      reading: AnswerTexts(triples), streams: [stream], with: reader(), shouldStop: shouldStop)
    let width = model.configuration.modelDimension
    let states = try features.matrix(
      FeatureSelection([stream]),
      rows: triples.indices.map { features.texts.rows($0, at: .last) })
    var scores: [Int: Double] = [:]
    var row = 0
    for own in evidence {
      scores[own.query] = EigenScore.value(
        own.texts.enumerated().map { place, text in
          let start = (row + place) * width
          return (values: states[start..<(start + width)], count: text.count)
        })
      row += own.texts.count
    }
    return scores
  }

  /// The detectors of each set on one split of the graph's subjects.
  ///
  /// `key` names the folders of trained ones. Throws `DetectionError.tooFewSubjects` for a graph that is too small
  /// to split, and `LabError.interrupted` when asked to stop.
  package func measure(
    key: String, cache: FeatureCache? = nil, progress: (DetectionProgress) -> Void = { _ in },
    onSize: (Int) -> Void = { _ in },
    shouldStop: @escaping @Sendable () -> Bool = { false }
  ) throws -> [TaskMeasurement] {
    let split = try SubjectSplit(of: graph, seed: Seed(options.seed))
    let material = try material(
      cache: cache, progress: progress, onSize: onSize, shouldStop: shouldStop)
    let pool = try WorkerPool(workerCount: workers)
    let book = RecipeBook(options, model.configuration)
    let full = try fullDetectors()
    return try material.sets.enumerated().map { index, set in
      progress(
        DetectionProgress(
          stage: .training, share: Double(index) / Double(material.sets.count)))
      let own = DetectorMaterial(
        set: set, answers: material.answers, features: material.features, graph: graph,
        baselines: TripleBaselines(graph: graph, fraction: fraction),
        indices: try split.indices(ofSubjects: set.examples.map(\.subject)),
        eigenScores: material.eigenScores, training: training, seed: Seed(options.seed),
        shufflesLabels: options.shufflesLabels, workers: workers, shouldStop: shouldStop)
      return try TaskMeasurer(own, resampleCount: options.resampleCount).measure(
        book.recipes(for: set, full: set.position == .each ? full : []), on: pool,
        shouldStop: shouldStop
      ) {
        "\(set.task.rawValue)-\($0)-\(key.prefix(8))"
      }
    }
  }

  private func fullDetectors() throws -> [FullDetector] {
    guard !options.full.isEmpty else { return [] }
    let text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
    return try options.full.map { choice in
      let source: LanguageModel? =
        switch choice {
        case .scratch: nil
        case .own: model
        case .pretrained(_, let hash): pretrained[hash]
        }
      return try FullDetector(
        choice, pretrained: source, contextLength: model.configuration.contextLength + 1,
        text: text, options: options.fullTraining)
    }
  }
}
