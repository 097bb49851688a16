import Evaluation
import Foundation
import GRDB
import LabCore
import Report
import Study
import TestSupport
import Testing

@Suite struct StudyRunTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = StudyText.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  /// The whole study on a graph of 72 triples: its files, results and report.
  @Test func runsFromStartToReport() throws {
    let text =
      StudyText.study.replacingOccurrences(
        of: "temperatures: [0, 1]", with: "temperatures: [0, 1]\n  candidates: 3")
      + "\nkeep: {steps: log}"
      + "\ndetection: {epochs: [2], sizes: [6k], tasks: [sentence], heads: [mlp-4], samples: 4, resamples: 20}"
    let first = try runner(text).run()
    #expect(first.records(.failed).map(\.error) == [])
    #expect(first.records.count == 13 && first.records(.done).count == 13)
    let files = FileManager.default
    let written = ["plan.json", "study.sqlite", "report.html", "figures/rate-vs-size.csv"]
    for path in written {
      #expect(files.fileExists(atPath: out.appendingPathComponent(path).path), "\(path)")
    }
    let models = try files.contentsOfDirectory(atPath: out.appendingPathComponent("models").path)
    for model in models {
      let kept = out.appendingPathComponent("models/\(model)/kept/step-000000001")
      #expect(files.fileExists(atPath: kept.path), "\(kept.path)")
    }
    let database = out.appendingPathComponent("study.sqlite")
    let results = try StudyResults(database)
    #expect(results.runs.map(\.size) == ["3k", "3k", "6k", "6k", "10k"])
    let headlines = try results.rows(
      "SELECT rate FROM run_rate WHERE method = 'exact' AND visibility = 'fvs'"
    ).map { $0[0] as Double }
    #expect(headlines.count == 5 && headlines.allSatisfy { $0 > 0 && $0 < 1 })
    let grades = try results.rows(
      "SELECT chance, accuracy FROM candidate_grade WHERE group_kind = 'all' AND visibility = 'fvs'"
    )
    #expect(grades.count == 5 && grades.allSatisfy { $0[0] == 0.25 && $0[1] <= 1.0 })
    let detectors = try results.rows(
      "SELECT DISTINCT run_id FROM detector WHERE name = 'mlp-4' AND metric = 'auroc'")
    #expect(detectors.count == 1)

    let rates = try results.rows("SELECT rate FROM run_rate ORDER BY run_id, rate")

    // Again: only the report is made anew, from the same results.
    let before = try Data(contentsOf: database)
    let second = try runner(text).run()
    #expect(second.reusedCount == 12 && second.records(.done).count == 13)
    #expect(try Data(contentsOf: database) == before)
    let status = try StudyStatus(folder: StudyFolder(out))
    #expect(status.count(.done) == 13 && !status.isRunning)

    // A run whose folder is lost is made again, with what depends on its files.
    let lost = try #require(results.runs.first)
    try files.removeItem(at: out.appendingPathComponent("models/\(lost.id)"))
    #expect(try StudyStatus(folder: StudyFolder(out)).count(.pending) == 2)
    let third = try runner(text).run()
    #expect(third.reusedCount == 10 && third.records(.done).count == 13)
    let again = try StudyResults(database).rows("SELECT rate FROM run_rate ORDER BY run_id, rate")
    #expect(again == rates)
  }

  /// A study's own models become detectors and judges of each other's answers.
  @Test func modelsOfTheStudyBecomeDetectors() throws {
    let text =
      StudyText.study
      + "\ndetection: {epochs: [2], sizes: [6k], kinds: [full, score], judges: all, "
      + "full: [3k-pretrained, 3k, own], full_epochs: 1, samples: 4, resamples: 20}"
    #expect(try runner(text).run().records(.failed).map(\.error) == [])
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    let full = try results.rows(
      """
      SELECT task, name, parameters, value FROM detector
      WHERE kind = 'full' AND metric = 'auroc' ORDER BY rowid
      """)
    let names = ["full-3k-pretrained", "full-3k", "full-own"]
    for task in ["sentence", "token"] {
      #expect(full.filter { $0[0] == task }.map { $0[1] as String } == names)
    }
    let judged = try results.rows(
      """
      SELECT DISTINCT d.name, d.pretrained, d.parameters, r.size FROM detector d
      JOIN run r ON r.non_embedding_parameters = d.parameters
      WHERE family = 'cross-log-probability' ORDER BY d.parameters
      """)
    #expect(
      judged.map { $0[0] as String } == ["log-probability-of-3k", "log-probability-of-6k"])
    #expect(judged.allSatisfy { $0[1] == 1 } && judged.map { $0[3] as String } == ["3k", "6k"])
    let (pretrained, fresh) = (full[0], full[1])
    #expect(pretrained[2] as Int == fresh[2] && pretrained[3] as Double != fresh[3])
    #expect(try runner(text).run().reusedCount == 12)
  }

  /// Small models of the study defer to a large one; the report shows it.
  @Test func modelsOfTheStudyDefer() throws {
    let text =
      StudyText.study + "\ncascade: {defer_to: [10k], epochs: [1], sizes: [3k, 6k], resamples: 20}"
    #expect(try runner(text).run().records(.failed).map(\.error) == [])
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    let ends = try results.rows(
      """
      SELECT c.rate, s.rate, c.share FROM cascade_point c
      JOIN run ON run.size = iif(c.share = 0, (SELECT size FROM run r WHERE r.id = c.run_id), c.large)
        AND run.epochs = 1
      JOIN rate s ON s.run_id = run.id AND s.visibility = c.visibility AND s.group_kind = 'all'
        AND s.method = 'greedy'
      WHERE c.share IN (0, 1)
      """)
    #expect(ends.count > 20 && ends.allSatisfy { abs(($0[0] as Double) - $0[1]) < 1e-12 })
    let files = try FileManager.default.contentsOfDirectory(
      atPath: out.appendingPathComponent("figures").path)
    #expect(files.contains("cascade.svg") && files.contains("cascade-gains.csv"))
    #expect(try runner(text).run().reusedCount == 13)
  }

  /// A model and its detector are attacked, the detector once it is there; the report shows both.
  @Test func modelsAndDetectorsAreAttacked() throws {
    let text =
      StudyText.study
      .replacing("lanes: 2", with: "lanes: 2\n  slot_share: 0.5\n  slot_length: 2\n  loss: object")
      .replacing("epochs: [1, 2]", with: "epochs: [40]")
      + "\ndetection: {epochs: [40], sizes: [3k], kinds: [full], full: [3k], full_epochs: 2, tasks: [sentence], samples: 6, evidence: 0, resamples: 20}"
      + "\nhardening: {victims: [model, full-3k], epochs: [40], sizes: [3k], rounds: 2, attacked: 16, examples: 30, iterations: 1, last_iterations: 2, candidates: 8, size: 60, tests: [{kinds: [gcg, random], iterations: 2, random_iterations: 3, candidates: 8}, {kinds: [gcg], iterations: 2, candidates: 8, length: 1}]}"
      + "\nattack: {victims: [model, full-3k], epochs: [40], sizes: [3k], examples: 30, iterations: 2, random_iterations: 4, candidates: 8}"
    let study = try runner(text)
    let attack = try #require(study.plan.tasks.first { $0.kind.rawValue == "attack" })
    let detect = try #require(study.plan.tasks.first { $0.kind.rawValue == "detect" })
    #expect(attack.needs.contains(detect.id))
    #expect(try study.run().records(.failed).map(\.error) == [])
    let results = try StudyResults(study.folder.database)
    let counts = try results.rows(
      """
      SELECT victim, attack, max(iteration), count(*) FROM attack_rate GROUP BY 1, 2 ORDER BY 1, 2
      """)
    #expect(counts.map { $0[0] } == ["full-3k", "full-3k", "model", "model"])
    #expect(counts.map { $0[1] } == ["gcg", "random", "gcg", "random"])
    #expect(
      counts.allSatisfy { ($0[2] as Int) == ($0[1] == "gcg" ? 2 : 4) && $0[2] as Int == $0[3] })
    let files = try FileManager.default.contentsOfDirectory(
      atPath: out.appendingPathComponent("figures").path)
    #expect(files.contains("attack-success.csv") && files.contains("attack-success-detectors.svg"))
    let tests = try results.rows(
      """
      SELECT victim, test, max(iteration), count(DISTINCT round) FROM hardening_attack
      GROUP BY 1, 2 ORDER BY 1, 2
      """)
    let names = ["gcg", "gcg, length 1", "random"]
    #expect(tests.map { $0[1] } == names + names && tests.map { $0[2] } == [2, 2, 3, 2, 2, 3])
    #expect(tests.allSatisfy { $0[3] == 3 })
    let rounds = try results.rows(
      "SELECT defence_flops, attack_flops, training_flops FROM hardening_round ORDER BY victim, round"
    )
    #expect(rounds.count == 6)
    for (before, round) in zip(rounds, rounds.dropFirst()) where round[0] as Double > 0 {
      #expect(
        round[0] as Double == (before[0] as Double) + (round[1] as Double) + (round[2] as Double))
    }
    #expect(try results.rows("SELECT * FROM hardening_rate").count == 12)
    for name in ["success", "compute", "accuracy", "rate"] {
      #expect(files.contains("hardening-\(name).csv") && files.contains("hardening-\(name).svg"))
    }
    let again = try runner(text).run()
    #expect(again.reusedCount == study.plan.tasks.count - 1)
    expectFailure("two tests of hardening are called 'gcg, length 1'") {
      _ = try runner(text.replacing("[gcg, random]", with: "[gcg], length: 1"))
    }
    expectFailure("attack names the detector full-9k") {
      _ = try runner(text.replacing("full-3k]", with: "full-9k]"))
    }
  }

  /// Models that were taught rules are asked traps; the report says how accuracy goes with size.
  @Test func trapsAreAsked() throws {
    let text =
      StudyText.study.replacingOccurrences(
        of: "tokens_per_step: 64", with: "tokens_per_step: 512\n  rule_share: 0.2")
      + "\ntraps: {tasks: [neqa, memo-trap], questions: 10, shots: [0, 1], epochs: [1], resamples: 20}"
    #expect(try runner(text).run().records(.failed).map(\.error) == [])
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    let rows = try results.rows(
      """
      SELECT task, variant, count(*) FROM choice_result WHERE group_kind = 'all' AND chance = 0.5
      GROUP BY task, variant ORDER BY task, variant
      """)
    let forms = ["plain", "trap", "trap, 1 shot"]
    #expect(
      rows.map { $0[0] as String } == forms.map { _ in "memo-trap" } + forms.map { _ in "neqa" })
    #expect(rows.map { $0[1] as String } == forms + forms && rows.allSatisfy { $0[2] == 3 })
    let figures = out.appendingPathComponent("figures")
    let files = try FileManager.default.contentsOfDirectory(atPath: figures.path)
    #expect(files.contains("trap-neqa-accuracy.svg") && files.contains("trap-memo-trap-loss.svg"))
    let shapes = try CSVTable(figures.appendingPathComponent("trap-shape-counts.csv"))
    #expect(shapes.rows[0].suffix(4) == ["4", "6", "1", "0"])
    #expect(shapes.rows.dropFirst().map { $0[1] } == ["plain", "trap", "trap, 1 shot"])
    #expect(
      shapes.rows.dropFirst().allSatisfy { $0.suffix(4).compactMap { Int($0) }.reduce(0, +) == 2 })
    #expect(try runner(text).run().reusedCount == 14)
  }

  /// Detectors of one model's answers are tested on another's; only the tested run's folder is
  /// written.
  @Test func detectorsTransferBetweenModelsOfTheStudy() throws {
    let transfer =
      StudyText.study
      + "\ntransfer: {from: [3k], epochs: [2], kinds: [head], full: [3k], full_epochs: 1, samples: 4, resamples: 20}"
    // The same detectors of the same answers.
    let text =
      transfer
      + "\ndetection: {epochs: [2], kinds: [head], heads: [linear], tasks: [sentence], samples: 4, evidence: 0, resamples: 20}"
    let study = try runner(text)
    #expect(study.plan.tasks.filter { $0.kind.rawValue == "transfer" }.count == 2)
    #expect(try study.run().records(.failed).map(\.error) == [])
    let results = try StudyResults(study.folder.database)
    let cells = try results.rows(
      """
      SELECT tested.size, trained.size, t.value, d.value
      FROM detector_transfer t JOIN run tested ON tested.id = t.run_id
      JOIN run trained ON trained.id = t.trained_on
      LEFT JOIN detector d ON d.run_id = t.run_id AND d.name = t.detector AND d.task = t.task
        AND d.metric = t.metric AND t.trained_on = t.run_id
      WHERE t.metric = 'auroc' AND t.detector = 'linear' ORDER BY tested.rowid, trained.rowid
      """)
    #expect(
      cells.map { [$0[0], $0[1]] as [String] } == [["3k", "3k"], ["6k", "3k"], ["6k", "6k"]])
    #expect(cells[0][2] as Double? == cells[0][3] && cells[2][2] as Double? == cells[2][3])
    let across = try results.rows(
      """
      SELECT detector FROM detector_transfer
      WHERE trained_on <> run_id AND metric = 'auroc' AND value IS NOT NULL ORDER BY detector
      """)
    #expect(across.map { $0[0] as String } == ["full-3k", "linear"])
    for run in results.runs where run.epochs == 2 {
      let model = out.appendingPathComponent("models/\(run.id)")
      let database = try #require(try RunDatabase.read(in: model))
      let tested = try database.read {
        try String.fetchSet($0, sql: "SELECT tested_on FROM detector_transfer")
      }
      #expect(tested == [run.id])
      let features = model.appendingPathComponent("features").path
      #expect(!FileManager.default.fileExists(atPath: features))
    }
    #expect(
      try StudyReport(results, command: "").document().sections.contains {
        $0.title == "Transfer of detectors"
      })
    #expect(try runner(text).run().reusedCount == study.plan.tasks.count - 1)
    expectFailure("own)") {
      try runner(text.replacing("full: [3k]", with: "full: [6k-pretrained]"))
    }
    expectFailure("has no from") { try runner(text.replacing("from: [3k], ", with: "")) }
  }

  @Test func aFailedModelLeavesTheOthers() throws {
    let study = try runner()
    // A folder with somebody else's files where the first model is to go.
    let first = try #require(study.plan.tasks(.train).first)
    try folder.write("mine", to: "out/models/\(first.id)/notes.txt")
    let plan = String(decoding: try CanonicalJSON.pretty(study.plan), as: UTF8.self)
    try folder.write(plan, to: "out/plan.json")
    let summary = try study.run()
    #expect(summary.records(.failed).map(\.id) == [first.id])
    #expect(summary.records(.failed).first?.error?.contains("notes.txt") == true)
    #expect(summary.records(.skipped).map(\.name) == ["evaluate 3k, 1 epoch"])
    #expect(summary.records(.done).count == study.plan.tasks.count - 2)
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    let statuses = try results.rows("SELECT status FROM failure ORDER BY rowid")
    #expect(statuses.map { $0[0] as String } == ["failed", "skipped"])
    #expect(results.runs.count == 4)
    #expect(try StudyStatus(folder: StudyFolder(out)).table().contains("notes.txt"))

    // Mended, the same command does the two that are missing.
    try FileManager.default.removeItem(at: out.appendingPathComponent("models/\(first.id)"))
    let again = try runner().run()
    #expect(again.records(.done).count == again.records.count)
    let mended = try StudyResults(out.appendingPathComponent("study.sqlite"))
    #expect(try mended.rows("SELECT * FROM failure").isEmpty)
  }

  @Test func refusesAFolderOfSomethingElse() throws {
    try folder.write("a thesis", to: "out/thesis.txt")
    expectFailure("is not empty and holds no study (it has 'thesis.txt')") { try runner() }
    try FileManager.default.removeItem(at: out)
    let other = try runner().plan
    try folder.write(
      String(decoding: try CanonicalJSON.pretty(other), as: UTF8.self), to: "out/plan.json")
    let renamed = StudyText.study.replacingOccurrences(of: "name: small", with: "name: large")
    expectFailure("holds the study 'small', not 'large'; choose another --out") {
      try runner(renamed)
    }
    try folder.write("{", to: "out/plan.json")
    #expect(throws: Never.self, "a damaged plan is written anew") { _ = try runner() }
    try FileManager.default.removeItem(at: out)
    try folder.write("", to: "out")
    #expect(failure { try runner() }.contains("is a file"))
  }

  @Test func twoWritersAreRefused() throws {
    let study = try runner()
    let lock = try FolderLock(out)
    let message = failure { try study.run() }
    withExtendedLifetime(lock) {}
    #expect(message.contains("is being written by another process"), "\(message)")
  }

  @Test func aPlanOfNothingIsAnErrorThatNamesTheFolder() {
    expectFailure("holds no study (no plan.json)") { try StudyFolder(out).readPlan() }
  }
}
