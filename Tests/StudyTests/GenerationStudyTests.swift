import Corpus
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies of models that learn from the words of others.
@Suite struct GenerationStudyTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  private static let study = """
    name: words
    graph: {schema: town.yaml, seed: 7}
    training: {tokens_per_step: 64}
    models:
      - {name: g0, sizes: [3k], epochs: [3], seeds: [0, 1]}
      - {name: g1, sizes: [3k], epochs: [3], seeds: [0, 1], text_of: g0}
      - {name: g2, sizes: [3k], epochs: [3], seeds: [0, 1], text_of: g1}
      - {name: a2, sizes: [3k, 6k], epochs: [2], text_of: [g0, g1], text: {real: 1}}
      - {name: s1, sizes: [3k], epochs: [1], from: g0, text_of: g0, text: {samples: 8, right: 4, temperature: 0.7, top_k: 40}}
    evaluation: {samples: 1, resamples: 10}
    knowledge: {resamples: 10}
    collapse: {samples: 2, resamples: 10}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
  }

  private func runner(_ text: String = Self.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  @Test func eachGenerationLearnsFromTheOneBefore() throws {
    let study = try runner()
    let made = study.plan.tasks(.train)
    #expect(made.count == 9 && Set(made.map(\.id)).count == 9)
    #expect(made[2].needs.last == made[0].id && made[5].needs.last == made[3].id)
    #expect(made[6].needs.suffix(2) == [made[0].id, made[2].id])
    #expect(made[7].needs.suffix(2) == [made[0].id, made[2].id], "of another size")
    #expect(made[8].needs.suffix(2) == [made[0].id, made[0].id])
    #expect(made[8].name.contains("from g0 on words of g0 (8 samples, at most 4 right"))
    let summary = try study.run()
    #expect(summary.records.map(\.error).compactMap(\.self) == [])
    let records = try made.map {
      try #require(try RunFolder.readRecord(out.appendingPathComponent("models/\($0.id)")))
    }
    for (child, parents) in [(2, [0]), (4, [2]), (6, [0, 2]), (8, [0])] {
      let source = records[child].configuration.corpus.source
      guard case .answers(let text) = source else {
        Issue.record("\(made[child].name) learned from another text")
        continue
      }
      #expect(text.of == parents.map { records[$0].weightsHash ?? "" })
    }
    let lines = records[0].presentationsPerEpoch ?? records[0].trainedTripleCount
    #expect(records[2].answers?.drawn == lines && records[2].answers?.real == 0)
    #expect(records[6].answers?.drawn == 2 * lines && records[6].answers?.real == lines)
    #expect(records[6].configuration.start == nil)
    #expect(records[8].configuration.start == records[0].weightsHash)
    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    #expect(results.runs.map(\.generation) == [0, 0, 1, 1, 2, 2, 2, 2, 1])
    #expect(results.runs[2].wrongShare == records[2].answers?.wrongShare)
    #expect(results.runs[6].textSource == "1 real" && results.runs[0].textSource == nil)
    let tally = try #require(records[6].answers)
    #expect(tally.wrong == tally.drawn - tally.right && tally.wrong > 0)
    #expect(abs(tally.wrongShare * Double(3 * lines) - Double(tally.wrong)) < 1e-9)
    #expect(results.runs[8].wrongShare == 0, "only right answers are kept")
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: out.appendingPathComponent("figures").path)
    for name in ["rate", "loss", "popularity"] {
      #expect(figures.contains("\(name)-vs-generation.csv"))
    }
    #expect(figures.contains("rate-vs-wrong-share.csv"))
    // Generation 0 is read by itself, all later ones by the first of their line.
    let losses = try results.rows(
      """
      SELECT run.generation, c.loss, c.own_loss FROM collapse_answers c JOIN run ON run.id = c.run_id
      WHERE c.answers = 'all' ORDER BY run.rowid
      """)
    #expect(losses.count == 9)
    for row in losses {
      #expect((try row.value(0) == 0) == (try row.value(1, Double.self) == row.value(2)))
    }
    for name in ["generation-0-loss", "generation-0-reads", "objects-said", "objects-mass"] {
      #expect(figures.contains("\(name).csv"), "\(name)")
    }
    // By itself it makes the same weights.
    let graph = try KnowledgeGraph.open(
      out.appendingPathComponent("graphs/\(study.plan.graphs[0].id)/graph.sqlite"))
    var request = TrainingRequest(size: "3k", epochs: 3)
    request.training.tokensPerStep = 64
    let speaker = try RunFolder.open(out.appendingPathComponent("models/\(made[0].id)"))
    request.answers = try AnswerTextMaker(AnswerText(), of: [speaker], graph: graph, fraction: 1)
      .lines()
    let alone = try Trainer(
      graph: graph, graphURL: folder["graph.sqlite"], request: request, folder: folder["alone"]
    ).run()
    #expect(alone.weightsHash == records[2].weightsHash)
    // All of it is found again, and made again where a part is lost.
    #expect(try runner().run().reusedCount == study.plan.tasks.count - 1)
    try FileManager.default.removeItem(at: out.appendingPathComponent("models/\(made[2].id)"))
    let again = try runner().run()
    #expect(again.records(.failed).isEmpty && again.reusedCount < study.plan.tasks.count - 1)
    #expect(
      try RunFolder.readRecord(out.appendingPathComponent("models/\(made[2].id)"))?.weightsHash
        == records[2].weightsHash)
  }

  @Test(arguments: [
    ("text_of: g1}", "text_of: g9}", "names no entry of models before it: 'g9'"),
    ("text_of: g1}", "text: {real: 1}}", "needs text_of beside it"),
    ("text: {real: 1}", "text: {real: 2}", "real is 2.0; it must be from 0 to 1"),
    ("text: {real: 1}", "text: {reel: 1}", "reel"),
    ("samples: 8,", "samples: 8, synthetic: 2,", "left out where samples is given"),
    (
      "epochs: [3], seeds: [0, 1], text_of: g0", "epochs: [3, 4], seeds: [0, 1], text_of: g0",
      "let it have one"
    ),
    ("text_of: g1}", "text_of: g1, only: town.yaml}", "is there beside only"),
  ])
  func whatCannotBeIsRefused(old: String, new: String, words: String) {
    expectFailure(words) { try runner(Self.study.replacingOccurrences(of: old, with: new)) }
  }
}
