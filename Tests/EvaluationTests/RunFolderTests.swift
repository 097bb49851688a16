import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct RunFolderTests {
  /// From a training to stored rates, and the same rates read back without asking the model again.
  @Test func finishedRunsAreEvaluated() throws {
    let trained = try TrainedRun(TestGraph.people(20))
    let (graph, run) = (trained.graph, trained.run)
    let wanted = options(sampled: [1], samples: 2, resamples: 10)
    let summary = try run.evaluate(wanted, graph: graph, work: Work(shouldStop: { false }))
    #expect(summary.queryCount == 60)
    #expect(summary.weightsHash == run.record.weightsHash)
    #expect(summary.graphHash == graph.contentHash)
    // Without a graph to open, only what is stored can be given.
    #expect(try run.evaluate(wanted, work: Work(shouldStop: { true })) == summary)
    #expect(throws: LabError.self) {
      try run.evaluate(options(sampled: [1], samples: 3), work: Work(shouldStop: { false }))
    }
    #expect(try RunDatabase.read(in: trained.folder)?.summaries() == [summary])
  }

  /// A folder is locked by a process that writes, and cannot be locked where nothing can be
  /// written.
  @Test func whatIsStoredIsReadWithoutTheLock() throws {
    let trained = try TrainedRun(TestGraph.families(12))
    func all() throws -> [String] {
      [
        try trained.run.evaluate(options(), graph: trained.graph, work: Work(shouldStop: { false }))
          .key,
        try trained.run.knowledge(graph: trained.graph, work: Work(shouldStop: { false })).key,
        try LifelineRequest(folder: trained.folder).run(
          on: trained.graph, work: Work(shouldStop: { false })
        )
        .key,
      ]
    }
    let first = try all()
    let lock = try FolderLock(trained.folder)
    defer { withExtendedLifetime(lock) {} }
    #expect(try all() == first)
    let record = try trainTiny(trained.graph, into: trained.folder, epochs: 2) { request, _ in
      request.training.tokensPerStep = 64
    }
    #expect(record == trained.run.record)
    #expect(throws: LabError.self) {
      try trained.run.evaluate(
        options(seed: 9), graph: trained.graph, work: Work(shouldStop: { false }))
    }
  }

  @Test func foldersWithoutARunAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(try RunDatabase.read(in: folder.url) == nil)
    #expect(throws: LabError.self) { try RunFolder.open(folder.url) }
  }
}
