import Evaluation
package import KnowledgeGraph
import LabCore
import LanguageModel

/// An answer that is judged, or one of its tokens.
package struct TextPlace: Hashable, Sendable {
  /// Index in the list of answers.
  package let answer: Int
  /// The number of the token from 1, 0 for before the answer; nil for all of the answer.
  package let token: Int?
}

/// The different texts among some answers, and where the values of each are in a matrix of
/// features.
///
/// A text of n tokens has n + 2 rows: at `<O>`, at each token, and at `<E>`, which is put after it.
package struct AnswerTexts: Sendable {
  /// One text: a prompt with an answer.
  struct Text: Hashable, Sendable {
    let subject: Int32
    let predicate: Int32
    let tokens: [Int32]
  }

  let texts: [Text]
  /// The text of each answer.
  package let textOfAnswer: [Int]
  /// The first row of each text, and the number of rows at the end.
  package let starts: [Int]

  package var rowCount: Int { starts[texts.count] }

  /// Finds equal texts; the order of first appearance is theirs.
  package init(_ answers: [JudgedAnswer], graph: KnowledgeGraph) {
    var places: [Text: Int] = [:]
    var texts: [Text] = []
    let indices = answers.map { answer in
      let query = graph.queries[answer.query]
      let text = Text(
        subject: query.subject, predicate: query.predicate, tokens: answer.answer.tokens)
      if let place = places[text] { return place }
      places[text] = texts.count
      texts.append(text)
      return texts.count - 1
    }
    self.init(texts, textOfAnswer: indices)
  }

  /// Texts of (subject, predicate, answer tokens), one an answer.
  package init(_ triples: [(subject: Int32, predicate: Int32, tokens: [Int32])]) {
    self.init(
      triples.map { Text(subject: $0.subject, predicate: $0.predicate, tokens: $0.tokens) },
      textOfAnswer: Array(triples.indices))
  }

  private init(_ texts: [Text], textOfAnswer: [Int]) {
    self.texts = texts
    self.textOfAnswer = textOfAnswer
    var starts = [0]
    for text in texts { starts.append(starts[starts.count - 1] + text.tokens.count + 2) }
    self.starts = starts
  }

  func text(_ answer: Int) -> Text { texts[textOfAnswer[answer]] }

  /// Tokens of an answer.
  package func tokenCount(_ answer: Int) -> Int { text(answer).tokens.count }

  /// The row at `<O>` of an answer; its tokens and `<E>` follow.
  package func firstRow(_ answer: Int) -> Int { starts[textOfAnswer[answer]] }

  /// The rows whose mean is the value of what is judged: at its token, or at a place of the answer.
  package func rows(_ judged: TextPlace, at place: AnswerPlace) -> Range<Int> {
    guard let token = judged.token else { return rows(judged.answer, at: place) }
    let row = firstRow(judged.answer) + token
    return row..<(row + 1)
  }

  /// The rows whose mean is an answer's value at a place.
  package func rows(_ answer: Int, at place: AnswerPlace) -> Range<Int> {
    let first = firstRow(answer)
    let count = tokenCount(answer)
    switch place {
    case .before: return first..<(first + 1)
    case .last: return (first + count)..<(first + count + 1)
    case .end: return (first + count + 1)..<(first + count + 2)
    case .mean: return count == 0 ? first..<(first + 1) : (first + 1)..<(first + 1 + count)
    }
  }
}
