import Detection
import Foundation
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Full detectors that begin with a model that knows the graph.
struct KnowingReaderTests {
  /// On the answers of a model that learned little they leave less than half of what its own
  /// log-probability leaves of an AUROC of 1, and than they themselves by their state alone.
  @Test(arguments: DetectorTask.allCases)
  func knowWhatTheJudgedModelDoesNot(task: DetectorTask) throws {
    let judged = try TrainedRun(epochs: 12)
    let reader = try TrainedRun(epochs: 80, size: "30k")
    defer { withExtendedLifetime((judged, reader)) {} }
    let hash = try #require(reader.run.record.weightsHash)
    func aurocs(_ change: (inout DetectionOptions) -> Void) throws -> [String: Double] {
      let options = with(DetectionOptions()) {
        $0.tasks = [task]
        $0.kinds = [.full, .score]
        $0.full = [.pretrained(name: "30k", weightsHash: hash)]
        $0.judges = DetectionRunner.judges([reader.run])
        $0.samples = 6
        $0.evidence = 0
        $0.resampleCount = 0
        $0.fullTraining.epochs = 3
        change(&$0)
      }
      let measured = try DetectionExperiment(
        model: judged.run.loadModel(), tokenizer: judged.run.tokenizer, graph: judged.graph,
        options: options, others: [hash: reader.run.loadModel()]
      ).measure(key: "reader")
      return Dictionary(
        uniqueKeysWithValues: measured[0].detectors.compactMap { detector in
          detector.result[.auroc].map { (detector.result.name, $0.value) }
        })
    }
    let knowing = try aurocs { _ in }
    let alone = try aurocs { $0.fullTraining.readStateAlone() }
    let (full, own) = (
      try #require(knowing["full-30k-pretrained"]),
      try #require(
        knowing[task == .sentence ? "sequence-log-probability" : "token-log-probability"])
    )
    let judge = try #require(knowing["log-probability-of-30k"])
    #expect(1 - full < 0.5 * (1 - own), "\(full), \(own)")
    #expect(full > judge - 0.01, "\(full), \(judge)")
    let before = try #require(alone["full-30k-pretrained"])
    #expect(1 - full < 0.5 * (1 - before), "\(full), \(before)")
  }
}
