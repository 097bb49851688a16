package import Corpus
package import KnowledgeGraph

extension TripleText {
  /// How long to wait for an answer, in tokens: the longest in the graph with its end token, and
  /// one more.
  package func maximumNewTokens(_ graph: KnowledgeGraph) -> Int {
    (graph.answers.map { completion(object: $0.object).count }.max() ?? 1) + 1
  }
}
