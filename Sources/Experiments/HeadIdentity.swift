import Evaluation
import LabCore
import Training

/// Everything that decides what a measure says of a run by the first model of its line: both
/// weights, the graph, settings.
package struct HeadIdentity<Settings: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
  let weightsHash: String
  let head: String
  let graphHash: String
  let settings: Settings

  /// `subject` has the first model as its sibling.
  init(_ subject: MeasuredRun, _ settings: Settings) {
    weightsHash = subject.record.weightsHash ?? ""
    head = subject.siblings[0].record.weightsHash ?? ""
    graphHash = subject.record.configuration.graphHash
    self.settings = settings
  }

  enum CodingKeys: String, SnakeCaseKey {
    case graphHash, settings
    case weightsHash = "weights_sha256"
    case head = "head_sha256"
  }
}
