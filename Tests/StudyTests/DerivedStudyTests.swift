import Corpus
import Evaluation
import Experiments
import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies of self-training, rewards and trajectories, from plan to figures.
@Suite struct DerivedStudyTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  private static let study = """
    name: derived
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64}
    models:
      - {name: base, sizes: [3k, 10k], epochs: [30], seeds: [0, 1]}
      - {name: r1, sizes: [3k], epochs: [2], seeds: [0, 1], from: base, text_of: base, text: {samples: 8, right: 4, queries: 0.5}}
      - {name: r2, sizes: [3k], epochs: [2], seeds: [0, 1], from: base, text_of: r1, text: {samples: 8, right: 4, reward: {ensemble: three, combine: min, hidden: 8, samples: 4}}}
    evaluation: {samples: 1, resamples: 10}
    keep: {steps: "log,4"}
    trajectories: {epochs: [30], lines: 30, contrast: [3k, 10k], resamples: 10}
    self_training: {samples: 2, resamples: 10}
    rewards: {sizes: [3k], samples: 8, queries: 20, hidden: 8, detector_samples: 4, resamples: 10}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = Self.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  @Test func allIsMeasuredAndShown() throws {
    let study = try runner()
    let made = study.plan.tasks(.train)
    #expect(made.count == 8)
    // The second round is judged by detectors of the first model's answers, and starts from it.
    #expect(made[6].needs.suffix(3) == [made[0].id, made[4].id, made[0].id])
    #expect(made[6].name.contains("judged by three detectors, min"))
    func count(_ type: any Measure.Type) -> Int {
      study.plan.tasks.count { $0.kind.rawValue == type.name }
    }
    #expect(count(SelfTrainingMeasure.self) == 4, "of what was made of another")
    #expect(count(RewardsMeasure.self) == 6 && count(TrajectoriesMeasure.self) == 4)
    let summary = try study.run()
    #expect(summary.records.map(\.error).compactMap(\.self) == [])
    let records = try made.map {
      try #require(try RunFolder.readRecord(out.appendingPathComponent("models/\($0.id)")))
    }
    guard case .answers(let text) = records[6].configuration.corpus.source else {
      Issue.record("the second round learned from another text")
      return
    }
    #expect(text.reward?.of == records[0].weightsHash && text.of == [records[4].weightsHash ?? ""])
    #expect(records[6].configuration.start == records[0].weightsHash)
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    func number(_ sql: String) throws -> Int { try results.rows(sql)[0][0] }
    #expect(try number("SELECT count(DISTINCT run_id) FROM self_training") == 4)
    #expect(try number("SELECT count(DISTINCT run_id) FROM reward WHERE n > 0") == 2)
    #expect(try number("SELECT count(DISTINCT run_id) FROM reward WHERE n = 0") == 4)
    #expect(
      try number(
        "SELECT count(*) FROM (SELECT DISTINCT run_id, family FROM trajectory_point)") == 20)
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: out.appendingPathComponent("figures").path)
    for name in [
      "beyond-sharpening", "self-training", "self-training-divergence", "best-of-n",
      "self-training-reward", "loss-vs-validation-loss", "loss-vs-training-flops",
      "known-vs-validation-loss", "trajectory-agreement", "trajectory-trends",
    ] {
      #expect(figures.contains("\(name).csv"), "\(name)")
    }
    let agreement = try String(
      contentsOf: out.appendingPathComponent("figures/trajectory-agreement.csv"), encoding: .utf8)
    #expect(agreement.split(whereSeparator: \.isNewline).count == 11, "\(agreement)")
    // All of it is found again.
    #expect(try runner().run().reusedCount == study.plan.tasks.count - 1)
  }

  @Test(arguments: [
    ("combine: min", "combine: most", "most"), ("hidden: 8, samples: 4}}", "width: 8}}", "width"),
    ("right: 4, reward", "reward", "right is missing"),
    ("contrast: [3k, 10k]", "contrast: [3k]", "names two sizes"),
    ("contrast: [3k, 10k]", "contrast: [3k, 30k]", "has no model of size 30k"),
    ("keep: {steps: \"log,4\"}", "", "keep"), ("queries: 20", "flips: 0.7", "flips is 0.7"),
  ])
  func whatCannotBeIsRefused(old: String, new: String, words: String) {
    expectFailure(words) { try runner(Self.study.replacingOccurrences(of: old, with: new)) }
  }
}
