package import Foundation
package import KnowledgeGraph
import LabCore

/// What a trained detector says of one triple.
package struct TripleScore: Codable, Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let object: String
  /// The number of the token judged, from 1, or 0 for all of it.
  package let place: Int
  /// Higher = more likely hallucinated.
  package let score: Double
  /// What the graph says; nil where it has no such query.
  package let verdict: Verdict?
}

/// A triple to judge, with the line of the file it is from.
package struct TripleLine: Hashable, Sendable {
  package let subject: String
  package let predicate: String
  package let object: String
  package let line: Int

  package init(subject: String, predicate: String, object: String, line: Int) {
    self.subject = subject
    self.predicate = predicate
    self.object = object
    self.line = line
  }

  /// The triples of a TSV file of three columns; empty lines are passed over.
  ///
  /// Throws `LabError` naming the file and the line.
  package static func read(_ url: URL) throws -> [TripleLine] {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw LabError("\(url.path) is not there; give a TSV file of triples")
    }
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw LabError("cannot read \(url.path) as UTF-8 text; give a TSV file of triples")
    }
    var triples: [TripleLine] = []
    // "\r\n" is one character.
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in lines.enumerated() {
      guard !line.isEmpty else { continue }
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3 else {
        throw LabError(
          "\(url.path):\(index + 1) has \(fields.count) columns; give subject, predicate and object "
            + "separated by tabs")
      }
      triples.append(
        TripleLine(subject: fields[0], predicate: fields[1], object: fields[2], line: index + 1))
    }
    guard !triples.isEmpty else {
      throw LabError(
        "\(url.path) holds no triples; give subject, predicate and object in each line")
    }
    return triples
  }
}

/// What scoring stored answers came to.
package struct ScoringSummary: Codable, Hashable, Sendable {
  package let detector: String
  package let task: DetectorTask
  package let evaluation: String
  package let temperature: Double
  package let answerCount: Int
  /// Examples judged: answers, or their tokens.
  package let scoreCount: Int
  /// Of these, how many were stored before.
  package let storedCount: Int
  /// On the answers about subjects of the detector's test part; empty where they have one class only.
  package let metrics: [MetricEstimate]

  enum CodingKeys: String, CodingKey {
    case detector, task, evaluation, temperature, metrics
    case answerCount = "answers"
    case scoreCount = "scores"
    case storedCount = "stored_before"
  }
}
