import Detection
import Evaluation
import Study
import TestSupport

/// Studies and schemas as text.
enum StudyText {
  static let schema = """
    name: town
    entity_types:
      person: {count: 24, name: {model: multi_part, parts: [2], pool: 8}}
      city: {count: 5, name: {model: opaque, prefix: city-}}
    predicates:
      born in: {subject: person, object: city, popularity: {zipf: 2}}
      likes: {subject: person, object: city, objects: {min: 2, max: 2}}
    visibility:
      held_out: {query: 0.2, object: 0.3}
    """

  /// A study on `schema` with five models of 3k and 6k.
  static let study = """
    name: small
    question: Does it work?
    graph:
      schema: town.yaml
      seed: 7
    training:
      tokens_per_step: 64
      lanes: 2
    models:
      - sizes: [3k, 6k]
        epochs: [1, 2]
      - sizes: [10k]
        epochs: [1]
      - sizes: [3k]
        epochs: [2]
    evaluation:
      samples: 2
      temperatures: [0, 1]
      resamples: 20
    workers: 2
    """

  /// Runs a study whose files are in a folder, into another folder there.
  static func runner(
    _ text: String, in folder: TemporaryFolder, _ out: String = "out"
  ) throws -> StudyRunner {
    try StudyRunner(
      file: StudyFile.parse(text, file: "study.yaml", folder: folder.url), folder: folder[out])
  }
}

extension TaskKind {
  static let evaluate = TaskKind.measure(EvaluationMeasure.self)
  static let detect = TaskKind.measure(DetectionMeasure.self)
}

extension MeasureSet {
  var evaluation: EvaluationOptions {
    measure(EvaluationMeasure.self)?.settings ?? EvaluationOptions()
  }
  var detection: DetectionMeasure? { measure(DetectionMeasure.self) }
}
