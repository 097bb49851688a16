import Corpus
import KnowledgeGraph
import TestSupport
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
