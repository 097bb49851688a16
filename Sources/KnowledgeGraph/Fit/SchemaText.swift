import Foundation

/// A learnt schema as commented YAML.
struct SchemaText {
  let schema: GraphSchema
  let fits: [FittedSchema.PredicateFit]
  let types: TypeGuess
  let source: SourceTriples
  private static let width = 100

  var text: String {
    var lines = [
      "# \(Self.comment(schema.description)).", "#",
      types.isStated
        ? "# Types are those of the graph."
        : "# Types are guessed from who is subject and object of what; rename them as you like.",
      "# Names are invented in the manner of the source's; docs/graphs.md says how all is learnt.",
      "name: \(Self.scalar(schema.name))",
      "description: \(Self.scalar(schema.description))", "", "entity_types:",
    ]
    for (type, fitted) in zip(schema.entityTypes, types.types) { lines += entityType(type, fitted) }
    lines += ["", "predicates:"]
    for (predicate, fit) in zip(schema.predicates, fits) { lines += self.predicate(predicate, fit) }
    if let exposures = schema.exposures {
      lines += ["", "exposures: \(Self.words(exposures))"]
    }
    let shares = schema.heldOut
    lines += [
      "", "visibility:",
      "  held_out: {subject: \(Self.number(shares.subject)), query: \(Self.number(shares.query)), "
        + "object: \(Self.number(shares.object))}",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private func entityType(_ type: EntityTypeSchema, _ fitted: TypeGuess.FittedType) -> [String] {
    var lines: [String] = []
    func remark(_ words: String, _ names: [String]) {
      guard !names.isEmpty else { return }
      lines.append("  # \(Self.comment("\(words) \(names.joined(separator: ", "))"))")
    }
    remark("Such as", fitted.entities.prefix(3).map { source.names[Int($0)] })
    if !types.isStated {
      remark("subject of:", schema.predicates.filter { $0.subject == type.name }.map(\.name))
      remark("object of:", schema.predicates.filter { $0.object == type.name }.map(\.name))
    }
    if type.count > fitted.entities.count, !fitted.entities.isEmpty {
      lines.append(
        "  # \(fitted.entities.count) in the source; more here, so that as many of them come up"
      )
    }
    let isAbstract = fitted.entities.isEmpty && type.count == 0
    lines.append("  \(Self.scalar(type.name)):\(isAbstract && type.parent == nil ? " {}" : "")")
    if let parent = type.parent { lines.append("    parent: \(Self.scalar(parent))") }
    if isAbstract { return lines }
    lines += ["    count: \(type.count)", "    name: \(Self.words(type.names))"]
    if let share = type.ambiguous { lines.append("    ambiguous: \(Self.number(share))") }
    return lines
  }

  private func predicate(
    _ predicate: PredicateSchema, _ fit: FittedSchema.PredicateFit
  ) -> [String] {
    let counts =
      "\(fit.tripleCount) triples of \(fit.subjectCount) subjects and \(fit.distinctObjectCount) objects"
    var lines = ["  # " + Self.comment(([counts] + fit.remarks).joined(separator: "; "))]
    lines.append("  \(Self.scalar(predicate.name)):")
    if let inverse = predicate.inverseOf {
      lines.append("    inverse_of: \(Self.scalar(inverse))")
    } else {
      lines += [
        "    subject: \(Self.scalar(predicate.subject))",
        "    object: \(Self.scalar(predicate.object))",
      ]
      lines += draw(predicate)
    }
    if let noise = predicate.noise {
      let shares = Noise.allCases.filter { noise[$0] > 0 }
        .map { "\($0.rawValue): \(Self.number(noise[$0]))" }
      lines.append("    noise: {\(shares.joined(separator: ", "))}")
    }
    if let templates = predicate.templates {
      lines.append("    templates:")
      lines += templates.map { "      - \(Self.quoted($0))" }
    }
    return lines
  }

  private func draw(_ predicate: PredicateSchema) -> [String] {
    var lines: [String] = []
    if predicate.objects != .constant(1) {
      lines += Self.wrapped("    objects: \(Self.words(predicate.objects))")
    }
    if predicate.coverage < 1 { lines.append("    coverage: \(Self.number(predicate.coverage))") }
    if predicate.popularity != .uniform {
      lines += Self.wrapped("    popularity: \(Self.words(predicate.popularity))")
    }
    return lines + predicate.holding.keys.map { "    \($0): true" }
  }
}

// MARK: Values as YAML

extension SchemaText {
  static func words(_ objects: ObjectCount) -> String {
    switch objects {
    case .constant(let count): "\(count)"
    case .range(let low, let high): "{min: \(low), max: \(high)}"
    case .poisson(let mean): "{poisson: \(number(mean))}"
    case .zipf(let exponent, let high): "{zipf: \(number(exponent)), max: \(high)}"
    case .weights(let weights): "{weights: [\(weights.map(number).joined(separator: ", "))]}"
    }
  }

  static func words(_ popularity: Popularity) -> String {
    switch popularity {
    case .uniform: "uniform"
    case .zipf(let exponent): "{zipf: \(number(exponent))}"
    case .weights(let weights): "{weights: [\(weights.map(number).joined(separator: ", "))]}"
    }
  }

  static func words(_ exposures: ExposureModel) -> String {
    switch exposures {
    case .constant(let count): "\(count)"
    case .range(let low, let high): "{min: \(low), max: \(high)}"
    case .zipf(let exponent, let high): "{zipf: \(number(exponent)), max: \(high)}"
    case .pareto(let shape, let high): "{pareto: \(number(shape)), max: \(high)}"
    }
  }

  static func words(_ names: NameModel) -> String {
    switch names {
    case .multiPart(let parts, let pools, let syllables):
      "{model: multi_part, parts: \(list(parts)), pool: \(list(pools)), syllables: \(syllables)}"
    case .opaque(let prefix, let digits, let start):
      "{model: opaque, prefix: \(quoted(prefix)), digits: \(digits), start: \(start)}"
    case .integer(let from, let to):
      "{model: \(from >= 1000 && to <= 2100 ? "year" : "integer"), from: \(from), to: \(to)}"
    case .date(let from, let to):
      "{model: date, from: \(CalendarDay.text(of: from)), to: \(CalendarDay.text(of: to))}"
    case .monthDays(let from, let to, let days):
      "{model: date, from: \(from)-01-01, to: \(to)-12-31, days: \(days)}"
    case .quantity(let from, let to, let step, let decimals, let unit):
      "{model: quantity, from: \(Names.decimal(from, decimals)), to: \(Names.decimal(to, decimals)), "
        + "step: \(Names.decimal(step, decimals)), decimals: \(decimals), unit: \(quoted(unit))}"
    case .code(let pattern): "{model: code, pattern: \(quoted(pattern))}"
    }
  }

  private static func list(_ values: [Int]) -> String {
    values.count == 1 ? "\(values[0])" : "[\(values.map(String.init).joined(separator: ", "))]"
  }

  /// Without exponent and without what a whole number does not need.
  static func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    var text = String(format: "%.8f", value)
    while text.hasSuffix("0") { text.removeLast() }
    return text
  }

  /// Text as a plain scalar where that is safe, else in double quotes.
  static func scalar(_ text: String) -> String {
    let reserved: Set = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
    let isPlain =
      text.first?.isLetter == true && text.last != " " && !reserved.contains(text.lowercased())
      && text.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII
          && (scalar.properties.isAlphabetic || (48...57).contains(scalar.value)
            || " _-/.()".unicodeScalars.contains(scalar))
      }
    return isPlain ? text : quoted(text)
  }

  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case let other
      where other.value < 0x20 || (0x7F...0x9F).contains(other.value)
        || [0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(other.value):
        quoted += String(format: "\\u%04X", other.value)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// Text that can stand in a comment: one line, not too long.
  private static func comment(_ text: String) -> String {
    let plain = String(
      text.unicodeScalars.map { scalar in
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028
          || [0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(scalar.value) ? " " : Character(scalar)
      })
    return plain.count > width ? String(plain.prefix(width - 1)) + "…" : plain
  }

  /// A long list over several lines, broken after commas.
  private static func wrapped(_ line: String) -> [String] {
    guard line.count > width else { return [line] }
    var lines: [String] = []
    var current = ""
    for (index, part) in line.components(separatedBy: ", ").enumerated() {
      let next = index == 0 ? part : ", " + part
      if current.count + next.count > width {
        lines.append(current + ",")
        current = "      " + part
      } else {
        current += next
      }
    }
    return lines + [current]
  }
}
