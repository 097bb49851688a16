import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Detectors, models, graphs and files that do not belong together: each is refused with the
/// reason.
struct RefusalTests {
  private let copy: RunCopy
  private var run: RunFolder { copy.run }
  private var graph: KnowledgeGraph { copy.graph }

  init() throws { copy = try RunCopy() }

  private func detector(_ run: RunFolder, _ graph: KnowledgeGraph) throws -> URL {
    let summary = try DetectionRunner(run: run, graph: graph, options: .linear()).run()
    return try run.detector(summary.detectors.compactMap(\.folder).first)
  }

  private func failure(_ work: () throws -> Void) -> LabError? {
    #expect(throws: LabError.self) { try work() }
  }

  @Test func aLayerThatIsNotThere() throws {
    let layers = run.record.configuration.model.layerCount
    let error = failure {
      _ = try DetectionRunner(run: run, graph: graph, options: .linear { $0.layers = [.layer(9)] })
        .run()
    }
    #expect(
      error?.description
        == "layer 9 is not there: the model has layers 0 (the embedding) to \(layers)")
    #expect(error?.exitStatus == .usage)
    #expect(throws: Never.self) {
      try LayerChoice.layer(layers).streams(run.record.configuration.model)
    }
  }

  @Test func evidenceThatTeachesNothing() throws {
    let changes: [((inout DetectionOptions) -> Void, String)] = [
      ({ $0.evidence = 1 }, "evidence is 1; consistency needs at least 2 completions, or 0"),
      ({ $0.kinds = [.entropyProbe] }, "entropy-probe alone would train nothing"),
      (
        {
          $0.kinds = [.entropyProbe, .score]
          $0.evidence = 4
          $0.tasks = [.token]
        }, "entropy-probe alone would train nothing"
      ),
    ]
    for (change, words) in changes {
      let error = failure { try DetectionOptions.linear(change).validate() }
      #expect(error?.description.contains(words) == true && error?.exitStatus == .usage, "\(words)")
    }
    try DetectionOptions.linear { $0.kinds = [.entropyProbe, .head] }.validate()
  }

  /// After one epoch every answer is wrong: there is nothing to learn and nothing to measure, and
  /// no number for it.
  @Test func answersOfOneClass() throws {
    let untrained = try TrainedRun(epochs: 1, people: 30, size: "3k", tokenizer: .byte)
    let summary = try DetectionRunner(
      run: untrained.run, graph: untrained.graph,
      options: .linear { $0.kinds = [.head, .attentionProbe, .lookback, .score] }
    ).run()
    #expect(summary.counts(.sentence)?.prevalence == 1)
    #expect(summary.detectors.count > 10)
    for detector in summary.detectors {
      #expect(detector.metrics.isEmpty && detector.calibrated.isEmpty, "\(detector.name)")
      #expect(detector.unmeasured?.contains("hallucinated, so a detector cannot") == true)
      #expect(detector.unmeasured?.hasSuffix("add examples of the other kind") == true)
    }
  }

  /// The graph's hash in detector.json is another's: byte tokenizers, for one, are the same on all
  /// graphs.
  @Test func aDetectorOfAnotherGraph() throws {
    let folder = try detector(run, graph)
    let record = folder.appendingPathComponent(DetectorFiles.record)
    let text = try String(contentsOf: record, encoding: .utf8)
    let changed = text.replacingOccurrences(
      of: graph.contentHash, with: String(repeating: "0", count: 64))
    #expect(changed != text)
    try Data(changed.utf8).write(to: record)
    let error = failure { _ = try StoredScoring(folder: folder, run: run, graph: graph) }
    #expect(error?.description.contains("was trained on another graph than") == true)
    #expect(error?.description.contains("kglab detect transfer") == true)
  }

  /// On one graph, models of other widths and numbers of heads.
  @Test func modelsOfOtherShapes() throws {
    let larger = try TrainedRun(epochs: 12, size: "10k")
    let other = larger.run
    #expect(larger.graph.contentHash == graph.contentHash)
    let scoring = failure {
      _ = try StoredScoring(folder: detector(run, graph), run: other, graph: graph)
    }
    let shape = other.record.configuration.model
    let words =
      "linear reads \(run.record.configuration.model.modelDimension) values of an example, and this model does "
      + "not have as many (layers: \(shape.layerCount), width: \(shape.modelDimension), heads: "
      + "\(shape.headCount))"
    #expect(scoring?.description.contains(words) == true, "\(scoring?.description ?? "-")")
    #expect(scoring?.description.contains("train one for this model with kglab detect") == true)

    let places = [("small", run), ("large", other)].map {
      TransferCondition(name: $0.0, run: $0.1, graph: graph, visibilities: [.fvs, .pvs])
    }
    let cells = try TransferExperiment(
      places, options: .linear { $0.kinds = [.head, .saplma, .attentionProbe, .lookback] }
    ).run(Work(shouldStop: { false }))
    let (across, own) = (
      cells.filter { $0.trainedOn != $0.testedOn }, cells.filter { $0.trainedOn == $0.testedOn }
    )
    #expect(across.count == 2 * 5 && own.count == 2 * 5)
    for cell in across {
      #expect(cell.metrics.isEmpty, "\(cell.detector)")
      #expect(cell.refused?.contains("use it on a model of the shape it was trained on") == true)
    }
    #expect(own.allSatisfy { $0.refused == nil && $0[.auroc] != nil })
  }

  @Test func textsLongerThanATextModelReads() throws {
    var shape = run.record.configuration.model
    let network = FullNetwork(
      model: try run.loadModel(), readOut: Array(repeating: 0, count: shape.modelDimension + 1))
    let detector = TrainedDetector(
      task: .sentence, position: .each, kind: .full, name: "full-own", model: network)
    #expect(detector.refusal(shape) == nil)
    shape.contextLength += 1
    #expect(detector.refusal(shape)?.contains("full-own reads texts of up to") == true)
  }
}
