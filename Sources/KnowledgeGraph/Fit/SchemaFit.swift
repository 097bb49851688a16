package import Foundation
import LabCore

/// How a schema is learnt.
package struct SchemaFitOptions: Sendable {
  /// Triples that a predicate needs before a trait such as `functional` is believed.
  package var minimumTriples = 20
  /// Share of the smaller of two sides of predicates that is on the other as well, from which on
  /// both are of one guessed type.
  package var overlap = 0.5
  /// Entities of an object type up to which the popularity of each may be listed.
  package var largestList = 512

  package init() {}
}

/// A schema learnt from a graph, and how it came about.
package struct FittedSchema: Sendable {
  /// One predicate, as it is and as the schema says it.
  package struct PredicateFit: Encodable, Sendable {
    package let name: String
    package let subjectType: String
    package let objectType: String
    package let tripleCount: Int
    package let subjectCount: Int
    package let distinctObjectCount: Int
    /// The schema's words for objects per subject and popularity, and what holds for all triples.
    package let objects: String
    package let coverage: Double
    package let popularity: String
    /// The Zipf exponent of largest likelihood, whether or not the schema uses it; nil where
    /// objects have one subject each or the predicate is derived.
    package let popularityExponent: Double?
    package let traits: [String]
    /// What to know about the fit.
    package let remarks: [String]
  }

  package let schema: GraphSchema
  package let predicates: [PredicateFit]
  /// The schema as commented YAML, which `kglab generate` reads.
  package let text: String
  /// Whether the types are the graph's own, not guessed.
  package let hasStatedTypes: Bool
  let source: SourceTriples
  let types: TypeGuess

  /// Learns a schema from a graph file; throws `LabError` when it is no graph file, or has no
  /// triples.
  package init(of url: URL, options: SchemaFitOptions = SchemaFitOptions()) throws {
    let file = try GraphFile(url)
    var source = SourceTriples()
    try file.read(into: &source)
    let stored = try file.metadata()[GraphFormat.Key.name]
    try self.init(
      source, name: stored ?? url.deletingPathExtension().lastPathComponent,
      file: url.lastPathComponent, options: options)
  }

  init(_ graph: SourceTriples, name: String, file: String, options: SchemaFitOptions) throws {
    var source = graph
    source.finish()
    guard source.pairs.contains(where: { $0.count > 0 }) else {
      throw LabError("\(file) has no triples; there is nothing to learn a schema from")
    }
    if let triple = source.mistyped {
      let predicate = source.predicates[Int(triple.predicate)].name
      throw LabError(
        "\(file) is not sound: (\(source.names[Int(triple.subject)]), \(predicate), "
          + "\(source.names[Int(triple.object)])) has a subject or object of another type than "
          + "'\(predicate)' has; generate or import the graph again")
    }
    let types = TypeGuess(source, overlap: options.overlap)
    let fit = SchemaFitter(source: source, types: types, options: options)
    func plain(_ text: String) -> String {
      String(text.unicodeScalars.filter { $0.value >= 0x20 })
    }
    let (fitted, predicates) = fit.schema(
      name: plain(name).isEmpty ? "fitted" : plain(name), file: plain(file))
    let text = SchemaText(schema: fitted, fits: predicates, types: types, source: source).text
    self.source = source
    self.types = types
    self.predicates = predicates
    self.text = text
    hasStatedTypes = types.isStated
    // What is written is what is meant: the text is read back as any other schema.
    schema = try GraphSchema.parse(text, file: "the schema learnt from \(file)")
  }
}

/// Turns the triples of a graph into settings.
struct SchemaFitter {
  let source: SourceTriples
  let types: TypeGuess
  let options: SchemaFitOptions

  func schema(name: String, file: String) -> (GraphSchema, [FittedSchema.PredicateFit]) {
    let known = source.predicates.indices.filter { source.pairs[$0].count > 0 }
    let inverses = inverses(known)
    let traits = known.map { predicate in
      RelationTraits(
        source.pairs[predicate], isLoop: isLoop(predicate),
        subjectCount: types.types[types.subjectTypes[predicate]].extent,
        objectCount: types.types[types.objectTypes[predicate]].extent,
        minimumTriples: options.minimumTriples)
    }
    let extents = self.extents(known, traits, inverses)
    var predicates: [PredicateSchema] = []
    var fits: [FittedSchema.PredicateFit] = []
    for (predicate, traits) in zip(known, traits) {
      let made =
        inverses[predicate].map { inverse(predicate, of: $0) }
        ?? self.predicate(predicate, traits, extents)
      predicates.append(made.schema)
      fits.append(made.fit)
    }
    let exposures = ExposureFit.model(source.exposures)
    let schema = GraphSchema(
      name: name, description: "Learnt from \(file) by kglab fit-schema",
      entityTypes: entityTypes(extents, used: predicates), predicates: predicates,
      heldOut: heldOut(predicates), exposures: exposures, noise: nil)
    return (schema, fits)
  }

