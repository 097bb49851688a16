import Compute
import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Study
import TestSupport
import Testing
import Training

@Suite struct StudyReaderTests {
  private func read(_ text: String) throws -> StudyFile {
    let folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
    try folder.write("a\tb\tc\n", to: "facts.tsv")
    return try withExtendedLifetime(folder) {
      try StudyFile.parse(text, file: "study.yaml", folder: folder.url)
    }
  }

  private func problem(_ text: String) -> String { failure { try read(text) } }

  @Test func readsEveryKey() throws {
    let study = try read(
      """
      name: all-keys
      question: How?
      graph: {schema: town.yaml, seed: 9, scale: 2, set: {entity_types.city.count: 7}}
      tokenizer: {kind: bpe, vocabulary_size: 300}
      model: {activation: gelu, tied_embeddings: true, query_key_norm: false}
      training: {learning_rate: 0.005, tokens_per_step: 512, lanes: 2, weight_decay: 0.2,
        clip_norm: 2, z_loss: 1e-4, warm_up_share: 0.1, packing: window, loss: object}
      models: [{sizes: [10k], epochs: [3], seeds: [1], fractions: [0.5], training: {lanes: 3}}]
      evaluation: {samples: 3, temperatures: [0.5], exact_temperatures: [1, 2], resamples: 10,
        top_k: 7, top_p: 0.9, candidates: 4}
      detection: {epochs: [3], tasks: [token], heads: [linear, 32], samples: 5, precision: bf16}
      workers: 4
      side_by_side: 2
      keep: {steps: "log,3", epochs: all}
      """)
    #expect(study.keep.isLogarithmic && study.keep.steps == [3] && study.keep.isEveryEpoch)
    let model = try #require(study.models.first?.request)
    #expect(study.models.count == 1)
    #expect(
      model.size == "10k" && model.training.horizon == .epochs(3) && model.seed == 1
        && model.fraction == 0.5
    )
    #expect(model.tokenizer.rawValue == "bpe" && model.bpeVocabularySize == 300)
    #expect(model.activation.rawValue == "gelu" && model.tiedEmbeddings && !model.queryKeyNorm)
    #expect(
      model.learningRate == 0.005 && model.training.tokensPerStep == 512
        && model.training.lanes == 3)
    #expect(
      model.weightDecay == 0.2 && model.training.clipNorm == 2 && model.training.zLoss == 1e-4)
    #expect(model.training.warmUpShare == 0.1 && model.packing.rawValue == "window")
    #expect(model.loss.rawValue == "object")
    #expect(
      study.measures.evaluation.samples == 3
        && study.measures.evaluation.exactTemperatures == [1, 2])
    #expect(
      study.measures.evaluation.sampleTemperatures == [0.5]
        && study.measures.evaluation.resampleCount == 10)
    #expect(
      study.measures.detection?.options.tasks == [.token]
        && study.measures.detection?.options.heads.map(\.name) == ["linear", "mlp-32"]
        && study.measures.detection?.options.precision == .bf16)
    #expect(study.measures.evaluation.topK == 7 && study.measures.evaluation.topP == 0.9)
    #expect(study.measures.evaluation.candidates == 4)
    #expect(study.workers == 4 && study.sideBySide == 2)
    guard case .schema(let source) = study.graphs.first?.source else {
      Issue.record("not a schema")
      return
    }
    #expect(source.seed == 9 && source.scale == 2)
    #expect(source.overrides == ["entity_types.city.count=7"])
  }

  @Test func gridsExpandInOrderWithoutRepeats() throws {
    let study = try read(StudyText.study)
    #expect(
      study.models.map { "\($0.request.size)/\($0.request.training.horizon.slug)" }
        == ["3k/e1", "3k/e2", "6k/e1", "6k/e2", "10k/e1"])
  }

  private func models(_ grid: String, _ rest: String = "") throws -> [TrainingRequest] {
    try read("name: grid\ngraph: {schema: town.yaml}\nmodels: [{sizes: [3k], \(grid)}]\n\(rest)")
      .models.map(\.request)
  }

  @Test func learningRatesAndPrecisionsAreAxes() throws {
    let found = try models(
      "epochs: [1], learning_rates: [0.01, 0.1], precisions: [fp32, bf16], seeds: [0, 1]")
    #expect(
      found.map { "\($0.learningRate ?? 0) \($0.training.precision.rawValue) \($0.seed)" } == [
        "0.01 fp32 0", "0.01 fp32 1", "0.01 bf16 0", "0.01 bf16 1", "0.1 fp32 0", "0.1 fp32 1",
        "0.1 bf16 0", "0.1 bf16 1",
      ])
    let automatic = try models("epochs: [1], precisions: [auto]").map(\.training.precision)
    #expect(automatic == [PrecisionChoice.auto.resolved()])
  }

  @Test func gridsOverrideModelAndTraining() throws {
    let found = try models(
      "epochs: [1], model: {query_key_norm: false}, training: {warm_up_steps: 3, optimizer: adam-atan2}",
      "model: {tied_embeddings: true}\ntraining: {warm_up_share: 0.2, z_loss: 1e-4}")
    let model = try #require(found.first)
    #expect(!model.queryKeyNorm && model.tiedEmbeddings && model.training.zLoss == 1e-4)
    #expect(model.training.warmUpSteps == 3 && model.training.optimizer == .adamAtan2)
    let back = try models(
      "epochs: [1], training: {warm_up_share: 0.1}", "training: {warm_up_steps: 9}")
    #expect(back.first?.training.warmUpSteps == nil && back.first?.training.warmUpShare == 0.1)
  }

  @Test func readsEveryTrainingKey() throws {
    let model = try #require(
      models(
        "steps: [500]",
        """
        training: {schedule: wsd, decay_share: 0.3, final_learning_rate_share: 0, warm_up_steps: 5,
          weight_decay_mode: independent, parameterization: mup, alignment: none, base_width: 32}
        """
      ).first)
    #expect(
      model.training.horizon == .steps(500) && model.training.schedule == .wsd
        && model.training.decayShare == 0.3)
    #expect(model.training.finalLearningRateShare == 0 && model.training.warmUpSteps == 5)
    #expect(
      model.training.weightDecayMode == .independent && model.training.parameterization == .mup)
    #expect(model.training.alignment == .none && model.training.baseWidth == 32)
    #expect(model.phrasing == .triple && model.paraphrases == 1)
    let sentences = try models("epochs: [1]", "training: {phrasing: template, paraphrases: 3}")
    #expect(sentences.first?.phrasing == .template && sentences.first?.paraphrases == 3)
    #expect(try models("tokens: [1000]").first?.training.horizon == .tokens(1000))
    #expect(try models("flops: [1e12]").first?.training.horizon == .flops(1e12))
  }

  @Test(arguments: [
    ("epochs: [1], steps: [2]", "", "steps is there beside epochs"),
    ("seeds: [1]", "", "epochs"),
    ("epochs: [1]", "training: {warm_up_share: 0.1, warm_up_steps: 4}", "leave one out"),
    ("epochs: [1], learning_rates: [0]", "", "above 0, at most 10"),
    ("epochs: [1]", "training: {paraphrases: 2}", "2 paraphrases, which need phrasing: template"),
    ("epochs: [1]", "training: {phrasing: sentences}", "triple, template"),
    ("epochs: [1]", "evaluation: {phrasing: never}", "seen, unseen"),
    ("epochs: [1], precisions: [fp64]", "", "auto, fp32, bf16"),
    ("epochs: [1, 2, 1]", "", "epochs.2 is in the list before; give each value once"),
    ("epochs: [1], seeds: [0, 0]", "", "seeds.1 is in the list before"),
    ("epochs: [1], fractions: [0.5, 0.50]", "", "fractions.1 is in the list before"),
    ("epochs: [1], learning_rates: [1e-2, 0.01]", "", "learning_rates.1 is in the list before"),
    ("epochs: [1], precisions: [auto, auto]", "", "precisions.1 is in the list before"),
    ("epochs: [1]", "evaluation: {temperatures: [1, 1.0]}", "temperatures.1 is in the list before"),
    ("epochs: [1]", "detection: {full: [3k, 3k]}", "full.1 is in the list before"),
    ("epochs: [1]", "detection: {full: [3k-pretrained, 3k-pretrained]}", "full.1 is in the list"),
    ("epochs: [1]", "detection: {heads: [linear, linear]}", "heads.1 is in the list before"),
    ("epochs: [1]", "detection: {queries: [fvs, fvs]}", "queries.1 is in the list before"),
    ("epochs: [1], training: {schedule: cosin}", "", "did you mean 'cosine'?"),
  ])
  func refusesImpossibleGrids(_ grid: String, _ rest: String, _ words: String) {
    expectFailure(words) { try models(grid, rest) }
  }

  @Test func readsAnImportedGraph() throws {
    let study = try read(
      """
      name: facts
      graph: {import: facts.tsv, columns: trh, seed: 3, hold_out: {query: 0.1, object: 0.2}}
      models: [{sizes: [3k], epochs: [1]}]
      """)
    guard case .imported(let source) = study.graphs.first?.source else {
      Issue.record("not an import")
      return
    }
    #expect(source.urls.map(\.lastPathComponent) == ["facts.tsv"])
    #expect(source.heldOut == HeldOutShares(object: 0.2, query: 0.1, subject: 0))
    #expect(source.columns == "trh" && source.seed == 3)
  }

  @Test(arguments: [
    ("  - sizes: [3k, 6k]", "  - size: [3k, 6k]", "study.yaml:10: unknown key 'size'", "'sizes'"),
    (
      "training:\n", "trainig:\n", "study.yaml:6: unknown key 'trainig'", "did you mean 'training'?"
    ),
    ("sizes: [10k]", "sizes: [11q]", "study.yaml:12:", "unknown size '11q'"),
    ("epochs: [1, 2]", "epochs: [0]", "study.yaml:11:", "between 1 and 1000000, not 0"),
    ("lanes: 2", "lanes: many", "study.yaml:8:", "must be a whole number, not 'many'"),
    ("seed: 7", "sed: 7", "study.yaml:5: unknown key 'sed' in graph", "did you mean 'seed'?"),
    ("town.yaml", "twn", "study.yaml:4:", "neither a file beside the study nor one in kg-schemas"),
    ("name: small", "name: Small One", "study.yaml:1:", "lower-case letters"),
    ("samples: 2", "samples: [", "study.yaml:", "not valid YAML"),
    ("  resamples: 20", "  exact_temperatures: [2]", "study.yaml:17:", "needs 1 among"),
    ("  resamples: 20", "  top_k: 0", "study.yaml:19:", "must be at least 1, not 0"),
    ("  resamples: 20", "  top_p: 1.5", "study.yaml:19:", "above 0, at most 1, not 1.5"),
    ("  resamples: 20", "  top_p: 0", "study.yaml:19:", "above 0, at most 1, not 0"),
    (
      "  resamples: 20", "  candidates: 0", "study.yaml:19:", "must be between 1 and 100000, not 0"
    ),
    ("  resamples: 20", "  candidate: 4", "study.yaml:19:", "did you mean 'candidates'?"),
    ("workers: 2", "workers: 2\nside_by_side: 3", "study.yaml:21:", "more than workers (2)"),
  ])
  func refusesWithThePlace(_ change: (String, String, String, String)) {
    #expect(StudyText.study.contains(change.0))
    let text = StudyText.study.replacingOccurrences(of: change.0, with: change.1)
    let message = problem(text)
    #expect(message.contains(change.2), "\(message)")
    #expect(message.contains(change.3), "\(message)")
  }

  @Test func refusesDetectionThatSelectsNothing() {
    let message = problem(StudyText.study + "\ndetection: {epochs: [7]}")
    #expect(message.hasPrefix("study.yaml:21: detection selects none of the models"), "\(message)")
  }

  /// What a training alone can give is asked for before any, and not when all are done.
  @Test(arguments: [
    ("attack: {}", "slot_share: 0.3"), ("hardening: {}", "slot_share: 0.3"),
    ("pirs: {}", "slot_share: 0.3"), ("disjoint: {}", "slot_share: 0.3"),
    ("traps: {}", "rule_share: 0.1"),
  ])
  func refusesAMeasureThatNoModelIsTrainedFor(measure: String, setting: String) throws {
    let text = StudyText.study + "\n" + measure
    let message = problem(text)
    #expect(message.hasPrefix("study.yaml:21: "), "\(message)")
    #expect(message.contains("needs models trained with \(setting)"), "\(message)")
    _ = try read(text.replacing("epochs: [1]", with: "epochs: [1]\n    training: {\(setting)}"))
  }

  @Test func refusesHardeningOfAModelWithoutSlot() {
    let models = """
      models:
        - {name: base, sizes: [3k], epochs: [1]}
        - {name: hard, from: base, harden: {rounds: 1}}

      """
    let message = problem(StudyText.study.replacing("models:\n", with: models))
    #expect(message.contains("hardens 'base', whose lines have no slot"), "\(message)")
  }

  @Test func namesEachKnownSchemaOnce() throws {
    let folder = try TemporaryFolder()
    for shelf in ["kg-schemas", "experiments/kg-schemas"] {
      try folder.write(StudyText.schema, to: "\(shelf)/some-town.yaml")
    }
    let text = StudyText.study.replacing("town.yaml", with: "a-name-like-none-of-them")
    try folder.write(text, to: "experiments/small/study.yaml")
    let message = failure { try StudyFile.read(folder["experiments/small"]) }
    #expect(message.components(separatedBy: "some-town").count == 2, "\(message)")
  }

  @Test func refusesAGraphWithoutSource() {
    let text = StudyText.study.replacingOccurrences(of: "  schema: town.yaml\n", with: "")
    #expect(problem(text).contains("graph needs either 'schema' (to generate) or 'import'"))
  }

  @Test func findsTheStudyInAFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "kg-schemas/town.yaml")
    let text = StudyText.study.replacingOccurrences(of: "town.yaml", with: "town")
    try folder.write(text, to: "experiments/small/study.yaml")
    let study = try StudyFile.read(folder["experiments/small"])
    guard case .schema(let source) = study.graphs.first?.source else {
      Issue.record("not a schema")
      return
    }
    #expect(source.url.path.hasSuffix("kg-schemas/town.yaml"))
    #expect(throws: LabError.self) { try StudyFile.read(folder["experiments"]) }
    #expect(throws: LabError.self) { try StudyFile.read(folder["none"]) }
  }
}
