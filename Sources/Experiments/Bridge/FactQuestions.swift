package import Corpus
package import KnowledgeGraph
package import LabCore

/// The plain questions of a graph: each answer of a query among wrong ones of the right type.
///
/// The wrong ones are those that `kglab evaluate --candidates` takes at the same seed.
package enum FactQuestions {
  /// The name of the task.
  package static let task = "facts"

  /// Up to `count` questions with `candidates` wrong choices each, of queries in a drawn order.
  ///
  /// The variant is the query's visibility. Queries with fewer candidates are left out. Throws
  /// `LabError` where there is none.
  package static func questions(
    _ graph: KnowledgeGraph, text: TripleText, fraction: Double, candidates: Int, count: Int,
    seed: Seed
  ) throws -> [ChoiceQuestion] {
    let draw = CandidateDraw(graph: graph)
    let tokenizer = text.tokenizer
    func answer(_ object: Int32) -> String? {
      tokenizer.line(of: text.completion(object: object)).map { " " + $0 }
    }
    var places = graph.queries.indices.filter { graph.queries[$0].rank < fraction }
    var stream = seed.stream("export-task/facts")
    stream.shuffle(&places)
    var questions: [ChoiceQuestion] = []
    for place in places where questions.count < count {
      let query = graph.queries[place]
      let wrong = draw.wrongObjects(candidates, for: query, seed: seed)
      let tokens = text.prompt(subject: query.subject, predicate: query.predicate)
      guard wrong.count == candidates, let prompt = tokenizer.line(of: tokens),
        tokenizer.encodeLine(prompt) == tokens
      else { continue }
      var names: Set<String> = []
      for own in graph.answers[query.answers] where questions.count < count {
        var choices = wrong.compactMap(answer)
        guard choices.count == wrong.count, let right = answer(own.object),
          names.insert(right).inserted
        else { continue }
        let gold = stream.below(choices.count + 1)
        choices.insert(right, at: gold)
        questions.append(
          ChoiceQuestion(
            task: task, variant: query.visibility.rawValue, prompt: prompt, choices: choices,
            gold: gold, subject: graph.entities[Int(query.subject)].name,
            exposures: own.isVisible ? Int(own.exposures) : nil))
      }
    }
    guard !questions.isEmpty else {
      throw LabError(
        "no query of the graph has \(candidates) wrong answers of the right type; lower --candidates"
      )
    }
    return questions
  }
}
