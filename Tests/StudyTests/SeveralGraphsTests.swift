import Evaluation
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import Study
import TestSupport
import Testing
import Training

/// Studies of several graphs, and models that start from other models of the study.
@Suite struct SeveralGraphsTests {
  private let folder: TemporaryFolder
  private var out: URL { folder["out"] }

  private static let study = """
    name: two
    graphs:
      - {name: small, schema: town.yaml, seed: 7}
      - {name: other, schema: town.yaml, seed: 8}
    training: {tokens_per_step: 64}
    models:
      - {name: base, sizes: [3k], epochs: [3]}
      - {sizes: [3k], epochs: [2], from: base, only: facts.tsv, graphs: [small]}
    evaluation: {samples: 1, resamples: 10}
    knowledge: {resamples: 10}
    lifeline: {}
    keep: {steps: "1"}
    workers: 2
    """

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(StudyText.schema, to: "town.yaml")
    let graph = try GraphGenerator(
      schema: GraphSchema.read(folder["town.yaml"]), seed: Seed(7)
    ).generate()
    let facts = graph.statements(fraction: 1).prefix(5).map { statement in
      let triple = statement.triple
      return [
        graph.entities[Int(triple.subject)].name, graph.predicates[Int(triple.predicate)].name,
        graph.entities[Int(triple.object)].name,
      ].joined(separator: "\t") + "\n"
    }
    try folder.write(facts.joined(), to: "facts.tsv")
  }

  private func runner(_ text: String = Self.study) throws -> StudyRunner {
    try StudyText.runner(text, in: folder)
  }

  @Test func planHasEachGraphAndWhatItsModelsNeed() throws {
    let plan = try runner().plan
    #expect(plan.graphs.map(\.name) == ["small", "other"])
    let trainings = plan.tasks(.train)
    #expect(
      trainings.map(\.name) == [
        "train 3k, 3 epochs, small, baseline", "train 3k, 3 epochs, other, baseline",
        "train 3k, 2 epochs, small, from base on facts.tsv",
      ])
    #expect(
      trainings.map(\.needs) == [
        [plan.graphs[0].id], [plan.graphs[1].id], [plan.graphs[0].id, trainings[0].id],
      ])
    #expect(Set(plan.tasks.map(\.id)).count == plan.tasks.count)
    let json = try CanonicalJSON.pretty(plan)
    #expect(try JSONDecoder().decode(StudyPlan.self, from: json) == plan)
    // Another parent makes another child.
    let longer = try runner(Self.study.replacingOccurrences(of: "epochs: [3]", with: "epochs: [4]"))
    #expect(longer.plan.tasks(.train).last?.id != trainings.last?.id)
  }

  /// The models are those that training by itself makes, and all measures are in study.sqlite.
  @Test func runsOnEachGraphAndFromEachParent() throws {
    let study = try runner()
    let summary = try study.run()
    #expect(summary.records.count { $0.status == .done } == study.plan.tasks.count)
    let trainings = study.plan.tasks(.train)
    let records = try trainings.map {
      try #require(try RunFolder.readRecord(out.appendingPathComponent("models/\($0.id)")))
    }
    #expect(records[2].configuration.start == records[0].weightsHash)
    #expect(Set(records.map(\.configuration.graphHash)).count == 2)
    let graph = try KnowledgeGraph.open(
      out.appendingPathComponent("graphs/\(study.plan.graphs[0].id)/graph.sqlite"))
    var request = TrainingRequest(size: "3k", epochs: 2)
    request.training.tokensPerStep = 64
    request.start = out.appendingPathComponent("models/\(trainings[0].id)")
    request.chosen = try ChosenTriples(in: folder["facts.tsv"], of: graph, fraction: 1)
    let alone = try Trainer(
      graph: graph, graphURL: folder["graph.sqlite"], request: request, folder: folder["alone"]
    ).run()
    #expect(alone.weightsHash == records[2].weightsHash)

    let results = try StudyResults(out.appendingPathComponent("study.sqlite"))
    func count(_ table: String) throws -> Int {
      try results.rows("SELECT count(DISTINCT run_id) FROM \(table)")[0][0]
    }
    #expect(results.graphs.count == 2 && results.runs.map(\.variant).last?.isEmpty == false)
    #expect(
      try ["rate", "stored_bits", "lifeline_curve", "lifeline_count"].map(count) == [3, 3, 3, 3])
    // The share that is known at the last step is that of the facts that were learned.
    let shares = try results.rows(
      """
      SELECT c.known_share * c.query_count - n.learned_count FROM lifeline_curve c
      JOIN lifeline_count n ON n.run_id = c.run_id AND n.visibility = c.visibility
      WHERE c.step = (SELECT max(step) FROM lifeline_curve l WHERE l.run_id = c.run_id)
      """)
    #expect(shares.count == 12 && shares.allSatisfy { abs($0[0] as Double) < 1e-9 })

    #expect(try runner().run().reusedCount == study.plan.tasks.count - 1)
    // A child whose parent was trained anew is another result.
    try FileManager.default.removeItem(at: out.appendingPathComponent("models/\(trainings[0].id)"))
    #expect(try runner().run().records(.failed).isEmpty)
  }

  @Test(arguments: [
    ("name: two", "name: two\ngraph: {schema: town.yaml}", "is there beside graphs"),
    ("name: other", "name: small", "is the name of a graph before"),
    ("graphs: [small]", "graphs: [tiny]", "must be one of small, other"),
    ("from: base", "from: bass", "did you mean 'base'?"),
    ("sizes: [3k], epochs: [3]", "sizes: [3k], epochs: [3, 4]", "which has 2 models"),
    ("only: facts.tsv", "only: none.tsv", "which does not exist"),
    ("lifeline: {}", "lifeline: {epochs: [9]}", "selects none of the models"),
    ("lifeline: {}", "lifeline: {steps: 3}", "steps"),
    ("keep: {steps: \"1\"}", "", "the study keeps none; add keep"),
    ("knowledge: {resamples: 10}", "knowledge: {resamples: 0}", "between 1 and 1000000"),
  ])
  func whatCannotBeIsRefused(old: String, new: String, words: String) {
    expectFailure(words) { try runner(Self.study.replacingOccurrences(of: old, with: new)) }
  }
}
