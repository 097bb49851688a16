/// As JSON, options that came after the first runs are written only where they differ from what
/// those runs had.
///
/// So the runs made before can be read and continued, and equal settings have equal hashes.
extension TrainingConfiguration: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads a configuration; throws a `DecodingError` when it has no horizon, or two.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let horizon = try Self.horizon(container)
    var request = TrainingRequest(TrainingConfiguration(horizon: horizon, learningRate: 0))
    for option in TrainingOption.all where option.record != .no {
      let key = Key(option.name)
      guard option.record == .always || container.contains(key) else { continue }
      let text =
        switch option.values {
        case .choice: try container.decode(String.self, forKey: key)
        case .flag: String(try container.decode(Bool.self, forKey: key))
        case .integer: String(try container.decode(Int.self, forKey: key))
        case .number: String(try container.decode(Double.self, forKey: key))
        }
      if case .choice(let names) = option.values, !names.contains(text) {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "is none of \(names)")
      }
      option.set(text, in: &request)
    }
    self = request.resolvedTraining(nil)
  }

  private static func horizon(_ container: KeyedDecodingContainer<Key>) throws -> Horizon {
    let found: [Horizon?] = [
      try container.decodeIfPresent(Int.self, forKey: Key("epochs")).map { .epochs($0) },
      try container.decodeIfPresent(Int.self, forKey: Key("steps")).map { .steps($0) },
      try container.decodeIfPresent(Int.self, forKey: Key("tokens")).map { .tokens($0) },
      try container.decodeIfPresent(Double.self, forKey: Key("flops")).map { .flops($0) },
    ]
    let horizons = found.compactMap(\.self)
    guard let horizon = horizons.first, horizons.count == 1 else {
      throw DecodingError.dataCorruptedError(
        forKey: Key("epochs"), in: container,
        debugDescription: "needs exactly one of epochs, steps, tokens and flops")
    }
    return horizon
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch horizon {
    case .epochs(let count), .steps(let count), .tokens(let count):
      try container.encode(count, forKey: Key(horizon.key))
    case .flops(let count): try container.encode(count, forKey: Key(horizon.key))
    }
    let request = TrainingRequest(self)
    for option in TrainingOption.all where option.record != .no {
      let text = option.text(request)
      guard let text, option.record == .always || text != option.text(.usual) else { continue }
      let key = Key(option.name)
      switch option.values {
      case .choice: try container.encode(text, forKey: key)
      case .flag: try container.encode(Bool(text), forKey: key)
      case .integer: try container.encode(Int(text), forKey: key)
      case .number: try container.encode(Double(text), forKey: key)
      }
    }
  }
}
