import Console
import Evaluation
import KnowledgeGraph
import LabCore

/// What a model answers to one question as text, for the commands that ask one.
enum InquiryText {
  static func question(_ inquiry: Inquiry) {
    let seen = inquiry.visibilities.map(\.rawValue).joined(separator: ", ")
    Output.line(
      "question       (\(inquiry.subject), \(inquiry.predicate), ?)  "
        + (seen.isEmpty ? "not in the graph" : seen))
  }

  static func answers(_ inquiry: Inquiry, marksSpelling: Bool) {
    var table = TextTable(["model's answers", "verdict", "probability"], left: [0, 1])
    for answer in inquiry.answers {
      let isOtherSpelling = marksSpelling && !answer.isCanonical && answer.verdict != .malformed
      table.add([
        shown(answer.text) + (isOtherSpelling ? " (another spelling)" : ""),
        Readable.words(answer.verdict.rawValue), Readable.probability(answer.probability),
      ])
    }
    Output.table(table)
  }

  /// An answer, or a word for one without text.
  static func shown(_ answer: String) -> String { answer.isEmpty ? "(nothing)" : answer }
}
