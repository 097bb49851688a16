import LabCore

extension ObjectCount {
  init(_ node: SchemaNode) throws {
    let limit = 1...1_000_000
    guard node.isMapping else {
      self = .constant(try node.integer(in: limit))
      return
    }
    try node.allow(["min", "max", "poisson", "zipf", "weights"])
    if let mean = node.optional("poisson") {
      try node.allow(["poisson"])
      self = .poisson(mean: try mean.number("above 0 and at most 10000") { $0 > 0 && $0 <= 10_000 })
    } else if let weights = node.optional("weights") {
      try node.allow(["weights"])
      let values = try weights.weights()
      guard values.dropFirst().contains(where: { $0 > 0 }) else {
        throw weights.failure(
          "counts from 0 objects, so that it needs a weight above 0 after the first")
      }
      self = .weights(values)
    } else if let exponent = node.optional("zipf") {
      try node.allow(["zipf", "max"])
      self = .zipf(exponent: try exponent.exponent(), max: try node.largest(in: limit, "8"))
    } else {
      let (min, max) = try node.bounds(in: limit)
      self = .range(min: min, max: max)
    }
  }
}

extension Popularity {
  init(_ node: SchemaNode) throws {
    if node.isMapping {
      try node.allow(["zipf", "weights"])
      if let weights = node.optional("weights") {
        try node.allow(["weights"])
        self = .weights(try weights.weights())
      } else {
        self = .zipf(exponent: try node.required("zipf", example: "1.5").exponent())
      }
    } else {
      guard try node.text() == "uniform" else {
        throw node.failure("must be 'uniform', '{zipf: 1.5}' or '{weights: [3, 2, 1]}'")
      }
      self = .uniform
    }
  }
}

extension ExposureModel {
  init(_ node: SchemaNode) throws {
    let limit = 1...100_000
    guard node.isMapping else {
      self = .constant(try node.integer(in: limit))
      return
    }
    try node.allow(["min", "max", "zipf", "pareto"])
    if let exponent = node.optional("zipf") {
      try node.allow(["zipf", "max"])
      self = .zipf(exponent: try exponent.exponent(), max: try node.largest(in: limit, "100"))
    } else if let shape = node.optional("pareto") {
      try node.allow(["pareto", "max"])
      self = .pareto(
        shape: try shape.number("above 0 and at most 10") { $0 > 0 && $0 <= 10 },
        max: try node.largest(in: limit, "100"))
    } else {
      let (min, max) = try node.bounds(in: limit)
      self = .range(min: min, max: max)
    }
  }
}

extension NoiseShares {
  init(_ node: SchemaNode) throws {
    try node.allow(["contradictory", "stale", "duplicate"])
    self.init(
      contradictory: try node.share("contradictory"), stale: try node.share("stale"),
      duplicate: try node.share("duplicate"))
  }
}

extension HeldOutShares {
  /// Reads `object`, `query` and `subject`, each 0 where it is absent.
  package init(_ node: SchemaNode) throws {
    try node.allow(["object", "query", "subject"])
    self.init(
      object: try node.share("object"), query: try node.share("query"),
      subject: try node.share("subject"))
  }

  /// Reads a predicate's own `object` and `query`; all of its queries may be held out.
  init(ofPredicate node: SchemaNode) throws {
    try node.allow(["object", "query"])
    let query = try node.optional("query")?.number("between 0 and 1") { $0 >= 0 && $0 <= 1 }
    self.init(object: try node.share("object"), query: query ?? 0)
  }
}

extension SchemaNode {
  fileprivate func share(_ key: String) throws -> Double {
    try optional(key)?.number("at least 0 and below 1") { $0 >= 0 && $0 < 1 } ?? 0
  }

  fileprivate func exponent() throws -> Double {
    try number("between 0 and 10") { $0 >= 0 && $0 <= 10 }
  }

  fileprivate func largest(in limit: ClosedRange<Int>, _ example: String) throws -> Int {
    try required("max", example: example).integer(in: limit)
  }

  fileprivate func bounds(in limit: ClosedRange<Int>) throws -> (min: Int, max: Int) {
    let min = try required("min", example: "1").integer(in: limit)
    let max = try largest(in: limit, "3")
    guard min <= max else {
      throw failure("has min \(min) above max \(max); swap them or raise max")
    }
    return (min, max)
  }

  fileprivate func weights() throws -> [Double] {
    let values = try items().map { try $0.number("between 0 and 1e15") { (0...1e15).contains($0) } }
    guard values.contains(where: { $0 > 0 }) else {
      throw failure("needs at least one weight above 0")
    }
    return values
  }
}
