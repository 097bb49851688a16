import Foundation
package import LabCore

/// How far a graph generated from a learnt schema is from the graph that it was learnt from.
package struct Likeness: Encodable, Sendable {
  /// Distances between two distributions on whole numbers, each in [0, 1].
  package struct Distance: Encodable, Sendable {
    /// Half the sum of absolute differences.
    package let totalVariation: Double
    /// The largest difference of the sums up to any place.
    package let kolmogorovSmirnov: Double

    /// `first` and `second` are weights of 0, 1, 2 ..., scaled to a sum of 1 here.
    init(_ first: [Int], _ second: [Int]) {
      let sums = (Double(max(1, first.reduce(0, +))), Double(max(1, second.reduce(0, +))))
      var (variation, difference, largest) = (0.0, 0.0, 0.0)
      for index in 0..<max(first.count, second.count) {
        let a = index < first.count ? Double(first[index]) / sums.0 : 0
        let b = index < second.count ? Double(second[index]) / sums.1 : 0
        variation += abs(a - b) / 2
        difference += a - b
        largest = max(largest, abs(difference))
      }
      totalVariation = variation
      kolmogorovSmirnov = largest
    }
  }

  /// One predicate in both graphs.
  package struct PredicateLikeness: Encodable, Sendable {
    package let name: String
    package let sourceTripleCount: Int
    package let tripleCount: Int
    /// Of the number of objects of a possible subject, 0 included.
    package let objects: Distance
    /// Of the share of the triples that the k-th most popular object has.
    package let popularity: Distance
  }

  package let seed: UInt64
  package let predicates: [PredicateLikeness]
  package let sourceEntityCount: Int
  package let entityCount: Int

  package var sourceTripleCount: Int { predicates.reduce(0) { $0 + $1.sourceTripleCount } }
  package var tripleCount: Int { predicates.reduce(0) { $0 + $1.tripleCount } }

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
          old.histogram(of: types.types[types.subjectTypes[predicate]].extent),
          new.histogram(of: extents.all(of: schema.predicates[place].subject).count)),
        popularity: .init(old.objectCounts, new.objectCounts))
    }
    return Likeness(
      seed: seed.value, predicates: rows, sourceEntityCount: source.names.count,
      entityCount: generator.entityCount)
  }
}
