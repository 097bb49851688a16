/// Where the lines of a training come from.
package enum TextSource: Hashable, Sendable {
  /// What the graph teaches.
  case graph
  /// Triples that were chosen of it; the hash is that of the run's list of them.
  case chosen(hash: String)
  /// What models answer to its questions.
  case answers(AnswerText)
}

/// `{"chosen_sha256": ...}`, or the fields of `AnswerText`; the graph, which runs had before there
/// was a choice, is left out of a file.
extension TextSource: Codable {
  private enum CodingKeys: String, CodingKey { case chosen = "chosen_sha256" }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let hash = try container.decodeIfPresent(String.self, forKey: .chosen) {
      self = .chosen(hash: hash)
    } else {
      self = .answers(try AnswerText(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .graph: return
    case .chosen(let hash):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(hash, forKey: .chosen)
    case .answers(let text): try text.encode(to: encoder)
    }
  }
}
