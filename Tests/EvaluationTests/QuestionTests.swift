import Corpus
import Evaluation
import KnowledgeGraph
import LanguageModel
import Testing

@Suite struct QuestionTests {
  /// Two Anns, of whom one likes an ann of each kind: names are shared by subjects and by objects.
  private let graph = KnowledgeGraph(
    entityTypes: ["person", "city", "ship"].map { EntityType(name: $0) },
    entities: [
      ("ann", 0), ("ann", 0), ("bob", 0), ("rome", 1), ("rome", 2), ("oslo", 1),
    ].map { Entity(name: $0.0, type: $0.1) },
    predicates: [Predicate(name: "likes", subjectType: nil, objectType: nil)],
    queries: [
      Query(subject: 0, predicate: 0, visibility: .pvs, answers: 0..<2, rank: 0),
      Query(subject: 1, predicate: 0, visibility: .fvs, answers: 2..<4, rank: 0.3),
      Query(subject: 2, predicate: 0, visibility: .fvs, answers: 4..<5, rank: 0.6),
    ],
    answers: [
      Answer(object: 3, isVisible: false, bits: 1), Answer(object: 5, isVisible: true, bits: 1),
      Answer(object: 2, isVisible: true, bits: 1), Answer(object: 4, isVisible: true, bits: 1),
      Answer(object: 0, isVisible: false, bits: 1),
    ],
    contentHash: "namesakes")

  private func maker() throws -> QuestionMaker {
    let tokenizer = try WordTokenizer(
      names: (graph.entities.map(\.name) + graph.predicates.map(\.name)))
    return QuestionMaker(
      graph: graph, text: try TripleText(graph: graph, tokenizer: tokenizer))
  }

  @Test func whatIsRightBelongsToThePrompt() throws {
    let maker = try maker()
    let (first, second) = (maker.question(graph.queries[0]), maker.question(graph.queries[1]))
    #expect(first.prompt == second.prompt)
    #expect(first.prompt == maker.text.prompt(subject: 0, predicate: 0))
    for question in [first, second] {
      #expect(question.truth.map(\.object) == [2, 3, 5])
      #expect(Set(question.truth.map(\.tokens)).count == 3, "each name once")
      #expect(question.truth.map(\.isVisible) == [true, true, true], "one rome is trained on")
      #expect(question.truth.allSatisfy { $0.tokens.last == SpecialToken.end.rawValue })
    }
    #expect(first.truth.map(\.ownObject) == [nil, 3, 5])
    #expect(second.truth.map(\.ownObject) == [2, 4, nil])
  }

  @Test func heldOutAnswersStayHeldOut() throws {
    let question = try maker().question(graph.queries[2])
    #expect(question.truth.map(\.object) == [0])
    #expect(question.truth.map(\.isVisible) == [false])
    #expect(question.prompted.completions == question.truth.map(\.tokens))
  }
}
