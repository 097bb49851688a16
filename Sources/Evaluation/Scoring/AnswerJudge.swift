package import Corpus
package import KnowledgeGraph
package import LanguageModel

/// Turns completions into answers with a verdict, and answers into counts.
package struct AnswerJudge: Sendable {
  package let graph: KnowledgeGraph
  package let tokenizer: any Tokenizer

  package init(graph: KnowledgeGraph, tokenizer: any Tokenizer) {
    self.graph = graph
    self.tokenizer = tokenizer
  }

  /// The answer that a completion of a query is.
  package func answer(
    _ completion: Completion, to query: Query, temperature: Double, sample: Int
  ) -> SampledAnswer {
    let name = tokenizer.decode(completion.tokens)
    let verdict = graph.verdict(on: completion.ended ? name : nil, for: query)
    return SampledAnswer(
      temperature: temperature, sample: sample, tokens: completion.tokens, ended: completion.ended,
      text: name ?? completion.tokens.map { tokenizer.text(of: $0) }.joined(separator: " "),
      object: name.flatMap { object(named: $0, of: query, verdict: verdict) },
      isCanonical: name.map { tokenizer.encode($0) == completion.tokens } ?? false,
      logProbability: completion.logProbability, verdict: verdict)
  }

  /// Counts of one query's answers, one outcome for each of the given temperatures.
  package func outcomes(
    of answers: [SampledAnswer], to query: Query, temperatures: [Double]
  ) -> [SampledOutcome] {
    temperatures.map { temperature in
      let own = answers.filter { $0.temperature == temperature }
      let right = own.filter { $0.verdict == .correct || $0.verdict == .correctHeldOut }
      // Names are equal byte for byte only; Swift's String equality is wider.
      let names = Set(right.map { Array($0.text.utf8) })
      let generated = graph.truth(of: query).filter {
        names.contains(Array(graph.entities[Int($0.object)].name.utf8))
      }
      return SampledOutcome(
        temperature: temperature,
        verdictCounts: Verdict.allCases.map { verdict in own.count { $0.verdict == verdict } },
        distinctCount: Set(own.map { Array($0.text.utf8) }).count,
        generatedAnswerCount: generated.count,
        generatedVisibleCount: generated.count(where: \.isVisible),
        otherSpellingCount: right.count { !$0.isCanonical })
    }
  }

  private func object(named name: String, of query: Query, verdict: Verdict) -> Int32? {
    let candidates = graph.entities(named: name)
    switch verdict {
    case .correct, .correctHeldOut:
      return graph.truth(of: query).first {
        candidates.contains($0.object) && $0.isVisible == (verdict == .correct)
      }?.object
    case .wrongObject:
      let types = graph.objectTypes(of: query.predicate)
      return candidates.first { types.contains(graph.entities[Int($0)].type) }
    case .wrongType: return candidates.first
    case .invented, .malformed, .abstained: return nil
    }
  }
}
