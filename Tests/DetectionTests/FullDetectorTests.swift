import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing

struct FullDetectorTests {
  private let graph = SmallGraph.people(120)

  /// Answers to all queries whose label `label` decides from the city's number and a uniform
  /// number.
  private func material(
    task: DetectorTask = .sentence, workers: Int = 1, shufflesLabels: Bool = false,
    label: (Int, Double) -> Bool
  ) throws -> (material: DetectorMaterial, text: TripleText) {
    let tokenizer = try TokenizerKind.word.tokenizer(for: graph, vocabularySize: 1_024)
    let text = try TripleText(graph: graph, tokenizer: tokenizer)
    var stream = Seed(8).stream("answers")
    let judged = graph.queries.enumerated().map { index, query in
      let city = stream.below(9)
      let object = Int32(120 + city)
      return JudgedAnswer(
        query: index, subject: query.subject,
        answer: SampledAnswer(
          temperature: 1, sample: 0, tokens: Array(text.completion(object: object).dropLast()),
          ended: true, text: graph.entities[Int(object)].name, object: object, isCanonical: true,
          logProbability: -1,
          verdict: label(city, stream.uniform()) ? .wrongObject : .correct))
    }
    let set: ExampleSet =
      task == .sentence
      ? .sentence(judged)
      : .token(judged, trueAnswers: { _ in [] }, tokenText: { "\($0)" })
    let split = try SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(0))
    let shape = try ModelSize(named: "3k").configuration(
      vocabularySize: tokenizer.vocabularySize, contextLength: 16)
    let material = DetectorMaterial(
      set: set, answers: DrawnAnswers(judged: judged),
      features: AnswerFeatures(
        texts: AnswerTexts(judged, graph: graph), columns: FeatureColumns(), configuration: shape,
        load: { _ in nil }),
      graph: graph, baselines: TripleBaselines(graph: graph, fraction: 1),
      indices: try split.indices(ofSubjects: set.examples.map(\.subject)), seed: Seed(0),
      shufflesLabels: shufflesLabels, work: Work(workers: workers))
    return (material, text)
  }

  /// A judged model whose answers fit into 15 tokens.
  private func shelf(_ text: TripleText) throws -> ModelShelf {
    let shape = try ModelSize(named: "3k").configuration(
      vocabularySize: text.tokenizer.vocabularySize, contextLength: 15)
    return ModelShelf(
      judged: try LanguageModel(shape, seed: Seed(0), on: .cpu), graph: graph, text: text)
  }

  private var options: FullTrainingOptions {
    var options = FullTrainingOptions()
    options.epochs = 30
    options.batchSize = 16
    options.patience = 6
    return options
  }

  private func measured(
    _ material: DetectorMaterial, _ text: TripleText, _ options: FullTrainingOptions
  ) throws -> MeasuredDetector {
    let detector = try FullDetector(.scratch(size: "3k"), shelf(text), options: options)
    let measured = try TaskMeasurer(material, resampleCount: 100)
      .measure([detector], on: WorkerPool(workerCount: 1)) { $0 }
    return measured.detectors[0]
  }

  /// Cities from 5 on are false: a rule in the text that holds for subjects never seen.
  @Test func learnsWhatTheTextSays() throws {
    let (material, text) = try material { city, _ in city >= 5 }
    let detector = try measured(material, text, options)
    #expect(try #require(detector.result[.auroc]).value > 0.98)
    #expect(detector.result.name == "full-3k" && detector.result.kind == .full)
    let shape = try ModelSize(named: "3k").configuration(vocabularySize: 10, contextLength: 16)
    #expect(detector.result.parameters == shape.nonEmbeddingParameterCount)
    let report = try #require(detector.result.training)
    #expect(report.bestStep <= report.stepCount && report.validationLoss < 0.3)
    // Saved and read back, it says the same.
    let folder = try TemporaryFolder()
    let trained = try #require(detector.trained)
    let origin = DetectorOrigin(
      seed: 0, graphHash: "g", weightsHash: "w", tokenizerHash: "t", model: shape)
    try DetectorFiles.save(trained, result: detector.result, origin: origin, to: folder.url)
    let (loaded, record) = try DetectorFiles.load(from: folder.url)
    #expect(record.logProbability == true)
    #expect(record.kind == .full && record.tokenizerHash == "t" && loaded.calibrations.count == 2)
    let scores = try loaded.scores(material.rows(.test), of: material, text: text)
    for (a, b) in zip(scores, detector.scores) { #expect(abs(a - b) < 1e-5) }
  }

  /// What earlier versions trained and stored: no number of it is read otherwise, and its options
  /// have the same keys.
  @Test func theStateAloneIsAsBefore() throws {
    let json = String(
      decoding: try CanonicalJSON.compact(FullTrainingOptions.ofStateAlone), as: UTF8.self)
    #expect(
      json == #"{"balanced_classes":false,"batch_size":64,"epochs":10,"lanes":4,"patience":4,"#
        + #""pretrained_rate_share":0.1,"scratch_rate_share":0.3,"validations_per_epoch":2,"weight_decay":0.1}"#
    )
    var options = DetectionOptions()
    #expect(options.normalized.fullTraining == .ofStateAlone)
    options.kinds.append(.full)
    options.full = [.own]
    #expect(options.normalized.fullTraining == FullTrainingOptions())
    let (material, text) = try material { city, _ in city >= 5 }
    var training = self.options
    training.epochs = 2
    training.readStateAlone()
    let detector = try measured(material, text, training)
    let folder = try TemporaryFolder()
    let trained = try #require(detector.trained)
    let shape = try ModelSize(named: "3k").configuration(vocabularySize: 10, contextLength: 16)
    let origin = DetectorOrigin(
      seed: 0, graphHash: "g", weightsHash: "w", tokenizerHash: "t", model: shape)
    try DetectorFiles.save(trained, result: detector.result, origin: origin, to: folder.url)
    let record = try Data(contentsOf: folder.url.appendingPathComponent(DetectorFiles.record))
    #expect(!String(decoding: record, as: UTF8.self).contains("log_probability"))
    let loaded = try DetectorFiles.load(from: folder.url).detector
    #expect((loaded.model as? FullNetwork)?.readOut.count == shape.modelDimension + 1)
    let scores = try loaded.scores(material.rows(.test), of: material, text: text)
    for (a, b) in zip(scores, detector.scores) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func tokensAreJudgedOneByOne() throws {
    // Both tokens of a false city's name are labelled false: the first, "New", says nothing.
    let (material, text) = try material(task: .token) { city, _ in city >= 5 }
    let detector = try measured(material, text, options)
    let places = material.rows(.test).map { material.set.examples[$0].place }
    for (place, floor) in [(1, 0.0), (2, 0.97)] {
      let rows = places.indices.filter { places[$0] == place }
      let examples = rows.map { material.set.examples[material.rows(.test)[$0]] }
      let auroc = try ScoredExamples(
        scores: rows.map { detector.scores[$0] }, labels: examples.map(\.isHallucination),
        subjects: examples.map(\.subject)
      ).auroc()
      #expect(auroc > floor)
      if place == 1 { #expect(abs(auroc - 0.5) < 0.25) }
    }
  }

  @Test func workersDoNotChangeTheDetector() throws {
    var options = options
    options.epochs = 2
    let (one, text) = try material { city, _ in city >= 5 }
    let (two, _) = try material(workers: 2) { city, _ in city >= 5 }
    #expect(try measured(one, text, options).scores == measured(two, text, options).scores)
  }

  @Test func labelsWithoutARuleAreAtChance() throws {
    let (material, text) = try material { _, uniform in uniform < 0.4 }
    let auroc = try #require(measured(material, text, options).result[.auroc])
    #expect(try #require(auroc.lower) < 0.5 && 0.5 < #require(auroc.upper))
  }

  /// Weighted, a rare class is as likely as the other where nothing tells them apart.
  @Test func balancedClassesMoveTheScores() throws {
    var options = options
    options.epochs = 4
    let (material, text) = try material { _, uniform in uniform < 0.15 }
    func mean(_ options: FullTrainingOptions) throws -> Double {
      let scores = try measured(material, text, options).scores
      return scores.reduce(0, +) / Double(scores.count)
    }
    let plain = try mean(options)
    options.balancesClasses = true
    let balanced = try mean(options)
    #expect(abs(plain - 0.15) < 0.1 && balanced > plain + 0.1, "\(plain), \(balanced)")
  }

  @Test func oneClassIsRefused() throws {
    let (material, text) = try material { _, _ in true }
    let result = try measured(material, text, options).result
    #expect(result.unmeasured?.contains("training examples are hallucinated") == true)
    #expect(result.metrics.isEmpty && result.folder == nil)
  }

  @Test func choicesSurviveJSON() throws {
    let choices: [FullDetectorChoice] = [
      .scratch(size: "30k"), .own, .pretrained(name: "3k", weightsHash: "abc"),
    ]
    let back = try JSONDecoder().decode(
      [FullDetectorChoice].self, from: JSONEncoder().encode(choices))
    #expect(back == choices)
    #expect(choices.map(\.name) == ["full-30k", "full-own", "full-3k-pretrained"])
    #expect(throws: LabError.self) {
      try FullDetector(
        .scratch(size: "7z"),
        shelf(
          TripleText(
            graph: graph,
            tokenizer: TokenizerKind.word.tokenizer(for: graph, vocabularySize: 1_024))),
        options: options)
    }
  }
}