  private func isLoop(_ predicate: Int) -> Bool {
    types.subjectTypes[predicate] == types.objectTypes[predicate]
  }

  /// Which predicates say the same as an earlier one from the other side.
  private func inverses(_ known: [Int]) -> [Int: Int] {
    var found: [Int: Int] = [:]
    for (position, later) in known.enumerated()
    where source.pairs[later].count >= options.minimumTriples {
      let back = source.pairs[later].reversed().table
      found[later] = known[..<position].first { earlier in
        found[earlier] == nil && source.pairs[earlier].count == back.count
          && source.pairs[earlier].subjects == back.subjects
          && source.pairs[earlier].objects == back.objects
      }
    }
    return found
  }

  // MARK: Types

  /// The number of entities of each type that the schema asks for, kinds included.
  ///
  /// More than there are where each object has one subject, since chance must not run out of
  /// objects; and where rare objects are many, since of a few draws not all of them would come up.
  private func extents(_ known: [Int], _ traits: [RelationTraits], _ inverses: [Int: Int]) -> [Int]
  {
    var extents = types.types.map(\.extent)
    for (predicate, traits) in zip(known, traits)
    where traits.constraints.inverseFunctional && !traits.constraints.symmetric
      && inverses[predicate] == nil
    {
      let pairs = source.pairs[predicate]
      let histogram = pairs.histogram(of: types.types[types.subjectTypes[predicate]].extent)
      let total = Double(histogram.reduce(0, +))
      let mean = Double(pairs.count) / total
      let square = histogram.enumerated().reduce(0) {
        $0 + Double($1.element * $1.offset * $1.offset)
      }
      let deviation = (total * max(0, square / total - mean * mean)).squareRoot()
      let needed =
        Int((Double(pairs.count) + 5 * deviation).rounded(.up)) + (isLoop(predicate) ? 1 : 0)
      let type = types.objectTypes[predicate]
      if needed > extents[type] { extents[type] = needed }
    }
    if !types.isStated {
      for (predicate, traits) in zip(known, traits)
      where traits.constraints.keys.allSatisfy({ $0 == "functional" })
        && inverses[predicate] == nil && isAlone(predicate, known)
      {
        let pairs = source.pairs[predicate]
        let type = types.objectTypes[predicate]
        let evidence = PopularityFit.Evidence(
          counts: pairs.objectCounts, objectCount: types.types[type].extent,
          histogram: pairs.histogram(of: extents[types.subjectTypes[predicate]]))
        extents[type] = PopularityFit.objectCount(behind: evidence)
      }
    }
    return extents
  }

  /// Whether all that is known of a predicate's objects is that they are its objects.
  private func isAlone(_ predicate: Int, _ known: [Int]) -> Bool {
    let type = types.objectTypes[predicate]
    return !known.contains {
      types.subjectTypes[$0] == type || ($0 != predicate && types.objectTypes[$0] == type)
    }
  }

  private func entityTypes(_ extents: [Int], used: [PredicateSchema]) -> [EntityTypeSchema] {
    types.types.enumerated().map { index, type in
      let more = extents[index] - type.extent
      let count = type.entities.count + more
      let names = type.entities.map { source.names[Int($0)] }
      let distinct = Set(names).count
      let model = NameModelFit.model(of: names, count: count, type: type.name)
      let shared = Double(names.count - distinct) * 2 / Double(max(1, names.count))
      return EntityTypeSchema(
        name: type.name, count: count, names: model,
        scales: used.contains { $0.subject == type.name } && model.literalCapacity == nil,
        parent: type.parent,
        ambiguous: shared > 0 && model.literalCapacity == nil
          ? min(1, shared.rounded(digits: 3)) : nil)
    }
  }

  // MARK: Predicates

  private func inverse(
    _ predicate: Int, of other: Int
  ) -> (schema: PredicateSchema, fit: FittedSchema.PredicateFit) {
    var schema = blank(predicate)
    schema.inverseOf = source.predicates[other].name
    return (
      schema,
      fit(
        predicate, schema, objects: "-", popularity: "-", exponent: nil,
        traits: ["inverse of \(source.predicates[other].name)"], remarks: [])
    )
  }

  private func blank(_ predicate: Int) -> PredicateSchema {
    let templates = source.predicates[predicate].templates
    return PredicateSchema(
      name: source.predicates[predicate].name,
      subject: types.types[types.subjectTypes[predicate]].name,
      object: types.types[types.objectTypes[predicate]].name, objects: .constant(1), coverage: 1,
      popularity: .uniform, noise: noise(predicate), templates: templates.isEmpty ? nil : templates)
  }

