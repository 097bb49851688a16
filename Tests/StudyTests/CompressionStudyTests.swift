import Evaluation
import Foundation
import GRDB
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies of models that are made of others without training.
@Suite struct CompressionStudyTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  private static let study = """
    name: small
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64}
    models:
      - {name: base, sizes: [3k], epochs: [3], seeds: [0, 1]}
      - {from: base, compress: [{prune: 0}, {bits: 8}, {bits: 4, prune: 0.5}]}
      - {name: pruned, from: base, compress: [{prune: 0.9}]}
      - {sizes: [3k], epochs: [1], from: pruned, training: {keep_zeros: true}}
    evaluation: {samples: 1, resamples: 10}
    knowledge: {resamples: 10}
    lifeline: {}
    keep: {steps: "1"}
    transfer: {from: [origin], heads: [linear], kinds: [head], samples: 1, resamples: 0}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = Self.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  @Test func compressedModelsAreMeasuredBesideTheirParents() throws {
    let study = try runner()
    let made = study.plan.tasks(.train)
    #expect(
      made.filter { $0.name.hasSuffix("seed 0") }.map(\.name) == [
        "train 3k, 3 epochs, fresh, seed 0",
        "compress 3k, 3 epochs, not compressed of base, seed 0",
        "compress 3k, 3 epochs, int8 of base, seed 0",
        "compress 3k, 3 epochs, 50 % pruned, int4 of base, seed 0",
        "compress 3k, 3 epochs, 90 % pruned of base, seed 0",
        "train 3k, 1 epoch, zeros kept, from pruned, seed 0",
      ])
    #expect(made.count == 11 && Set(made.map(\.id)).count == 11)
    #expect(made[2].needs.last == made[0].id && made[3].needs.last == made[1].id)
    let summary = try study.run()
    #expect(summary.records.map(\.error).compactMap(\.self) == [])
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    func rate(_ run: String) throws -> [Double] {
      try results.rows(
        "SELECT rate FROM rate WHERE run_id = '\(run)' ORDER BY rowid"
      ).map { $0[0] }
    }
    // Nothing pruned in single precision has every rate of its parent.
    #expect(try rate(made[2].id) == rate(made[0].id) && rate(made[3].id) == rate(made[1].id))
    #expect(try rate(made[6].id) != rate(made[0].id))
    let bytes = try results.rows("SELECT stored_bytes FROM run ORDER BY rowid").map { $0[0] as Int }
    #expect(bytes[0] == 4 * results.runs[0].parameters && bytes[2] == bytes[0])
    #expect(bytes[4] < bytes[0] / 2 && bytes[6] < bytes[4])
    #expect(bytes[8] == bytes[10], "recovery changes no bytes")
    // Detectors of the uncompressed model judge the compressed ones, also the recovered; nothing
    // transfers to a base.
    let transfer = try results.rows(
      "SELECT DISTINCT run_id, trained_on FROM detector_transfer WHERE trained_on <> run_id"
    ).map { [$0[0] as String, $0[1] as String] }
    #expect(
      Set(transfer)
        == Set(made[2...].enumerated().map { [$1.id, made[$0 % 2].id] }))
    #expect(try runner().run().reusedCount == study.plan.tasks.count - 1)
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: out.appendingPathComponent("figures").path)
    #expect(figures.contains("rate-vs-bytes.csv") && figures.contains("knowledge-vs-bytes.csv"))
    #expect(figures.contains("transfer-vs-bytes.csv"))
  }

  @Test(arguments: [
    ("from: base, compress: [{prune: 0}", "compress: [{prune: 0}", "has no from"),
    ("{bits: 8}", "{bits: 2}", "must be one of 4, 8"),
    ("{bits: 8}", "{prune: 1}", "at least 0, below 1"),
    ("{bits: 8}", "{bytes: 8}", "bytes"),
    (
      "name: pruned, from: base, compress", "name: pruned, from: base, sizes: [3k], compress",
      "sizes"
    ),
    (
      "- {sizes: [3k], epochs: [1], from: pruned, training: {keep_zeros: true}}",
      "- {from: pruned, compress: [{bits: 8}]}", "which is compressed already"
    ),
    ("from: pruned, ", "", "keep_zeros leaves the zeros of a run started from"),
  ])
  func whatCannotBeIsRefused(old: String, new: String, words: String) {
    expectFailure(words) { try runner(Self.study.replacingOccurrences(of: old, with: new)) }
  }
}
