import ArgumentParser
import Console
import Detection
import Foundation
import KnowledgeGraph
import LabCore
import Training

struct DetectScore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Let a trained detector judge stored answers, or triples from a file.",
    discussion: """
      Without --triples it judges the answers that kglab evaluate stored of the run, and shows how well it \
      does on subjects it did not learn from. With --triples it judges the lines of a file, of any format that \
      kglab import reads (subject, predicate, object), prints them with their score, 0 to 1 and higher = \
      more likely hallucinated, and with the graph's verdict. Scores are rows of run.sqlite (answer_score, triple_score), \
      in the place of those that the same detector gave before.

      EXAMPLES:
        kglab detect score runs/a/detectors/sentence-linear-0123abcd
        kglab detect score runs/a/detectors/sentence-linear-0123abcd --triples claims.tsv
        kglab detect score runs/a/detectors/sentence-full-30k-0123abcd --run runs/b --json
      """)

  @Argument(help: ArgumentHelp("The folder of a trained detector.", valueName: "detector"))
  var folder: String

  @Option(
    name: .customLong("run"),
    help: "The run whose model's answers are judged; by default the one the detector is in.")
  var runFolder: String?

  @Option(help: "Triples to judge instead of stored answers: a file, or - for standard input.")
  var triples: String?

  @Option(help: "Temperature of the stored answers.")
  var temperature: Double = 1

  @Option(help: "The run's graph, where it is no longer at its place.")
  var graph: String?

  @OptionGroup var workers: WorkerOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let url = try DetectorFolder.url(folder)
    let place =
      runFolder.map { URL(fileURLWithPath: $0, isDirectory: true) }
      ?? url.deletingLastPathComponent().deletingLastPathComponent()
    let run = try RunFolder.open(place)
    let scoring = try StoredScoring(
      folder: url, run: run, graph: run.graph(at: graph.map { URL(fileURLWithPath: $0) }))
    Interruption.heed()
    if let triples { return try judge(triples, scoring, in: place) }
    let summary = try workers.during {
      try scoring.scoreStoredAnswers(temperature: temperature, work: $0)
    }
    if json { return try Output.json(summary) }
    Output.line(
      "\(summary.detector) judged \(summary.answerCount.grouped) stored answers at temperature "
        + "\(Readable.number(summary.temperature)): \(summary.scoreCount.grouped) scores")
    if !scoring.isOwnModel {
      Output.line("the detector learned from another model's answers")
    }
    var table = TextTable(["metric", "on subjects not learned from", "chance"])
    for estimate in summary.metrics {
      table.add([
        estimate.metric.rawValue, DetectorText.estimate(estimate),
        DetectorText.number(estimate.chance),
      ])
    }
    if summary.metrics.isEmpty {
      Output.line("not measured: the answers about those subjects have one class only")
    } else {
      Output.table(table)
    }
    Output.line("wrote \(place.relativePath)/run.sqlite (table answer_score)")
    Output.next("kglab", "detect", "score", folder, "--triples", "FILE.tsv")
  }

  private func judge(_ file: String, _ scoring: StoredScoring, in place: URL) throws {
    let lines = try TripleImporter(name: file).triples([TripleImporter.source(file)])
    let scores = try scoring.score(lines, file: file, work: Work(workers: workers.count))
    if json { return try Output.json(scores) }
    var table = TextTable(
      ["subject", "predicate", "object", "token", "score", "verdict"], left: [0, 1, 2])
    for score in scores {
      table.add([
        score.subject, score.predicate, score.object, score.place == 0 ? "-" : "\(score.place)",
        DetectorText.number(score.score), score.verdict?.rawValue ?? "no such query",
      ])
    }
    Output.table(table)
    Output.line("wrote \(place.relativePath)/run.sqlite (table triple_score)")
    Output.next(
      "sqlite3", "\(place.relativePath)/run.sqlite",
      "SELECT * FROM triple_score ORDER BY score DESC LIMIT 9")
  }
}

/// The folder of a detector that a user names.
enum DetectorFolder {
  /// Throws `LabError` where it holds none.
  static func url(_ folder: String) throws -> URL {
    let url = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL
    let record = url.appendingPathComponent(DetectorFiles.record)
    guard FileManager.default.fileExists(atPath: record.path) else {
      throw LabError(
        "\(folder) holds no detector; give a folder in a run's detectors/, which kglab detect train makes"
      )
    }
    return url
  }
}
