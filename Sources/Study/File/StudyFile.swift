package import Detection
package import Evaluation
package import Foundation
package import KnowledgeGraph
package import Training

/// A study as its file states it, with every default written out.
package struct StudyFile: Hashable, Sendable {
  /// Names the output folder: lower-case letters, digits, `-` and `_`.
  package var name: String
  /// What the study is to find out, in words.
  package var question: String
  package var graph: GraphSource
  /// One for each language model, in the order of the file, none twice.
  package var models: [TrainingRequest]
  package var evaluation: EvaluationOptions
  /// Nil where no detectors are asked for.
  package var detection: DetectionPlan?
  /// Threads in all.
  package var workers: Int
  /// Tasks at once; each has `workers / sideBySide` threads.
  package var sideBySide: Int
  /// Whether trainings that diverge are results of the study rather than reasons to complain.
  package var expectsDivergence: Bool
  /// Checkpoints of every training that stay, for life-lines and detectors of earlier steps.
  package var keep = KeepPlan()
}

/// Where the graph of a study comes from.
package enum GraphSource: Hashable, Sendable {
  case schema(SchemaSource)
  case imported(ImportSource)
}

/// A graph to generate.
package struct SchemaSource: Hashable, Sendable {
  /// The schema file that was found.
  package var url: URL
  package var seed: UInt64
  /// `path=value` pairs, as `--set` takes them.
  package var overrides: [String]
  package var scale: Double
}

/// A graph to import.
package struct ImportSource: Hashable, Sendable {
  /// Files of triples, or one folder.
  package var urls: [URL]
  /// Decides what is held out.
  package var seed: UInt64
  package var heldOut: HeldOutShares
  /// Order of head, relation and tail in a line: "hrt".
  package var columns: String
}

/// Which language models get detectors, and which ones.
package struct DetectionPlan: Codable, Hashable, Sendable {
  /// Only models with one of these numbers of epochs; empty means all.
  package var epochs: [Int] = []
  /// Only models of one of these sizes; empty means all.
  package var sizes: [String] = []
  package var options = DetectionOptions()

  package init() {}

  /// Sizes whose models, trained as the judged one was, become `full` detectors.
  package var pretrainedSizes: [String] {
    options.full.compactMap { choice in
      if case .pretrained(let name, _) = choice { name } else { nil }
    }
  }

  /// The options once the weights of `sources` are known, runs of the sizes in `pretrainedSizes`, in their order.
  package func options(sources: [RunRecord]) -> DetectionOptions {
    var options = options
    var left = sources[...]
    options.full = options.full.map { choice in
      guard case .pretrained(let name, _) = choice, let source = left.popFirst() else {
        return choice
      }
      return .pretrained(name: name, weightsHash: source.weightsHash ?? "")
    }
    return options
  }

  /// Whether a language model gets detectors.
  package func applies(to request: TrainingRequest) -> Bool {
    (epochs.isEmpty || request.training.horizon.epochs.map(epochs.contains) ?? false)
      && (sizes.isEmpty || sizes.contains(request.size))
  }
}
