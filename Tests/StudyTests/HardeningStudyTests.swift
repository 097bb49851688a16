import Evaluation
import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies whose models are hardened: by a measure, round by round, and as models that are measured as any.
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
