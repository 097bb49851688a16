package import KnowledgeGraph

/// A setting that a study's file may give to a measure: its name, and how its value is read.
package struct StudySetting<Settings>: Sendable {
  package let name: String
  /// Where a whole number goes, and what it may be; nil for other values.
  let number: (path: any WritableKeyPath<Settings, Int> & Sendable, range: ClosedRange<Int>)?
  /// What an error shows where the setting is left out; nil where it may be.
  private let example: String?
  private let set: @Sendable (SchemaNode, inout Settings) throws -> Void

  /// A value that `read` makes of the node with this name, which may be left out unless there is an
  /// example of it.
  package init<Value>(
    _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, example: String? = nil,
    _ read: @escaping @Sendable (SchemaNode) throws -> Value
  ) {
    self.name = name
    number = nil
    self.example = example
    set = { $1[keyPath: path] = try read($0) }
  }

  /// A whole number.
  package init(
    _ name: String, _ path: any WritableKeyPath<Settings, Int> & Sendable,
    in range: ClosedRange<Int>
  ) {
    self.name = name
    number = (path, range)
    example = nil
    set = { $1[keyPath: path] = try $0.integer(in: range) }
  }

  /// A value that is read where all others are known, in `finish`.
  package init(late name: String) {
    self.name = name
    number = nil
    example = nil
    set = { _, _ in }
  }

  /// Some of the cases of an enumeration, in its order.
  package static func chosen<
    Value: CaseIterable & RawRepresentable<String> & Hashable & SendableMetatype
  >(
    _ name: String, _ path: any WritableKeyPath<Settings, [Value]> & Sendable
  ) -> StudySetting {
    StudySetting(name, path) { node in
      let chosen = try node.distinct { try $0.choice(Value.self) }
      return Value.allCases.filter(chosen.contains)
    }
  }

  /// What the names in a list stand for; `kind` is what a name that stands for nothing is none of.
  package static func named<Value: Hashable & SendableMetatype>(
    _ name: String, _ path: any WritableKeyPath<Settings, [Value]> & Sendable, _ kind: String,
    _ value: @escaping @Sendable (String) throws -> Value
  ) -> StudySetting {
    StudySetting(name, path) { node in
      try node.distinct { item in
        do {
          return try value(try item.text())
        } catch {
          throw item.failure("is no \(kind): \(error)")
        }
      }
    }
  }

  /// What decides random choices, under "seed".
  package static func seed(_ path: any WritableKeyPath<Settings, UInt64> & Sendable) -> StudySetting
  {
    StudySetting("seed", path) { UInt64(try $0.integer(in: 0...Int.max)) }
  }

  /// Resamples behind intervals, under "resamples".
  package static func resamples(
    _ path: any WritableKeyPath<Settings, Int> & Sendable, atLeast least: Int = 0
  ) -> StudySetting {
    StudySetting("resamples", path, in: least...1_000_000)
  }

  /// Takes the value that a study gives, if any; throws an error that names the line.
  package func read(_ node: SchemaNode, into settings: inout Settings) throws {
    let value = try example.map { try node.required(name, example: $0) } ?? node.optional(name)
    if let value { try set(value, &settings) }
  }
}

/// Settings of which each stands once in a list: with its name, its range and how a study's file
/// gives it.
package protocol StudySettings: Codable, Hashable, Sendable {
  /// As they usually are.
  init()
  /// In the order in which they are read.
  static var all: [StudySetting<Self>] { get }
  /// Ends reading: what depends on several settings.
  mutating func finish(_ node: SchemaNode) throws
}

extension StudySettings {
  package static var names: [String] { all.map(\.name) }

  /// The whole numbers with their ranges, by their names in a study, which with dashes are those of
  /// the options.
  package static var ranges:
    [(
      name: String, path: any WritableKeyPath<Self, Int> & Sendable, range: ClosedRange<Int>
    )]
  {
    all.compactMap { setting in setting.number.map { (setting.name, $0.path, $0.range) } }
  }

  /// Reads the settings that a study gives over the usual ones; throws an error that names the
  /// line.
  package init(study node: SchemaNode) throws {
    self.init()
    try read(node)
  }

  /// Takes the settings that a study gives; throws an error that names the line.
  package mutating func read(_ node: SchemaNode) throws {
    for setting in Self.all { try setting.read(node, into: &self) }
    try finish(node)
  }

  package mutating func finish(_ node: SchemaNode) throws {}
}

/// A measure whose settings are a list, taken of the models that a study selects.
package protocol ListedMeasure: Measure where Settings: StudySettings {
  var selection: ModelSelection { get set }
  init(_ settings: Settings)
}

extension ListedMeasure {
  package static var settingNames: [String] { ModelSelection.settingNames + Settings.names }

  package init(study node: SchemaNode) throws {
    let selection = try ModelSelection(study: node)
    self.init(try Settings(study: node))
    self.selection = selection
  }
}
