import Detection
package import Evaluation
import Experiments
import KnowledgeGraph

/// The measures of a study, at most one of each kind, in the order of `known`.
package struct MeasureSet: Sendable {
  /// Every measure that a study may ask for, in the order in which a run's are taken.
  package static let known: [any Measure.Type] = [
    EvaluationMeasure.self, KnowledgeMeasure.self, LifelineMeasure.self, DetectionMeasure.self,
    TransferMeasure.self, CascadeMeasure.self, AttackMeasure.self, HardeningMeasure.self,
    InversionMeasure.self, SaliencyMeasure.self, DisjointMeasure.self, TrapsMeasure.self,
    SelfTrainingMeasure.self, RewardsMeasure.self, TrajectoriesMeasure.self,
    InterferenceMeasure.self,
    CollapseMeasure.self,
  ]

  /// What was asked for.
  package let all: [any Measure]

  /// Reads the keys of a study's file that name measures; models are evaluated whether or not the
  /// file says so.
  init(study node: SchemaNode) throws {
    all = try Self.known.compactMap { type in
      guard let settings = node.optional(type.key) else {
        return type == EvaluationMeasure.self ? EvaluationMeasure() : nil
      }
      try settings.allow(type.settingNames)
      return try type.init(study: settings)
    }
  }

  /// The measure of this kind; nil where the study does not ask for it.
  package func measure<M: Measure>(_ type: M.Type) -> M? {
    all.lazy.compactMap { $0 as? M }.first
  }

  /// The measure whose tasks have this kind.
  func measure(_ kind: TaskKind) -> (any Measure)? {
    all.first { type(of: $0).name == kind.rawValue }
  }
}

/// In plan.json each stands under its key.
extension MeasureSet: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ type: any Measure.Type) { stringValue = type.key }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func decode<M: Measure>(_ type: M.Type) throws -> M? {
      try container.decodeIfPresent(type, forKey: Key(type))
    }
    all = try Self.known.compactMap { try decode($0) }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for measure in all { try container.encode(measure, forKey: Key(type(of: measure))) }
  }
}

extension MeasureSet: Hashable {
  package static func == (a: MeasureSet, b: MeasureSet) -> Bool {
    a.all.map { AnyHashable($0) } == b.all.map { AnyHashable($0) }
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(all.map { AnyHashable($0) }) }
}
