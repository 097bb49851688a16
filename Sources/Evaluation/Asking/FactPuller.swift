import Compute
import Corpus
import KnowledgeGraph
import LabCore
import LanguageModel

/// Finds the facts whose training pulls a question towards an answer, by the tangent kernel.
struct FactPuller {
  private let graph: KnowledgeGraph
  private let text: TripleText
  private let model: LanguageModel

  /// At most so many facts are searched: drawn where there are more, half of them with the answers
  /// as their objects.
  static let searched = 256

  init(
    _ model: LanguageModel, tokenizer: any Tokenizer, graph: KnowledgeGraph, wording: Wording
  ) throws {
    self.graph = graph
    self.model = model
    text = try TripleText(graph: graph, tokenizer: tokenizer, wording: wording)
  }

  /// For each answer to (subject, predicate, ?) the `top` facts of largest cosine, and among how
  /// many.
  ///
  /// Throws `LabError` when memory is short.
  func pulls(
    subject: Int32, predicate: Int32, answers: [Int32], among facts: [TaughtTriple], top: Int
  ) throws -> (pulls: [[FactPull]], searched: Int) {
    let kernel = try EmpiricalKernel(model, maximumTokens: model.configuration.contextLength)
    let prompt = text.prompt(subject: subject, predicate: predicate)
    let own = answers.map {
      kernel.gradient(of: AnsweredPrompt(prompt: prompt, answer: text.completion(object: $0)))
    }
    let lengths = own.map { EmpiricalKernel.contraction([$0], [$0])[0, 0] }
    var found = [[FactPull]](repeating: [], count: answers.count)
    let chosen = chosen(facts, with: Set(answers))
    for fact in chosen {
      let gradient = kernel.gradient(
        of: AnsweredPrompt(
          prompt: text.prompt(subject: fact.triple.subject, predicate: fact.triple.predicate),
          answer: text.completion(object: fact.triple.object)))
      let products = EmpiricalKernel.contraction([gradient], own + [gradient]).values
      for place in answers.indices {
        let square = lengths[place] * products[answers.count]
        found[place].append(
          FactPull(
            subject: graph.entities[Int(fact.triple.subject)].name,
            object: graph.entities[Int(fact.triple.object)].name,
            cosine: square > 0 ? products[place] / square.squareRoot() : 0,
            exposures: Int(fact.exposures)))
      }
    }
    return (
      found.map { pulls in
        Array(
          pulls.sorted { ($1.cosine, $0.subject, $0.object) < ($0.cosine, $1.subject, $1.object) }
            .prefix(top))
      }, chosen.count
    )
  }

  /// All facts, or a draw of them that is the same every time.
  private func chosen(_ facts: [TaughtTriple], with answers: Set<Int32>) -> [TaughtTriple] {
    guard facts.count > Self.searched else { return facts }
    var stream = Seed(0).stream("explain/facts")
    var order = facts
    stream.shuffle(&order)
    let same = order.filter { answers.contains($0.triple.object) }.prefix(Self.searched / 2)
    let others = order.filter { !answers.contains($0.triple.object) }
    return (same + others.prefix(Self.searched - same.count)).sorted { $0.triple < $1.triple }
  }
}
