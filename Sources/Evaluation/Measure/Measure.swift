package import KnowledgeGraph
package import LabCore
package import LanguageModel
package import Report
package import Training

/// What reads a run, and maybe others beside it, and writes results into the run's folder.
///
/// A value is a measure with its settings: what a study's file says under `key`. One of each kind
/// may stand in a study. Coded, it is what plan.json holds of it.
package protocol Measure: Codable, Hashable, Sendable {
  /// The verb of its tasks, which is also its command: "evaluate".
  static var name: String { get }
  /// Its key in study.yaml and plan.json: "evaluation".
  static var key: String { get }
  /// Raised when the same settings give other numbers than before.
  static var version: Int { get }
  /// What study.sqlite gets of its results.
  static var tables: [ResultTable] { get }
  /// Whether it asks checkpoints that stay, which a study's `keep` must then name.
  static var readsCheckpoints: Bool { get }
  /// What a model must have been trained with; nil asks for nothing.
  static var needs: TrainingNeed? { get }
  /// Settings that a study may give it.
  static var settingNames: [String] { get }

  /// Reads the settings of a study's file, which are among `settingNames`, over the defaults.
  ///
  /// Throws an error that names the line.
  init(study node: SchemaNode) throws

  /// What decides the results, which a task's id is a hash of.
  associatedtype Settings: Encodable
  var settings: Settings { get }
  /// Which models of a study are measured.
  var selection: ModelSelection { get }
  /// Sizes of other models of the study, trained as the measured one is, that are read beside it.
  var siblings: [String] { get }
  /// The measure as it is taken where the study has models of these sizes, trained as the measured
  /// one is, which is among them.
  func among(_ sizes: [String]) -> Self
  /// Those among the measures of a study whose results, of the run and of its siblings, are read.
  ///
  /// Throws `LabError` where what is needed is not measured.
  func inputs(among measures: [any Measure]) throws -> [any Measure]

  /// Refuses a model of a shape that cannot be measured; throws `LabError` with the reason.
  func check(_ model: ModelConfiguration) throws
  /// What measuring a run is expected to take.
  func cost(of run: RunRecord, on graph: GraphSummary) throws -> TaskCost
  /// The key of the finished result in run.sqlite; nil until it is there.
  ///
  /// Throws `LabError` where the file is damaged.
  func storedKey(of subject: MeasuredRun) throws -> String?
  /// Measures what is not stored yet and returns one line on the result.
  ///
  /// Throws `LabError.interrupted` when asked to stop; the same call continues.
  func run(_ subject: MeasuredRun, _ work: Work) throws -> String

  /// Its part of a study's report; empty where the study has no result of it.
  ///
  /// `command` makes the report again.
  static func sections(_ results: StudyResults, command: String) throws -> [ReportSection]
}

extension Measure {
  package static var readsCheckpoints: Bool { false }
  package static var needs: TrainingNeed? { nil }
  package var siblings: [String] { [] }
  package func among(_ sizes: [String]) -> Self { self }
  package func inputs(among measures: [any Measure]) throws -> [any Measure] { [] }
  package func check(_ model: ModelConfiguration) throws {}
  package static func sections(
    _ results: StudyResults, command: String
  ) throws -> [ReportSection] { [] }
}

/// Which models of a study a measure is taken of.
package struct ModelSelection: Codable, Hashable, Sendable {
  /// Only models with one of these numbers of epochs; empty means all.
  package var epochs: [Int] = []
  /// Only models of one of these sizes; empty means all.
  package var sizes: [String] = []

  /// In place of a sibling's size: the model that the measured one was made of, at the head of the
  /// line.
  ///
  /// Only models that were made of another are then measured.
  package static let origin = "origin"
  /// The same, or the measured model itself where it was made of none.
  package static let head = "head"

  /// In place of a size: the model that differs from the measured one in its seed alone.
  package static func seed(_ seed: UInt64) -> String { seedWord + "\(seed)" }
  /// What such a name begins with.
  package static let seedWord = "seed "

  /// The settings that select.
  package static let settingNames = ["epochs", "sizes"]

  package init() {}

  /// Reads `epochs` and `sizes` of a measure in a study's file.
  package init(study node: SchemaNode) throws {
    if let value = node.optional("epochs") {
      epochs = try value.distinctIntegers(in: 1...1_000_000)
    }
    if let value = node.optional("sizes") { sizes = try value.distinct { try $0.modelSize() } }
  }

  /// Whether a model is among them.
  package func contains(_ request: TrainingRequest) -> Bool {
    (epochs.isEmpty || request.training.horizon.epochs.map(epochs.contains) ?? false)
      && (sizes.isEmpty || sizes.contains(request.size))
  }
}
