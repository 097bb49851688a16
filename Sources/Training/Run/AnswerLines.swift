package import Corpus
package import Foundation
import KnowledgeGraph
import LabCore

/// How a text of answers came about.
package struct AnswerTally: Codable, Hashable, Sendable {
  /// Queries that were asked.
  package var asked = 0
  /// Answers that were drawn, those of them that are true, held out or not, and those that became
  /// lines.
  package var drawn = 0
  package var right = 0
  package var kept = 0
  /// Those kept that are wrong.
  package var wrong = 0
  /// Queries with an answer among the lines.
  package var answered = 0
  /// Lines of the graph's text that stayed.
  package var real = 0
  /// Models that lie between the graph's text and this one: 1 where those that answered learned
  /// from the graph alone.
  package var generation = 1

  package init() {}

  /// All numbers.
  var counts: [Int] { [asked, drawn, right, kept, wrong, answered, real, generation] }

  /// Share of the lines that are wrong answers.
  package var wrongShare: Double { Double(wrong) / Double(max(1, kept + real)) }
}

/// The lines of a text of answers, and their list in the run's folder.
///
/// The list has for each different line the ids of subject and predicate in the run's graph, how
/// often an epoch presents it, and the tokens after `<O>`, in order.
package struct AnswerLines: Hashable, Sendable {
  package static let fileName = "lines.tsv"

  /// With the hash of the list.
  package let text: AnswerText
  package let lines: [TextLine]
  package let tally: AnswerTally
  let data: Data
  /// SHA-256 of the tokenizer whose tokens the lines are.
  private let tokenizerHash: String?

  /// `text` names the models that answered, whose tokenizer has the hash; equal lines are joined.
  package init(
    _ text: AnswerText, _ lines: [TextLine], tally: AnswerTally, tokenizerHash: String?
  ) {
    self.tokenizerHash = tokenizerHash
    var counts: [TextLine: Int32] = [:]
    for line in lines {
      var key = line
      key.exposures = 0
      counts[key, default: 0] += line.exposures
    }
    let joined = counts.map { key, count in
      var line = key
      line.exposures = count
      return line
    }.sorted {
      ($0.subject, $0.predicate) != ($1.subject, $1.predicate)
        ? ($0.subject, $0.predicate) < ($1.subject, $1.predicate)
        : $0.completion.lexicographicallyPrecedes($1.completion)
    }
    let rows = joined.map { line in
      "\(line.subject)\t\(line.predicate)\t\(line.exposures)\t"
        + line.completion.map(String.init).joined(separator: " ") + "\n"
    }
    data = Data(rows.joined().utf8)
    self.lines = joined
    self.tally = tally
    var text = text
    text.lines = ContentHash(of: data).hex
    self.text = text
  }

  /// Throws `LabError` for another tokenizer than that of the models that answered, whose tokens
  /// the lines are, and for lines of another graph.
  func check(_ tokenizer: any Tokenizer, _ graph: KnowledgeGraph) throws {
    guard try tokenizer.file.hash.hex == tokenizerHash else {
      throw LabError(
        "the answers to learn from are written in the tokens of another tokenizer; give the same --tokenizer as their "
          + "run's", .usage)
    }
    let (entities, predicates) = (graph.entities.count, graph.predicates.count)
    let isPossible = lines.allSatisfy { line in
      (0..<entities).contains(Int(line.subject)) && (0..<predicates).contains(Int(line.predicate))
        && line.exposures > 0
        && line.completion.allSatisfy { (0..<tokenizer.vocabularySize).contains(Int($0)) }
    }
    guard isPossible else {
      throw LabError(
        "\(Self.fileName) has lines that are not of the run's graph; restore it or train again")
    }
  }

  /// Reads the list of a run whose configuration names its hash.
  ///
  /// Throws `LabError` where it is missing or altered.
  static func read(in folder: URL, _ text: AnswerText, of record: RunRecord) throws -> AnswerLines {
    let file = folder.appendingPathComponent(fileName)
    try FileCheck.verify(file, hash: text.lines, statedIn: RunFolder.recordName)
    let rows = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    let lines = rows.split(separator: "\n").compactMap { row -> TextLine? in
      let cells = row.split(separator: "\t", omittingEmptySubsequences: false)
      let ids = cells.prefix(3).compactMap { Int32($0) }
      guard cells.count == 4, ids.count == 3 else { return nil }
      return TextLine(
        subject: ids[0], predicate: ids[1],
        completion: cells[3].split(separator: " ").compactMap { Int32($0) }, exposures: ids[2])
    }
    return AnswerLines(
      text, lines, tally: record.answers ?? AnswerTally(), tokenizerHash: record.tokenizerHash)
  }

  /// The lines that a run in `folder` has for just this text; nil where it has none, or others, or
  /// was killed between its record and its list.
  ///
  /// Throws `LabError` where the list is altered, or missing from a finished run.
  package static func stored(in folder: URL, _ text: AnswerText) throws -> AnswerLines? {
    guard let record = try RunFolder.readRecord(folder),
      case .answers(let stored) = record.configuration.corpus.source
    else { return nil }
    var wanted = text
    wanted.lines = stored.lines
    let list = folder.appendingPathComponent(fileName).path
    let isThere = FileManager.default.fileExists(atPath: list)
    guard wanted == stored, isThere || record.status == .complete else { return nil }
    return try read(in: folder, stored, of: record)
  }
}
