import LabCore
package import LanguageModel

/// A place of an answer in the text that the model reads: `<S> s <P> p <O> o <E>`.
package enum AnswerPlace: String, Codable, CaseIterable, Sendable {
  /// At `<O>`, before the answer.
  case before
  /// At the answer's last token; at `<O>` where the answer is empty.
  case last
  /// At `<E>`, which is put after the answer whether the model wrote it or not.
  case end
  /// The mean over the answer's tokens; `<O>` where the answer is empty.
  case mean
}

/// Which tokens of answers the token task judges.
package enum TokenPosition: Hashable, Sendable {
  /// All tokens of all answers.
  case each
  /// One example an answer, at `<O>`: is the answer to come hallucinated?
  case before
  /// The tokens at one place, from 1.
  case number(Int)

  /// "each", "before" or the number.
  package var name: String {
    switch self {
    case .each: "each"
    case .before: "before"
    case .number(let number): "\(number)"
    }
  }

  /// The position called `name`; throws `LabError` for any other name.
  package init(named name: String) throws {
    switch name {
    case "each": self = .each
    case "before": self = .before
    default:
      guard let number = Int(name), (1...1_000).contains(number) else {
        throw LabError(
          "unknown position '\(name)'\(Suggestion.hint(for: name, in: ["each", "before"])); give each, "
            + "before, or the number of a token from 1", .usage)
      }
      self = .number(number)
    }
  }
}

/// Which states a head reads.
package enum LayerChoice: Hashable, Sendable {
  /// The final norm's output.
  case final
  /// The residual stream after this many layers; 0 is the embedding.
  case layer(Int)
  /// The residual streams after every layer and the final norm's output, side by side.
  case all

  /// "final", "all" or the number.
  package var name: String {
    switch self {
    case .final: "final"
    case .layer(let number): "\(number)"
    case .all: "all"
    }
  }

  /// The layer called `name`; throws `LabError` for any other name.
  package init(named name: String) throws {
    switch name {
    case "final": self = .final
    case "all": self = .all
    default:
      guard let number = Int(name), (0...10_000).contains(number) else {
        throw LabError(
          "unknown layer '\(name)'\(Suggestion.hint(for: name, in: ["final", "all"])); give final, all, "
            + "or a number from 0 (the embedding)", .usage)
      }
      self = .layer(number)
    }
  }

  /// The streams of a model of this shape.
  ///
  /// Throws `LabError` for a layer that it does not have.
  package func streams(_ configuration: ModelConfiguration) throws -> [CaptureStream] {
    switch self {
    case .final: return [.finalNorm]
    case .all: return (1...configuration.layerCount).map { .residual($0) } + [.finalNorm]
    case .layer(let number):
      guard number <= configuration.layerCount else {
        throw LabError(
          "layer \(number) is not there: the model has layers 0 (the embedding) to "
            + "\(configuration.layerCount)", .usage)
      }
      return [.residual(number)]
    }
  }

  /// Two thirds of the way up, where arXiv 2304.13734 and 2406.15927 find the most.
  package static func upperMiddle(_ configuration: ModelConfiguration) -> Int {
    max(1, (2 * configuration.layerCount + 1) / 3)
  }
}

/// Values that a detector reads for each example.
package struct FeatureSelection: Codable, Hashable, Sendable {
  /// Side by side, in this order.
  package var streams: [CaptureStream]
  /// Columns of the streams side by side; nil for all of them.
  package var columns: [Int]?

  package init(_ streams: [CaptureStream], columns: [Int]? = nil) {
    self.streams = streams
    self.columns = columns
  }

  /// Values of one example for a model of this shape.
  package func width(_ configuration: ModelConfiguration) -> Int {
    columns?.count ?? streams.reduce(0) { $0 + $1.width(configuration) }
  }
}

extension TokenPosition: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

extension LayerChoice: Codable {
  package init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
