import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import Training

/// A small run on disk that keeps its checkpoints, trained in the test; the folder goes with it.
final class TrainedRun {
  let graph: KnowledgeGraph
  let folder: URL
  let run: RunFolder

  init(_ graph: KnowledgeGraph, epochs: Int = 2, seed: UInt64 = 0, rate: Double? = nil) throws {
    self.graph = graph
    folder = try temporaryFolder()
    var runtime = RuntimeOptions()
    runtime.workers = 1
    runtime.shouldStop = { false }
    runtime.keep = try KeepPlan(steps: "log,0", epochs: nil)
    var request = TrainingRequest(size: "3k", epochs: epochs)
    request.seed = seed
    request.learningRate = rate
    request.training.tokensPerStep = 64
    let file = folder.appendingPathComponent("graph.sqlite")
    _ = try Trainer(
      graph: graph, graphURL: file, request: request, folder: folder, options: runtime
    ).run()
    run = try RunFolder.open(folder)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}

extension TestGraph {
  /// `count` families: parents trained on, every third child's way back held out.
  static func families(_ count: Int) -> KnowledgeGraph {
    make(
      (0..<count).flatMap { index -> [Row] in
        let (parent, child) = ("p\(index) a", "c\(index) b")
        return [
          Row(parent, "parent of", child, "person"),
          Row(child, "child of", parent, "person", visible: index % 3 > 0),
          Row(parent, "in", "city\(index % 5)", "city"),
        ]
      })
  }
}
