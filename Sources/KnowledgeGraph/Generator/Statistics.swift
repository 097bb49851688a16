/// A setting of the schema beside what came out.
package struct AchievedStatistic: Codable, Hashable, Sendable {
  /// The setting's path in the schema, and what of it is counted.
  package let setting: String
  /// The value that the schema implies (an expectation, where chance decides).
  package let requested: Double
  package let achieved: Double
}

/// The information in a graph under its generator, in bits.
package struct InformationContent: Codable, Hashable, Sendable {
  /// Which objects, drawn one after another: the sum of the drawn triples' bits; entailed ones have
  /// none.
  package let objects: Double
  /// How many objects each subject has of each predicate, none included.
  package let objectCounts: Double
  /// By how much the order of drawing overstates the objects of queries with several, log2(n!)
  /// each: exact for uniform popularity, an upper bound otherwise.
  package let order: Double

  enum CodingKeys: String, CodingKey {
    case objects, order
    case objectCounts = "object_counts"
  }
}
