import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel

/// Made-up examples with made-up features, as if a model had read one empty answer for each.
struct SyntheticMaterial {
  let material: DetectorMaterial
  let features: [Float]
  let width: Int

  /// `subjects` subjects with `perSubject` examples each; `row` gives label and features of
  /// (subject, sample).
  init(
    subjects: Int = 200, perSubject: Int = 5, width: Int = 4, task: DetectorTask = .sentence,
    shufflesLabels: Bool = false, training: HeadTrainingOptions = HeadTrainingOptions(),
    row: (Int, Int, inout RandomStream) -> (label: Bool, features: [Float])
  ) throws {
    var stream = Seed(20).stream("table")
    var examples: [DetectionExample] = []
    var values: [Float] = []
    var judged: [JudgedAnswer] = []
    for subject in 0..<subjects {
      for sample in 0..<perSubject {
        let (label, own) = row(subject, sample, &stream)
        examples.append(
          DetectionExample(
            answer: examples.count, query: subject, sample: sample,
            place: task == .token ? 0 : nil, subject: Int32(subject), text: "",
            isHallucination: label))
        judged.append(
          JudgedAnswer(
            query: subject, subject: Int32(subject),
            answer: SampledAnswer(
              temperature: 1, sample: sample, tokens: [], ended: true, text: "", object: nil,
              isCanonical: true, logProbability: -1, verdict: label ? .wrongObject : .correct)))
        values += own
      }
    }
    features = values
    self.width = width
    let texts = AnswerTexts(examples.map { ($0.subject, 0, []) })
    // Two rows a text, at <O> and at <E>: the same values.
    let rows = examples.indices.flatMap { index -> [Float] in
      let own = values[(index * width)..<((index + 1) * width)]
      return Array(own) + Array(own)
    }
    let slice = try DeviceBuffer<Float>(max(1, rows.count), on: .cpu).all
    slice.copyIn(rows)
    let bytes = slice.prefix(rows.count).copyOutBytes()
    let shape = ModelConfiguration(
      layerCount: 1, modelDimension: width, headCount: 1, feedForwardDimension: width,
      vocabularySize: 10, contextLength: 16)
    let split = try SubjectSplit(of: (0..<subjects).map(Int32.init), seed: Seed(0))
    var builder = GraphBuilder(entityTypes: [], entities: [], predicates: [])
    let graph = builder.build()
    material = DetectorMaterial(
      set: ExampleSet(
        task: task, position: task == .token ? .before : .each, examples: examples),
      answers: DrawnAnswers(judged: judged),
      features: AnswerFeatures(
        texts: texts, columns: FeatureColumns(), configuration: shape, load: { _ in bytes }),
      graph: graph, baselines: TripleBaselines(graph: graph, fraction: 1),
      indices: try split.indices(ofSubjects: examples.map(\.subject)), training: training,
      seed: Seed(0), shufflesLabels: shufflesLabels)
  }

  /// A head on the features.
  func head(_ architecture: HeadArchitecture) throws -> HeadDetector {
    try HeadDetector(
      architecture, layer: .final, place: .last, of: material.set,
      material.features.configuration)
  }

  func measure(
    _ recipes: [any DetectorRecipe], workers: Int = 1, resamples: Int = 50
  ) throws -> TaskMeasurement {
    try TaskMeasurer(material, resampleCount: resamples)
      .measure(recipes, on: WorkerPool(workerCount: workers)) { "sentence-\($0)" }
  }

  /// The features of some examples.
  func values(_ rows: [Int]) -> [Float] {
    rows.flatMap { features[($0 * width)..<(($0 + 1) * width)] }
  }
}

/// Knows the label: no probability, and always right.
struct Oracle: DetectorRecipe {
  let kind = DetectorKind.score
  let name = "oracle"

  func make(_ material: DetectorMaterial) throws -> FittedDetector {
    material.scores { material.set.examples[$0].isHallucination ? 1 : -1 }
  }
}

extension TrainedDetector {
  /// The head inside, where it is one.
  var head: TrainedHead? { (model as? FeatureReadOut)?.head }
}
