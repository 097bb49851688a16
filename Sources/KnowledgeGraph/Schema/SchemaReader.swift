package import Foundation
import LabCore
import Yams

extension GraphSchema {
  /// Reads a schema file strictly, applies overrides and checks that it can be satisfied.
  ///
  /// `overrides` are `path=value` pairs such as `entity_types.person.count=20000`; `scale` multiplies
  /// the counts of the types that scale (see docs/graphs.md). Throws `LabError` naming file and line
  /// for an unknown key, a value of the wrong kind, or a constraint that cannot be met.
  package static func read(
    _ url: URL, overrides: [String] = [], scale: Double = 1
  ) throws -> GraphSchema {
    let text: String
    do {
      text = try String(contentsOf: url, encoding: .utf8)
    } catch {
      throw LabError(
        "cannot read the schema \(url.relativePath): check that it exists and is UTF-8 text")
    }
    return try parse(text, file: url.relativePath, overrides: overrides, scale: scale)
  }

  /// Reads a schema from text; `file` is the name that errors give.
  package static func parse(
    _ text: String, file: String, overrides: [String] = [], scale: Double = 1
  ) throws -> GraphSchema {
    var root = try SchemaNode.root(of: text, file: file, examples: "kg-schemas/").node
    var overridden: Set<String> = []
    for item in overrides {
      overridden.insert(try SchemaOverride(item).apply(to: &root, file: file))
    }
    let top = SchemaNode(node: root, path: "", file: file, overridden: overridden)
    var schema = try GraphSchema(top)
    try schema.multiply(by: scale)
    try schema.check(file: file)
    return schema
  }
}

extension GraphSchema {
  fileprivate init(_ node: SchemaNode) throws {
    try node.allow(["name", "description", "entity_types", "predicates", "visibility"])
    name = try node.required("name", example: "my-graph").text()
    description = try node.optional("description")?.text() ?? ""
    let types = try node.required("entity_types", example: "{person: {…}}").entries()
    let relations = try node.required("predicates", example: "{born in: {…}}").entries()
    let subjects = Set(relations.compactMap { $0.value.optional("subject")?.node.string })
    entityTypes = try types.map { key, value in
      try EntityTypeSchema(name: key, value, isSubject: subjects.contains(key))
    }
    let typeNames = entityTypes.map(\.name)
    predicates = try relations.map { key, value in
      try PredicateSchema(name: key, value, types: typeNames)
    }
    heldOut = HeldOutShares()
    if let visibility = node.optional("visibility") {
      try visibility.allow(["held_out"])
      if let shares = visibility.optional("held_out") { heldOut = try HeldOutShares(shares) }
    }
  }
}

extension EntityTypeSchema {
  fileprivate init(name: String, _ node: SchemaNode, isSubject: Bool) throws {
    try node.allow(["count", "name", "scale"])
    self.name = name
    names = try NameModel(try node.required("name", example: "{model: multi_part, pool: 50}"))
    if let count = node.optional("count") {
      self.count = try count.integer(in: 1...1_000_000_000)
    } else if let capacity = names.literalCapacity {
      count = capacity
    } else {
      throw node.failure("has no count; add for example 'count: 100'")
    }
    scales = try node.optional("scale")?.boolean() ?? (isSubject && names.literalCapacity == nil)
  }
}

extension PredicateSchema {
  fileprivate init(name: String, _ node: SchemaNode, types: [String]) throws {
    try node.allow(["subject", "object", "objects", "coverage", "popularity"])
    func type(_ key: String) throws -> String {
      let value = try node.required(key, example: types.first ?? "person")
      let name = try value.text()
      guard types.contains(name) else {
        throw value.failure(
          "names no entity type: '\(name)'\(Suggestion.hint(for: name, in: types))")
      }
      return name
    }
    self.name = name
    subject = try type("subject")
    object = try type("object")
    objects = try node.optional("objects").map { try ObjectCount($0) } ?? .constant(1)
    coverage =
      try node.optional("coverage")?.number("above 0 and at most 1") { $0 > 0 && $0 <= 1 } ?? 1
    popularity = try node.optional("popularity").map { try Popularity($0) } ?? .uniform
  }
}

extension ObjectCount {
  fileprivate init(_ node: SchemaNode) throws {
    guard node.isMapping else {
      self = .constant(try node.integer(in: 1...1_000_000))
      return
    }
    try node.allow(["min", "max", "poisson", "zipf"])
    let limit = 1...1_000_000
    if let mean = node.optional("poisson") {
      try node.allow(["poisson"])
      self = .poisson(mean: try mean.number("above 0 and at most 10000") { $0 > 0 && $0 <= 10_000 })
    } else if let exponent = node.optional("zipf") {
      try node.allow(["zipf", "max"])
      self = .zipf(
        exponent: try exponent.number("between 0 and 10") { $0 >= 0 && $0 <= 10 },
        max: try node.required("max", example: "8").integer(in: limit))
    } else {
      let min = try node.required("min", example: "1").integer(in: limit)
      let max = try node.required("max", example: "3").integer(in: limit)
      guard min <= max else {
        throw node.failure("has min \(min) above max \(max); swap them or raise max")
      }
      self = .range(min: min, max: max)
    }
  }
}

extension Popularity {
  fileprivate init(_ node: SchemaNode) throws {
    if node.isMapping {
      try node.allow(["zipf"])
      let exponent = try node.required("zipf", example: "1.5")
      self = .zipf(exponent: try exponent.number("between 0 and 10") { $0 >= 0 && $0 <= 10 })
    } else {
      guard try node.text() == "uniform" else {
        throw node.failure("must be 'uniform' or '{zipf: 1.5}'")
      }
      self = .uniform
    }
  }
}

extension HeldOutShares {
  /// Reads `object`, `query` and `subject`, each 0 where it is absent.
  package init(_ node: SchemaNode) throws {
    try node.allow(["object", "query", "subject"])
    func share(_ key: String) throws -> Double {
      try node.optional(key)?.number("at least 0 and below 1") { $0 >= 0 && $0 < 1 } ?? 0
    }
    self.init(
      object: try share("object"), query: try share("query"), subject: try share("subject"))
  }
}
