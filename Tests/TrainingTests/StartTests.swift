import Compute
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Trainings that start from another run, and on chosen triples.
@Suite struct StartTests {
  private let folder: TemporaryFolder
  private let graph: KnowledgeGraph

  init() throws {
    folder = try TemporaryFolder()
    try KnowledgeGraphFile.write(folder["graph.sqlite"])
    graph = try KnowledgeGraph.open(folder["graph.sqlite"])
  }

  private func train(
    _ name: String, epochs: Int = 4, from parent: String? = nil, only: Set<Triple>? = nil,
    learningRate: Double? = nil, stopAfter: Int? = nil
  ) throws -> RunRecord {
    try trainTiny(graph, in: folder["graph.sqlite"], into: folder[name], epochs: epochs) {
      request, options in
      request.training.tokensPerStep = 64
      request.learningRate = learningRate
      request.start = parent.map { folder[$0] }
      request.chosen = only.map { ChosenTriples($0) }
      if let stopAfter { options.shouldStop = stopping(after: stopAfter) }
    }
  }

  private func weights(_ name: String) throws -> [Float] {
    try RunFolder.open(folder[name]).loadModel().parameters.copyOut()
  }

  @Test func trainingGoesOnFromTheParentsWeights() throws {
    let parent = try train("parent", epochs: 12)
    let child = try train("child", from: "parent", learningRate: 1e-9)
    #expect(child.configuration.start == parent.weightsHash)
    #expect(child.startPath == "../parent")
    #expect(child.sizeName == "3k" && child.configuration.model == parent.configuration.model)
    // A vanishing rate moves nothing, and the first loss is the parent's, not that of fresh
    // weights.
    let (old, new) = (try weights("parent"), try weights("child"))
    #expect(zip(old, new).allSatisfy { abs($0 - $1) < 1e-6 })
    let fresh = try #require(parent.initialCrossEntropy)
    let begun = try #require(child.initialCrossEntropy)
    let reached = try #require(parent.finalCrossEntropy)
    #expect(begun < fresh - 0.5 && abs(begun - reached) < 0.5)
  }

  @Test func freshRunsNameNoStart() throws {
    let record = try train("fresh")
    let text = String(decoding: try CanonicalJSON.compact(record.configuration), as: UTF8.self)
    #expect(!text.contains("start") && !text.contains("source"))
  }

  @Test func chosenTriplesAreAllThatIsShown() throws {
    _ = try train("parent")
    let all = graph.statements(fraction: 1).map(\.triple)
    let chosen = Set(all.prefix(5))
    let record = try train("child", from: "parent", only: chosen)
    #expect(record.trainedTripleCount == 5)
    let child = folder["child"]
    let batches = try RunBatches(child)
    let shown = try Set(batches.batches(1...batches.stepCount).flatMap(\.triples))
    #expect(shown.count == 5)
    // The list is part of what the run is.
    let list = child.appendingPathComponent(ChosenTriples.fileName)
    try Data("0\t0\t22\n".utf8).write(to: list)
    expectFailure("triples.tsv") { try RunBatches(child) }
    expectFailure("holds another run", "chosen_sha256") {
      try train("child", from: "parent", only: Set(all.prefix(6)))
    }
  }

  @Test func stoppedItContinuesToTheSameBytes() throws {
    _ = try train("parent")
    let whole = try train("whole", from: "parent")
    #expect(throws: LabError.self) { try train("cut", from: "parent", stopAfter: 7) }
    let cut = try train("cut", from: "parent")
    #expect(cut.weightsHash == whole.weightsHash)
    #expect(cut.weightsHash != (try RunFolder.readRecord(folder["parent"]))?.weightsHash)
  }

  @Test func parentsThatAreMissingOrAlteredAreRefusedByName() throws {
    expectFailure("nobody") { try train("child", from: "nobody") }
    _ = try train("parent")
    let file = folder["parent/model.safetensors"]
    var data = try Data(contentsOf: file)
    data[data.count - 3] ^= 1
    try data.write(to: file)
    expectFailure("parent") { try train("child", from: "parent") }
    #expect(!folder.exists("child"))
  }

  @Test func namesThatAreNotTaughtAreRefused() throws {
    func refusal(_ subject: String, _ predicate: String, _ object: String) -> String {
      do {
        _ = try ChosenTriples(
          named: [(subject, predicate, object, "some.tsv:1")], in: graph, fraction: 1)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    func names(_ triple: Triple) -> (String, String, String) {
      (
        graph.entities[Int(triple.subject)].name, graph.predicates[Int(triple.predicate)].name,
        graph.entities[Int(triple.object)].name
      )
    }
    let taught = graph.statements(fraction: 1).map(\.triple)
    let (subject, predicate, object) = names(try #require(taught.first))
    #expect(refusal(subject, predicate, object) == "none")
    #expect(
      refusal(subject, predicate + "s", object).contains("some.tsv:1: the graph has no predicate"))
    #expect(refusal("Nobody", predicate, object).contains("is no triple of the graph, whose view"))
    #expect(refusal(subject, predicate, subject).contains("is no triple of the graph"))
    let query = try #require(graph.queries.first { $0.visibility == .ivs })
    let held = names(
      Triple(
        subject: query.subject, predicate: query.predicate,
        object: graph.answers[query.answers.lowerBound].object))
    #expect(refusal(held.0, held.1, held.2).contains("is held out"))
  }
}
