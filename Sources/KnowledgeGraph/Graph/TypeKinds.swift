/// Which entity types are kinds of which.
struct TypeKinds {
  private let parents: [Int32?]

  init(_ types: [EntityType] = []) { parents = types.map(\.parent) }

  /// Whether a type is the wanted one or a kind of it; where none is wanted, every type is right.
  func isKind(_ type: Int32, of wanted: Int32?) -> Bool {
    guard let wanted else { return true }
    var current: Int32? = type
    // A type has no more ancestors than there are types.
    for _ in 0...parents.count {
      guard let type = current else { return false }
      if type == wanted { return true }
      current = parents.indices.contains(Int(type)) ? parents[Int(type)] : nil
    }
    return false
  }

  /// The type and all that are a kind of it.
  func all(of type: Int32) -> [Int32] {
    parents.indices.map { Int32($0) }.filter { isKind($0, of: type) }
  }

  /// A type whose chain of parents leads back to itself; nil where every chain ends.
  var typeOnACircle: Int32? {
    /// The walk that came to each type first, from 1.
    var walks = [Int](repeating: 0, count: parents.count)
    for start in parents.indices {
      var current: Int32? = Int32(truncatingIfNeeded: start)
      while let type = current, walks[Int(type)] == 0 {
        walks[Int(type)] = start + 1
        current = parents[Int(type)]
      }
      if let type = current, walks[Int(type)] == start + 1 { return type }
    }
    return nil
  }
}
