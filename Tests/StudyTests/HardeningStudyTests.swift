import Evaluation
import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies whose models are hardened: by a measure, round by round, and as models that are measured
/// as any.
@Suite struct HardeningStudyTests {
  private let folder: TemporaryFolder

  private static let training =
    "rounds: 2, attacked: 16, examples: 20, iterations: 1, last_iterations: 2, candidates: 8, size: 60"
  private static let study = """
    name: small
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64, slot_share: 0.5, slot_length: 2}
    models:
      - {name: base, sizes: [3k], epochs: [30], seeds: [0, 1]}
      - {name: hard, from: base, harden: {\(training)}}
    evaluation: {samples: 1, resamples: 10}
    attack: {kinds: [gcg], examples: 20, iterations: 2, candidates: 8}
    hardening: {\(training), tests: [{kinds: [gcg], iterations: 2, candidates: 8}]}
    transfer: {from: [origin], heads: [linear], kinds: [head], samples: 2, resamples: 0}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = Self.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  private func model(_ id: String) -> URL { folder["out/models/\(id)"] }

  @Test func aHardenedModelIsTheLastRound() throws {
    let study = try runner()
    let made = study.plan.tasks(.train)
    #expect(
      made.map(\.name) == [
        "train 3k, 30 epochs, fresh, seed 0", "train 3k, 30 epochs, fresh, seed 1",
        "harden 3k, 30 epochs, hardened by 2 rounds of gcg from base, seed 0",
        "harden 3k, 30 epochs, hardened by 2 rounds of gcg from base, seed 1",
      ])
    let measured = study.plan.tasks.filter { $0.kind.rawValue == "harden" }
    // One at a time writes a run's rounds.
    #expect(measured.count == 2)
    #expect(made[2].follows == measured.filter { $0.runID == made[0].id }.map(\.id))
    #expect(try study.run().records.compactMap(\.error) == [])
    let results = try StudyResults(study.folder.database)
    for (base, hard) in [(made[0].id, made[2].id), (made[1].id, made[3].id)] {
      func values(_ sql: String) throws -> [[Double]] {
        try results.rows(sql).map { [$0[0], $0[1]] }
      }
      // A measure of the model says what the last round's does.
      let own = try values(
        "SELECT iteration, success_rate FROM attack_rate WHERE run_id = '\(hard)' ORDER BY 1")
      let round = try values(
        """
        SELECT iteration, success_rate FROM hardening_attack
        WHERE run_id = '\(base)' AND round = 2 ORDER BY 1
        """)
      #expect(own == round && own.count == 2)
      let record = try #require(try RunFolder.readRecord(model(hard)))
      let parent = try #require(try RunFolder.readRecord(model(base)))
      let hash = try results.rows(
        "SELECT sha256 FROM hardening_round WHERE run_id = '\(base)' AND round = 2")
      #expect(record.weightsHash == hash[0][0] && record.weightsHash != parent.weightsHash)
      #expect(record.configuration.hardening?.origin == parent.weightsHash)
      // Detectors of the model that it was made of judge its answers.
      let transfer = try results.rows(
        "SELECT DISTINCT trained_on FROM detector_transfer WHERE run_id = '\(hard)' ORDER BY 1"
      ).map { $0[0] as String }
      #expect(transfer == [base, hard].sorted())
    }
    #expect(try runner().run().reusedCount == study.plan.tasks.count - 1)
    // Another training of the model is hardened anew.
    try FileManager.default.removeItem(at: model(made[2].id))
    #expect(try runner().run().records(.failed).isEmpty)
    #expect(try RunFolder.open(model(made[2].id)).record.hardening?.poolCount == 32)
  }

  private static let saliency = """
    name: looked
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64, slot_share: 0.5, slot_length: 2}
    models: [{sizes: [3k], epochs: [30]}]
    evaluation: {samples: 1, resamples: 10}
    detection: {kinds: [full], full: [3k], full_epochs: 2, tasks: [sentence], samples: 4, evidence: 0, resamples: 0}
    hardening: {victims: [full-3k], \(training), tests: [{kinds: [gcg], iterations: 1, candidates: 4}]}
    saliency: {detectors: [full-3k], hardened: true, answers: 20, replacements: 3, resamples: 10}
    workers: 2
    """

  /// What a detector looks at before and after its last round, on the same answers.
  @Test func saliencyIsOfBothEndsOfHardening() throws {
    let study = try runner(Self.saliency)
    #expect(try study.run().records.compactMap(\.error) == [])
    let results = try StudyResults(study.folder.database)
    let names = try results.rows("SELECT DISTINCT detector FROM saliency ORDER BY rowid")
    #expect(
      names.map { $0[0] as String } == [
        "full-3k", "full-3k, round 2", "full-3k, round 2 - full-3k",
      ])
    let rows = try results.rows(
      """
      SELECT detector, query_id, total((part = 'object') * gradient) / total(gradient)
      FROM token_saliency GROUP BY detector, query_id ORDER BY query_id
      """)
    func shares(_ name: String) -> [Double] {
      rows.filter { $0[0] as String == name }.map { $0[2] }
    }
    let (before, after) = (shares("full-3k"), shares("full-3k, round 2"))
    #expect(before.count > 5 && before.count == after.count && before != after)
    let difference = zip(after, before).map(-).reduce(0, +) / Double(before.count)
    let stored = try results.rows(
      """
      SELECT value, lower, upper FROM saliency WHERE detector LIKE '% - %' AND answers = 'all'
        AND quantity = 'object_share'
      """)[0]
    #expect(abs((stored[0] as Double) - difference) < 1e-9)
    #expect((stored[1] as Double) <= (stored[2] as Double))
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: folder["out/figures"].path)
    #expect(figures.contains("saliency-hardened.csv") && figures.contains("saliency.csv"))
    #expect(try runner(Self.saliency).run().reusedCount == study.plan.tasks.count - 1)
    expectFailure("the study hardens no full-3k") {
      _ = try runner(Self.saliency.replacing("victims: [full-3k]", with: "victims: [model]"))
    }
  }

  @Test(arguments: [
    ("from: base, harden", "harden", "has no from"),
    ("{name: hard, from: base", "{name: hard, from: base, sizes: [3k]", "sizes"),
    ("harden: {rounds: 2", "harden: {rounds: 0", "1 and 1000"),
    ("harden: {rounds: 2", "harden: {tests: [], rounds: 2", "tests"),
    (
      "evaluation:", "  - {name: harder, from: hard, harden: {rounds: 1}}\nevaluation:",
      "is made of another entry already"
    ),
  ])
  func whatCannotBeIsRefused(old: String, new: String, words: String) throws {
    expectFailure(words) { _ = try runner(Self.study.replacing(old, with: new)) }
  }
}
