import Foundation
import LabCore

extension PredicateSchema {
  /// Keys that say how objects are drawn, and therefore nothing where a predicate is derived.
  private static let drawKeys =
    ["objects", "coverage", "popularity"] + Constraints.all.map(\.key) + ["given"]
  private static let keys =
    ["subject", "object"] + drawKeys
    + ["rule", "inverse_of", "exposures", "noise", "held_out", "templates"]

  /// Reads one entry of `predicates`; `relations` are all of them, for rules and inverses.
  init(
    name: String, _ node: SchemaNode, types: [String], relations: [String: SchemaNode]
  ) throws {
    try node.allow(Self.keys)
    self.name = name
    rule = try node.optional("rule").map { try Rule($0, relations: relations) }
    inverseOf = try node.optional("inverse_of").map {
      try $0.name(of: "predicate", in: relations.keys.sorted())
    }
    if let derived = node.optional("rule") ?? node.optional("inverse_of") {
      guard rule == nil || inverseOf == nil else {
        throw derived.failure("stands beside inverse_of; a predicate has one or the other")
      }
      for key in Self.drawKeys where node.optional(key) != nil {
        throw derived.failure(
          "makes every triple of the predicate, so that '\(key)' has nothing to say; remove it")
      }
    }
    let chain = rule ?? inverseOf.map { Rule(steps: [.init(predicate: $0, isInverse: true)]) }
    let ends = try chain?.ends(in: relations)
    subject = try node.type("subject", implied: ends?.subject, types: types)
    object = try node.type("object", implied: ends?.object, types: types)
    objects = try node.optional("objects").map { try ObjectCount($0) } ?? .constant(1)
    coverage =
      try node.optional("coverage")?.number("above 0 and at most 1") { $0 > 0 && $0 <= 1 } ?? 1
    popularity = try node.optional("popularity").map { try Popularity($0) } ?? .uniform
    constraints = try Constraints(node)
    given = try node.optional("given").map {
      try Dependence($0, predicates: relations.keys.sorted())
    }
    exposures = try node.optional("exposures").map { try ExposureModel($0) }
    noise = try node.optional("noise").map { try NoiseShares($0) }
    heldOut = try node.optional("held_out").map { try HeldOutShares(ofPredicate: $0) }
    templates = try node.optional("templates").map { try $0.templates() }
    if holding.functional, objects != .constant(1) {
      throw try node.required("functional", example: "true").failure(
        "means one object a subject, but objects says otherwise; remove one of the two")
    }
  }
}

extension SchemaNode {
  /// The value as one of the known names of a kind of thing; throws with the nearest one.
  func name(of kind: String, in known: [String]) throws -> String {
    let name = try name()
    guard known.contains(name) else {
      throw failure("names no \(kind): '\(name)'\(Suggestion.hint(for: name, in: known))")
    }
    return name
  }

  fileprivate func type(_ key: String, implied: String?, types: [String]) throws -> String {
    if optional(key) == nil, let implied, types.contains(implied) { return implied }
    return try required(key, example: types.first ?? "person").name(of: "entity type", in: types)
  }

  fileprivate func templates() throws -> [String] {
    try items().map { item in
      let text = try item.name()
      guard text.components(separatedBy: "{subject}").count == 2 else {
        throw item.failure("must hold {subject} once, such as '{subject} was born in {object}'")
      }
      guard text.hasSuffix("{object}"), text.components(separatedBy: "{object}").count == 2 else {
        throw item.failure(
          "must end with {object}, since that is what a model is asked to say; for the other "
            + "direction make a predicate with inverse_of")
      }
      return text
    }
  }
}

extension Constraints {
  /// Nil where none is asked for.
  fileprivate init?(_ node: SchemaNode) throws {
    self.init()
    for (key, path) in Self.all {
      if let flag = node.optional(key) { self[keyPath: path] = try flag.boolean() }
    }
    if self == Constraints() { return nil }
    if symmetric && acyclic {
      throw node.failure("is symmetric and acyclic, which leaves no triple; remove one of them")
    }
    if functional && transitive {
      throw node.failure(
        "is functional and transitive: a chain gives its first subject several objects; remove one")
    }
    if inverseFunctional && transitive {
      throw node.failure(
        "is inverse_functional and transitive: a chain gives its last object several subjects; "
          + "remove one")
    }
  }
}

extension Dependence {
  fileprivate init(_ node: SchemaNode, predicates: [String]) throws {
    try node.allow(["predicate", "strength", "spread"])
    predicate = try node.required("predicate", example: "works at").name(
      of: "predicate", in: predicates)
    strength = try node.required("strength", example: "0.8").number("above 0 and at most 1") {
      $0 > 0 && $0 <= 1
    }
    spread = try node.optional("spread")?.integer(in: 1...1_000_000) ?? 1
  }
}

extension Rule {
  /// Reads "parent / parent" or "^parent / parent".
  fileprivate init(_ node: SchemaNode, relations: [String: SchemaNode]) throws {
    let known = relations.keys.sorted()
    steps = try node.name().components(separatedBy: " / ").map { part in
      let trimmed = part.trimmingCharacters(in: .whitespaces)
      // A predicate's own name may begin with ^.
      let isInverse = !known.contains(trimmed) && trimmed.hasPrefix("^")
      let name = isInverse ? String(trimmed.dropFirst()) : trimmed
      guard known.contains(name) else {
        throw node.failure(
          "names no predicate: '\(name)'\(Suggestion.hint(for: name, in: known)); a rule is a chain such "
            + "as 'parent / parent', with '^parent' for the way from object to subject")
      }
      return Step(predicate: name, isInverse: isInverse)
    }
    guard (2...4).contains(steps.count) else {
      throw node.failure(
        "has \(steps.count) steps; give two to four, joined by ' / ' (for one step use inverse_of)")
    }
  }

  /// The types at both ends of the chain, as far as its predicates state them.
  fileprivate func ends(
    in relations: [String: SchemaNode]
  ) throws -> (subject: String?, object: String?) {
    func end(_ step: Step, first: Bool) throws -> String? {
      let key = step.isInverse == first ? "object" : "subject"
      return try relations[step.predicate]?.optional(key)?.name()
    }
    return (try end(steps[0], first: true), try end(steps[steps.count - 1], first: false))
  }
}
