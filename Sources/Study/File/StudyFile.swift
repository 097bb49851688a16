package import Corpus
package import Foundation
package import KnowledgeGraph
package import LanguageModel
package import Training

/// A study as its file states it, with every default written out.
package struct StudyFile: Hashable, Sendable {
  /// Names the output folder: lower-case letters, digits, `-` and `_`.
  package var name: String
  /// What the study is to find out, in words.
  package var question: String
  /// At least one.
  package var graphs: [StudyGraph]
  /// One for each language model, in the order of the file, none twice.
  package var models: [StudyModel]
  package var measures: MeasureSet
  /// Threads in all.
  package var workers: Int
  /// Tasks at once; each has `workers / sideBySide` threads.
  package var sideBySide: Int
  /// Whether trainings that diverge are results of the study rather than reasons to complain.
  package var expectsDivergence: Bool
  /// Checkpoints of every training that stay, for life-lines and detectors of earlier steps.
  package var keep = KeepPlan()
  /// Steps from one that is probed to the next in every training, the first and each multiple; nil
  /// for none.
  package var probeSteps: Int?
}

/// A graph of a study.
package struct StudyGraph: Hashable, Sendable {
  /// What models call it; nil where it is the only one.
  package var name: String?
  package var source: GraphSource
}

/// A language model of a study.
package struct StudyModel: Hashable, Sendable {
  package var request: TrainingRequest
  /// The place of its graph in `StudyFile.graphs`.
  package var graph = 0
  /// The name of its entry in `models`; nil where nothing starts from it.
  package var entry: String?
  /// The entry whose model of its graph, size, fraction and seed it starts from; nil for fresh
  /// weights.
  package var from: String?
  /// The file of the triples that it is trained on; nil for all that the graph teaches.
  package var only: URL?
  /// How it is made of the model of its entry `from`, in place of training; nil for a training.
  package var compression: WeightCompression?
  /// How it is made of that model by adversarial training, in place of training; nil for none.
  package var hardening: AdversarialTraining?
  /// The entries whose models' answers it learns from, as `text` says; none for what the graph
  /// teaches.
  package var textOf: [String] = []
  package var text: AnswerText?

  package init(_ request: TrainingRequest) { self.request = request }

  /// Whether it has all of the model that it is made of but the weights.
  var isDerived: Bool { compression != nil || hardening != nil }
}

/// Where a graph of a study comes from.
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
