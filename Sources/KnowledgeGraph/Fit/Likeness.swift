import Foundation
package import LabCore

/// How far a graph generated from a learnt schema is from the graph that it was learnt from.
package struct Likeness: Codable, Sendable {
  /// Distances between two distributions on whole numbers, each in [0, 1].
  package struct Distance: Codable, Sendable {
    /// Half the sum of absolute differences.
    package let totalVariation: Double
    /// The largest difference of the sums up to any place.
    package let kolmogorovSmirnov: Double

    enum CodingKeys: String, CodingKey {
      case totalVariation = "total_variation"
      case kolmogorovSmirnov = "kolmogorov_smirnov"
    }

    /// `first` and `second` are weights of 0, 1, 2 ..., scaled to a sum of 1 here.
    init(_ first: [Double], _ second: [Double]) {
      let sums = (max(1e-300, first.reduce(0, +)), max(1e-300, second.reduce(0, +)))
      var (variation, difference, largest) = (0.0, 0.0, 0.0)
      for index in 0..<max(first.count, second.count) {
        let a = index < first.count ? first[index] / sums.0 : 0
        let b = index < second.count ? second[index] / sums.1 : 0
        variation += abs(a - b) / 2
        difference += a - b
        largest = max(largest, abs(difference))
      }
      totalVariation = variation
      kolmogorovSmirnov = largest
    }
  }

  /// One predicate in both graphs.
  package struct PredicateLikeness: Codable, Sendable {
    package let name: String
    package let sourceTripleCount: Int
    package let tripleCount: Int
    /// Of the number of objects of a possible subject, 0 included.
    package let objects: Distance
    /// Of the share of the triples that the k-th most popular object has.
    package let popularity: Distance

    enum CodingKeys: String, CodingKey {
      case name, objects, popularity
      case sourceTripleCount = "source_triple_count"
      case tripleCount = "triple_count"
    }
  }

  package let seed: UInt64
  package let predicates: [PredicateLikeness]
  package let sourceEntityCount: Int
  package let entityCount: Int

  package var sourceTripleCount: Int { predicates.reduce(0) { $0 + $1.sourceTripleCount } }
  package var tripleCount: Int { predicates.reduce(0) { $0 + $1.tripleCount } }

  enum CodingKeys: String, CodingKey {
    case seed, predicates
    case sourceEntityCount = "source_entity_count"
    case entityCount = "entity_count"
  }

  /// The mean of a distance over predicates, each counting by its triples in the source.
  package func mean(_ value: (PredicateLikeness) -> Double) -> Double {
    predicates.reduce(0) { $0 + value($1) * Double($1.sourceTripleCount) }
      / Double(max(1, sourceTripleCount))
  }

  /// The largest of a distance over predicates.
  package func largest(_ value: (PredicateLikeness) -> Double) -> Double {
    predicates.map(value).max() ?? 0
  }
}

extension FittedSchema {
  /// Generates a look-alike and compares it with the source, predicate by predicate.
  ///
  /// Throws `LabError` when the schema cannot be generated, which is an error of the fit.
  package func likeness(seed: Seed, progress: ProgressReporter = .silent) throws -> Likeness {
    var made = SourceTriples()
    let generator = try GraphGenerator(schema: schema, seed: seed)
    _ = try generator.run(into: &made, progress: progress)
    made.finish()
    progress.finish()
    let extents = TypeExtents(schema)
    let known = source.predicates.indices.filter { source.pairs[$0].count > 0 }
    let rows = known.enumerated().map { place, predicate in
      let (old, new) = (source.pairs[predicate], made.pairs[place])
      return Likeness.PredicateLikeness(
        name: source.predicates[predicate].name, sourceTripleCount: old.count,
        tripleCount: new.count,
        objects: .init(
          Self.histogram(old, of: types.types[types.subjectTypes[predicate]].extent),
          Self.histogram(new, of: extents.all(of: schema.predicates[place].subject).count)),
        popularity: .init(Self.popularity(old), Self.popularity(new)))
    }
    return Likeness(
      seed: seed.value, predicates: rows, sourceEntityCount: source.names.count,
      entityCount: generator.entityCount)
  }

  private static func histogram(_ pairs: PairTable, of total: Int) -> [Double] {
    var counts: [Int32: Int] = [:]
    for subject in pairs.subjects { counts[subject, default: 0] += 1 }
    var histogram = [Double](repeating: 0, count: (counts.values.max() ?? 0) + 1)
    for count in counts.values { histogram[count] += 1 }
    histogram[0] = Double(max(0, total - counts.count))
    return histogram
  }

  private static func popularity(_ pairs: PairTable) -> [Double] {
    var counts: [Int32: Int] = [:]
    for object in pairs.objects { counts[object, default: 0] += 1 }
    return counts.values.sorted(by: >).map { Double($0) }
  }
}
