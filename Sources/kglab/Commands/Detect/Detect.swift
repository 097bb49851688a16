import ArgumentParser
import Detection
import Foundation
import KnowledgeGraph
import LabCore

struct Detect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train, measure, use and compare detectors of a model's hallucinations.",
    discussion: """
      EXAMPLES:
        kglab detect runs/a
        kglab detect runs/a --kind head --task sentence --ladder
        kglab detect score runs/a/detectors/sentence-linear-0123abcd
        kglab detect transfer runs/a runs/b
      """,
    subcommands: [DetectTrain.self, DetectScore.self, DetectTransfer.self],
    defaultSubcommand: DetectTrain.self)
}

/// The values of `--task`.
enum TaskChoice: String, CaseIterable, ExpressibleByArgument {
  case sentence, token, all

  var tasks: [DetectorTask] {
    switch self {
    case .sentence: [.sentence]
    case .token: [.token]
    case .all: DetectorTask.allCases
    }
  }
}

/// Tables of detectors.
enum DetectorText {
  static func estimate(_ estimate: MetricEstimate?) -> String {
    guard let estimate else { return "-" }
    let value = Readable.fixed(estimate.value, 3)
    guard let lower = estimate.lower, let upper = estimate.upper else { return value }
    return value + String(format: " (%.3f to %.3f)", lower, upper)
  }

  static func number(_ value: Double?) -> String { Readable.fixed(value, 3) }
}
