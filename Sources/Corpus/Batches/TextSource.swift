/// Where the lines of a training come from.
package enum TextSource: Hashable, Sendable {
  /// What the graph teaches.
  case graph
  /// Triples that were chosen of it; the hash is that of the run's list of them.
  case chosen(hash: String)
}

/// `{"chosen_sha256": ...}`; the graph, which runs had before there was a choice, is left out of a file.
extension TextSource: Codable {
  private enum CodingKeys: String, CodingKey { case chosen = "chosen_sha256" }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self = .chosen(hash: try container.decode(String.self, forKey: .chosen))
  }

  package func encode(to encoder: any Encoder) throws {
    guard case .chosen(let hash) = self else { return }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(hash, forKey: .chosen)
  }
}