  private func predicate(
    _ predicate: Int, _ traits: RelationTraits, _ extents: [Int]
  ) -> (schema: PredicateSchema, fit: FittedSchema.PredicateFit) {
    var schema = blank(predicate)
    var remarks: [String] = []
    let holding = traits.constraints
    let pairs =
      holding.transitive
      ? RelationTraits.withoutClosure(source.pairs[predicate]) : source.pairs[predicate]
    let subjectCount = extents[types.subjectTypes[predicate]]
    let objectCount = extents[types.objectTypes[predicate]]
    let histogram = pairs.histogram(of: subjectCount)
    let counts = ObjectCountFit(histogram)
    schema.objects = counts.model
    schema.coverage = counts.coverage
    schema.constraints = holding == Constraints() ? nil : holding
    if let p = counts.pValue { remarks.append("objects: p = \(p.rounded(digits: 2))") }
    var exponent: Double?
    if holding.symmetric {
      if holding.functional {
        let share = Double(histogram.dropFirst().reduce(0, +)) / Double(max(1, subjectCount))
        schema.coverage = max(
          0.0001, SymmetricCountFit.coverage(pairedShare: share).rounded(digits: 4))
        remarks.append("coverage makes \((100 * share).rounded(digits: 3)) % pairs")
      } else {
        schema.objects = .weights(SymmetricCountFit.weights(histogram))
        schema.coverage = 1
        remarks.append("objects are the draws; the mirror images come on top")
      }
    } else if holding.inverseFunctional {
      if traits.sharedObjects > 0 {
        remarks.append("objects with several subjects in the source: \(traits.sharedObjects)")
      }
    } else {
      let evidence = PopularityFit.Evidence(
        counts: pairs.objectCounts, objectCount: objectCount, histogram: histogram,
        isAcyclic: holding.acyclic)
      let fit = PopularityFit(evidence, largestList: options.largestList)
      schema.popularity = fit.model
      exponent = fit.exponent
      if let p = fit.pValue { remarks.append("popularity: p = \(p.rounded(digits: 2))") }
    }
    schema.objects = limited(schema.objects, to: objectCount - (isLoop(predicate) ? 1 : 0))
    if holding.transitive {
      remarks.append("objects are those that no chain of others explains")
    }
    return (
      schema,
      fit(
        predicate, schema, objects: SchemaText.words(schema.objects),
        popularity: holding.symmetric || holding.inverseFunctional
          ? "-" : SchemaText.words(schema.popularity), exponent: exponent,
        traits: holding.keys, remarks: remarks)
    )
  }

  /// No subject can have more objects than there are; a source with loops to itself has one too
  /// many.
  private func limited(_ objects: ObjectCount, to available: Int) -> ObjectCount {
    let available = max(1, available)
    switch objects {
    case .constant(let count): return .constant(min(count, available))
    case .range(let low, let high):
      return .range(min: min(low, available), max: min(high, available))
    case .zipf(let exponent, let high): return .zipf(exponent: exponent, max: min(high, available))
    case .poisson: return objects
    case .weights(let weights): return .weights(Array(weights.prefix(available + 1)))
    }
  }

  private func fit(
    _ predicate: Int, _ schema: PredicateSchema, objects: String, popularity: String,
    exponent: Double?, traits: [String], remarks: [String]
  ) -> FittedSchema.PredicateFit {
    let pairs = source.pairs[predicate]
    return FittedSchema.PredicateFit(
      name: schema.name, subjectType: schema.subject, objectType: schema.object,
      tripleCount: pairs.count, subjectCount: Set(pairs.subjects).count,
      distinctObjectCount: Set(pairs.objects).count, objects: objects, coverage: schema.coverage,
      popularity: popularity, popularityExponent: exponent, traits: traits, remarks: remarks)
  }

  // MARK: What training sees

  private func noise(_ predicate: Int) -> NoiseShares? {
    let counts = source.noise[predicate]
    func share(_ kind: Noise, of whole: Int) -> Double {
      min(0.99, Double(counts.statements[kind] ?? 0) / Double(max(1, whole))).rounded(digits: 3)
    }
    let shares = NoiseShares(
      contradictory: share(.contradictory, of: counts.taughtQueries),
      stale: share(.stale, of: counts.taughtQueries),
      duplicate: share(.duplicate, of: counts.trained))
    return shares == NoiseShares() ? nil : shares
  }

  private func heldOut(_ predicates: [PredicateSchema]) -> HeldOutShares {
    var shares = source.heldOutShares
    let canBePartial = predicates.contains {
      $0.isDerived || $0.objects.canBeSeveral || $0.constraints != nil
    }
    if !canBePartial { shares.object = 0 }
    return shares
  }
}
