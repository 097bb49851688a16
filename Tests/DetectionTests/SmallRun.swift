import Corpus
import Foundation
import KnowledgeGraph
import Training

/// A run on the small graph, trained once.
let sharedRun = Result { try SmallRun(epochs: 25) }

/// A small model trained on a small graph, in a folder of its own.
final class SmallRun: Sendable {
  let graph: KnowledgeGraph
  let folder: URL

  init(
    epochs: Int, people: Int = 100, size: String = "3k", tokenizer: TokenizerKind = .word
  ) throws {
    graph = SmallGraph.people(people)
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "kglab-\(UUID().uuidString)")
    var request = TrainingRequest(size: size, epochs: epochs)
    request.tokenizer = tokenizer
    request.training.tokensPerStep = 256
    var options = RuntimeOptions()
    options.workers = 1
    _ = try Trainer(
      graph: graph, graphURL: folder.appendingPathComponent("graph.sqlite"), request: request,
      folder: folder, options: options
    ).run()
  }

  /// The run in a copy of its folder.
  func copy(to url: URL) throws -> RunFolder {
    let target = url.appendingPathComponent("run")
    try FileManager.default.copyItem(at: folder, to: target)
    return try RunFolder.open(target)
  }
}
