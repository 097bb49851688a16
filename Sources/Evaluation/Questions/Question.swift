package import Corpus
package import KnowledgeGraph
package import LanguageModel

/// What a model is asked, and what is right to answer.
package struct Question: Sendable {
  package let query: Query
  /// `<S> ... <O>`.
  package let prompt: [Int32]
  /// The right answers, each name once, in the order of `KnowledgeGraph.truth(of:)`.
  package let truth: [TrueCompletion]

  /// Its right answers, to be scored.
  package var prompted: PromptedCompletions {
    PromptedCompletions(prompt: prompt, completions: truth.map(\.tokens))
  }
}

/// A right answer as a model has to write it.
package struct TrueCompletion: Hashable, Sendable {
  /// The first object of this name among the right answers.
  package let object: Int32
  /// The first object of this name among the query's own answers; nil where only a namesake of the
  /// subject has it.
  package fileprivate(set) var ownObject: Int32?
  /// The canonical spelling of the name, end token included.
  package let tokens: [Int32]
  /// Whether any answer of this name is trained on.
  package fileprivate(set) var isVisible: Bool
}

/// Makes questions of queries: the one place where a prompt meets its right answers.
///
/// What is right belongs to the prompt: entities that share the subject's name are asked with the
/// same words, so that their answers are right too, and objects that share a name are one
/// completion, visible if any of them is. What a single triple is graded on, its rank among
/// candidates, belongs to the query, whose own answers are marked.
package struct QuestionMaker: Sendable {
  package let graph: KnowledgeGraph
  package let text: TripleText

  package init(graph: KnowledgeGraph, text: TripleText) {
    self.graph = graph
    self.text = text
  }

  /// The question of a query.
  package func question(_ query: Query) -> Question {
    var truth: [TrueCompletion] = []
    var places: [[Int32]: Int] = [:]
    for answer in graph.truth(of: query) {
      let tokens = text.completion(object: answer.object)
      if let place = places[tokens] {
        truth[place].isVisible = truth[place].isVisible || answer.isVisible
      } else {
        places[tokens] = truth.count
        truth.append(
          TrueCompletion(object: answer.object, tokens: tokens, isVisible: answer.isVisible))
      }
    }
    for answer in graph.answers[query.answers] {
      guard let place = places[text.completion(object: answer.object)] else { continue }
      truth[place].ownObject = truth[place].ownObject ?? answer.object
    }
    return Question(query: query, prompt: prompt(query), truth: truth)
  }

  /// The prompt of a query alone, for other answers than the right ones.
  package func prompt(_ query: Query) -> [Int32] {
    text.prompt(subject: query.subject, predicate: query.predicate)
  }
}
