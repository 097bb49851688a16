import LabCore

/// The names of one type's entities, some of them shared by two.
struct EntityNames: Sendable {
  private let names: Names
  /// How many entities share their name with another: an even number.
  private let ambiguousCount: Int
  private let order: IndexPermutation?

  init(_ type: EntityTypeSchema, seed: Seed, words: inout WordPool) throws {
    names = try Names(type, seed: seed, words: &words)
    ambiguousCount = Self.ambiguousCount(of: type)
    order =
      ambiguousCount > 0
      ? IndexPermutation(
        count: type.count, stream: seed.stream("graph/names/\(type.name)/ambiguous")) : nil
  }

  /// The share that the schema asks for, as a whole number of pairs.
  static func ambiguousCount(of type: EntityTypeSchema) -> Int {
    Int((Double(type.count) * (type.ambiguous ?? 0) / 2).rounded()) * 2
  }

  subscript(index: Int) -> String {
    guard let order else { return names[index] }
    let place = order[index]
    return names[place < ambiguousCount ? place / 2 : place - ambiguousCount / 2]
  }
}
