import Corpus
import Detection
import Foundation
import KnowledgeGraph
import TestSupport
import Testing
import Training

/// A run on the small graph, trained once.
let sharedRun = Result { try TrainedRun(epochs: 25) }

extension TrainedRun {
  /// On a graph of `people`.
  convenience init(
    epochs: Int, people: Int = 100, size: String = "3k", tokenizer: TokenizerKind = .word
  ) throws {
    try self.init(SmallGraph.people(people), epochs: epochs) { request, _ in
      request.size = size
      request.tokenizer = tokenizer
    }
  }
}

/// A copy of the shared run, for a test to detect in.
struct RunCopy {
  let folder: TemporaryFolder
  let run: RunFolder
  let graph: KnowledgeGraph

  init() throws {
    folder = try TemporaryFolder()
    let shared = try sharedRun.get()
    run = try shared.copy(to: folder.url)
    graph = shared.graph
  }
}

extension RunFolder {
  /// The folder of a detector by the name that its result gives.
  func detector(_ name: String?) throws -> URL {
    url.appendingPathComponent(DetectionRunner.folderName)
      .appendingPathComponent(try #require(name))
  }
}

extension DetectionOptions {
  /// One linear head on sentences, with little else.
  static func linear(_ change: (inout DetectionOptions) -> Void = { _ in }) -> DetectionOptions {
    with(DetectionOptions()) { options in
      options.tasks = [.sentence]
      options.kinds = [.head]
      options.heads = [.linear]
      options.full = [.scratch(size: "3k")]
      options.fullTraining.epochs = 1
      options.evidence = 0
      options.resampleCount = 20
      change(&options)
    }
  }
}
