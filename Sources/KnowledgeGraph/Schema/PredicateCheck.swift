import LabCore

extension GraphSchema {
  /// Throws where a parent chain has no end, before types are put in order.
  func checkParents(file: String) throws {
    for type in entityTypes {
      var seen: Set<String> = []
      var current: String? = type.name
      while let name = current {
        guard seen.insert(name).inserted else {
          throw LabError(
            "\(file): entity_types.\(type.name).parent: the chain of parents comes back to '\(name)'; "
              + "remove one of them")
        }
        current = entityTypes.first { $0.name == name }?.parent
      }
    }
  }

  func checkKinds(file: String) throws {
    let extents = TypeExtents(self)
    for (index, type) in entityTypes.enumerated() where extents.all[index].isEmpty {
      throw LabError(
        "\(file): entity_types.\(type.name).count: the type and its kinds have no entities; give it a "
          + "count, or its kinds")
    }
  }

  func check(_ predicate: PredicateSchema, file: String) throws {
    let place = "\(file): predicates.\(predicate.name)"
    if predicate.isDerived { return try checkChain(predicate, place: place) }
    let available = availableObjects(of: predicate)
    let objects = TypeExtents(self).all(of: predicate.object).count
    let butItself = available < objects ? " other than the subject" : ""
    let needed: Int
    switch predicate.objects {
    case .constant(let count): needed = count
    case .range(_, let max), .zipf(_, let max): needed = max
    case .poisson(let mean): needed = Int(mean.rounded(.up))
    case .weights(let weights): needed = weights.count - 1
    }
    guard needed <= available else {
      throw LabError(
        "\(place).objects: up to \(needed) distinct objects are asked of \(available) entities of "
          + "type '\(predicate.object)'\(butItself); lower objects or raise "
          + "entity_types.\(predicate.object).count to \(objects + needed - available)"
      )
    }
    if case .weights(let weights) = predicate.popularity {
      guard weights.count == objects else {
        throw LabError(
          "\(place).popularity.weights: \(weights.count) weights are given for \(objects) entities of type "
            + "'\(predicate.object)'; give one weight for each")
      }
      let possible = weights.count { $0 > 0 } - (available < objects ? 1 : 0)
      guard needed <= possible else {
        throw LabError(
          "\(place).popularity.weights: up to \(needed) distinct objects are asked of \(possible) with a "
            + "weight above 0; lower objects or raise some weights")
      }
    }
    if let dependence = predicate.given, dependence.spread > objects {
      throw LabError(
        "\(place).given.spread is \(dependence.spread), but type '\(predicate.object)' has \(objects) "
          + "entities; lower spread")
    }
    try checkConstraints(predicate, place: place, objects: objects)
  }

  private func checkConstraints(
    _ predicate: PredicateSchema, place: String, objects: Int
  ) throws {
    guard let constraints = predicate.constraints else { return }
    let loop = ["symmetric", "transitive", "acyclic"].first(where: constraints.keys.contains)
    if let name = loop, predicate.subject != predicate.object {
      throw LabError(
        "\(place).\(name) needs subject and object of one type, not '\(predicate.subject)' and "
          + "'\(predicate.object)'; change a type or remove \(name)")
    }
    if constraints.acyclic, constraints.inverseFunctional {
      throw LabError(
        "\(place): acyclic and inverse_functional together are not supported; remove one of them")
    }
    if predicate.given != nil,
      constraints.acyclic || constraints.symmetric || constraints.inverseFunctional
    {
      throw LabError(
        "\(place).given: objects that depend on another predicate cannot also be acyclic, symmetric or "
          + "inverse_functional; remove one of them")
    }
    guard constraints.inverseFunctional, !constraints.symmetric else { return }
    let subjects = TypeExtents(self).all(of: predicate.subject).count
    let mean = ObjectCountSampler(
      predicate.objects, available: availableObjects(of: predicate)
    ).mean
    let expected = Double(subjects) * predicate.coverage * mean
    guard expected <= Double(objects) else {
      throw LabError(
        "\(place).inverse_functional: about \(Int(expected.rounded())) objects are needed, each with one "
          + "subject, but type '\(predicate.object)' has \(objects); raise its count, or lower objects or "
          + "coverage")
    }
  }

  /// Each step of a chain must begin where the one before can end.
  private func checkChain(_ predicate: PredicateSchema, place: String) throws {
    let extents = TypeExtents(self)
    let key = predicate.rule == nil ? "inverse_of" : "rule"
    var current = predicate.subject
    for step in predicate.chain {
      guard let source = predicates.first(where: { $0.name == step.predicate }) else { continue }
      let from = step.isInverse ? source.object : source.subject
      guard extents.all(of: current).overlaps(extents.all(of: from)) else {
        throw LabError(
          "\(place).\(key): '\(step.predicate)' begins at type '\(from)', where the chain has come to "
            + "'\(current)'; change the rule or the types")
      }
      current = step.isInverse ? source.subject : source.object
    }
    let objects = extents.all(of: predicate.object)
    let last = extents.all(of: current)
    guard objects.lowerBound <= last.lowerBound, objects.upperBound >= last.upperBound else {
      throw LabError(
        "\(place).object is '\(predicate.object)', but the \(key) leads to '\(current)'; leave object out "
          + "or change it")
    }
  }

  /// No predicate may build on itself, directly or in a circle, and what it depends on must be of
  /// its subjects.
  func checkSources(file: String) throws {
    let extents = TypeExtents(self)
    for predicate in predicates {
      guard let cause = predicates.first(where: { $0.name == predicate.given?.predicate }),
        !extents.all(of: cause.subject).overlaps(extents.all(of: predicate.subject))
      else { continue }
      throw LabError(
        "\(file): predicates.\(predicate.name).given: '\(cause.name)' has subjects of type "
          + "'\(cause.subject)', which '\(predicate.subject)' has nothing in common with; choose a "
          + "predicate of the same subjects")
    }
    let ordered = Set(predicates.bySources(\.self).map(\.name))
    let rest = predicates.filter { !ordered.contains($0.name) }.map { "'\($0.name)'" }
    guard rest.isEmpty else {
      throw LabError(
        "\(file): predicates: \(rest.joined(separator: ", ")) build on each other in "
          + "a circle (by rule, inverse_of or given); remove one of these")
    }
  }
}
