package import KnowledgeGraph
import LabCore

/// What a detector judges.
package enum DetectorTask: String, Codable, CaseIterable, Sendable {
  /// The answer as a whole, after the model has written all of it.
  case sentence
  /// Each token of the answer, once the model has read it.
  case token
}

/// How a detector comes by its scores.
package enum DetectorKind: String, Codable, CaseIterable, Sendable {
  /// A new read-out trained on the frozen model's states.
  case head
  /// A number of the model itself; nothing is trained.
  case score
  /// A number that needs no model: what any detector has to beat.
  case baseline
}

/// Which detectors are trained and measured, and on what; everything here may change the numbers.
package struct DetectionOptions: Codable, Hashable, Sendable {
  package var tasks = DetectorTask.allCases
  /// Heads to train; scores and baselines are always measured.
  package var heads = HeadArchitecture.ladder
  /// Completions drawn of each query at temperature 1.
  package var samples = 2
  /// Whose queries are asked; by default those the model was trained on, as in arXiv 2408.07852.
  package var visibilities: [Visibility] = [.fvs, .pvs]
  /// Decides the completions, the split, the training of heads and the resamples.
  package var seed: UInt64 = 0
  /// Resamples of the subjects behind an interval; 0 for values without one.
  package var resampleCount = 1_000

  package init() {}

  enum CodingKeys: String, CodingKey {
    case tasks, heads, samples, visibilities, seed
    case resampleCount = "resample_count"
  }

  /// Largest number of completions of one query.
  package static let maximumSamples = 1_024

  /// Refuses options that cannot be measured; throws `LabError` naming the option.
  package func validate() throws {
    guard !tasks.isEmpty else {
      throw LabError("no detection task is given; choose sentence, token or both", .usage)
    }
    guard !visibilities.isEmpty else {
      throw LabError("no visibility is given; choose among fvs, pvs and ivs", .usage)
    }
    guard (1...Self.maximumSamples).contains(samples) else {
      throw LabError(
        "samples is \(samples); it must be between 1 and \(Self.maximumSamples)", .usage)
    }
    guard (0...1_000_000).contains(resampleCount) else {
      throw LabError(
        "resample_count is \(resampleCount); it must be between 0 and 1000000", .usage)
    }
    if let head = heads.first(where: { head in heads.count { $0 == head } > 1 }) {
      throw LabError("the head \(head.name) is given twice; give each once", .usage)
    }
  }

  /// The same choice with lists in their fixed order and without repeats, so that equal choices are equal.
  var normalized: DetectionOptions {
    var options = self
    options.tasks = DetectorTask.allCases.filter { tasks.contains($0) }
    options.visibilities = Visibility.allCases.filter { visibilities.contains($0) }
    return options
  }
}
