import LabCore

/// Everything that decides what a measure says of a run by the first model of its line: both weights, the graph, settings.
package struct HeadIdentity<Settings: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
  let weightsHash: String
  let head: String
  let graphHash: String
  let settings: Settings

  enum CodingKeys: String, SnakeCaseKey {
    case graphHash, settings
    case weightsHash = "weights_sha256"
    case head = "head_sha256"
  }
}
