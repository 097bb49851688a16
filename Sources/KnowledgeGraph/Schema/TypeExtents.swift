/// Which entities belong to which type: ids count through the types in order, and the kinds of a
/// type stand right after it, so that each type's entities are one range.
struct TypeExtents: Sendable {
  private let places: [String: Int]
  /// Entities that belong to no kind of the type.
  let own: [Range<Int>]
  /// Entities of the type and of all its kinds.
  let all: [Range<Int>]

  init(_ schema: GraphSchema) {
    let types = schema.entityTypes
    let places = Dictionary(
      types.enumerated().map { ($0.element.name, $0.offset) },
      uniquingKeysWith: { first, _ in first })
    var own: [Range<Int>] = []
    var start = 0
    for type in types {
      own.append(start..<(start + type.count))
      start += type.count
    }
    var all = own
    // Kinds stand after what they are a kind of, so that the last ones are passed up first.
    for index in types.indices.reversed() {
      guard let parent = types[index].parent.flatMap({ places[$0] }), parent < index else {
        continue
      }
      all[parent] = all[parent].lowerBound..<max(all[parent].upperBound, all[index].upperBound)
    }
    self.places = places
    self.own = own
    self.all = all
  }

  var entityCount: Int { own.last?.upperBound ?? 0 }

  func index(of type: String) -> Int { places[type] ?? 0 }

  func all(of type: String) -> Range<Int> { all[index(of: type)] }
}

extension GraphSchema {
  /// Puts every type right before its kinds; without kinds the order stays.
  mutating func orderTypes() {
    let types = entityTypes
    func withKinds(_ type: EntityTypeSchema) -> [EntityTypeSchema] {
      [type] + types.filter { $0.parent == type.name }.flatMap(withKinds)
    }
    entityTypes = types.filter { $0.parent == nil }.flatMap(withKinds)
  }
}
