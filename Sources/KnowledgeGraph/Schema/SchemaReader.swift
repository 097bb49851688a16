package import Foundation
import LabCore
import Yams

extension GraphSchema {
  /// Reads a schema file strictly, applies overrides and checks that it can be satisfied.
  ///
  /// `overrides` are `path=value` pairs such as `entity_types.person.count=20000`; `scale`
  /// multiplies the counts of the types that scale (see docs/graphs.md). Throws `LabError` naming
  /// file and line for an unknown key, a value of the wrong kind, or a constraint that cannot be
  /// met.
  package static func read(
    _ url: URL, overrides: [String] = [], scale: Double = 1
  ) throws -> GraphSchema {
    try parse(
      SchemaNode.text(of: url, kind: "schema"), file: url.relativePath, overrides: overrides,
      scale: scale)
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
    try schema.checkParents(file: file)
    schema.orderTypes()
    try schema.multiply(by: scale)
    try schema.check(file: file)
    return schema
  }
}

extension GraphSchema {
  fileprivate init(_ node: SchemaNode) throws {
    try node.allow([
      "name", "description", "entity_types", "predicates", "visibility", "exposures", "noise",
    ])
    name = try node.required("name", example: "my-graph").text()
    description = try node.optional("description")?.text() ?? ""
    let types = try node.required("entity_types", example: "{person: {…}}").entries()
    let relations = try node.required("predicates", example: "{born in: {…}}").entries()
    let subjects = Set(relations.compactMap { $0.value.optional("subject")?.node.string })
    let typeNames = types.map(\.key)
    let parents = Dictionary(
      types.compactMap { key, value in value.optional("parent")?.node.string.map { (key, $0) } },
      uniquingKeysWith: { first, _ in first })
    entityTypes = try types.map { key, value in
      try EntityTypeSchema(
        name: key, value, isSubject: subjects.contains(key), types: typeNames, parents: parents)
    }
    let byName = Dictionary(
      relations.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    predicates = try relations.map { key, value in
      try PredicateSchema(name: key, value, types: typeNames, relations: byName)
    }
    exposures = try node.optional("exposures").map { try ExposureModel($0) }
    noise = try node.optional("noise").map { try NoiseShares($0) }
    heldOut = HeldOutShares()
    if let visibility = node.optional("visibility") {
      try visibility.allow(["held_out"])
      if let shares = visibility.optional("held_out") { heldOut = try HeldOutShares(shares) }
    }
  }
}

extension EntityTypeSchema {
  /// `parents` are the parent types by the names of their kinds, as written.
  fileprivate init(
    name: String, _ node: SchemaNode, isSubject: Bool, types: [String], parents: [String: String]
  ) throws {
    try node.allow(["count", "name", "scale", "parent", "ambiguous"])
    self.name = name
    parent = try node.optional("parent").map { try $0.name(of: "entity type", in: types) }
    ambiguous = try node.optional("ambiguous")?.number("above 0 and at most 1") {
      $0 > 0 && $0 <= 1
    }
    if parents.values.contains(name), node.optional("name") == nil, node.optional("count") == nil {
      // An abstract type has no entities but those of its kinds.
      names = .opaque(prefix: "\(name)-", digits: 6, start: 1)
      count = 0
      scales = false
      return
    }
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
